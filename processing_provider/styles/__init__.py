"""How results look when QGIS loads them."""
