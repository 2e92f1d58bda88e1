"""What QGIS loads: the plugin object, settings, the package check and the installer."""
