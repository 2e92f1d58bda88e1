"""Earthprint: geospatial embeddings in QGIS."""


def classFactory(iface: object) -> object:  # noqa: N802  (the name is QGIS's)
    """Return the plugin object; QGIS calls this when it loads the plugin."""
    from .plugin.earthprint_plugin import EarthprintPlugin

    return EarthprintPlugin(iface)
