"""Makes the maps of the clustering's help pages: `./dev python tests/processing/cluster_pictures.py`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from help_pictures import PICTURES, picture_of, side_by_side, started


def stretched(path: str) -> Any:
    """Return a scene in its own colours."""
    from qgis.core import QgsContrastEnhancement, QgsRasterLayer

    from earthprint.processing_provider.styles.embedding_raster import stretch

    layer = QgsRasterLayer(path, "scene")
    renderer = layer.renderer().clone()
    provider = layer.dataProvider()
    for band, put in ((renderer.redBand(), renderer.setRedContrastEnhancement),
                      (renderer.greenBand(), renderer.setGreenContrastEnhancement),
                      (renderer.blueBand(), renderer.setBlueContrastEnhancement)):
        put(QgsContrastEnhancement(stretch(provider, band)))
    layer.setRenderer(renderer)
    return layer


def main() -> None:
    """Make the scene, run the algorithms, save the maps."""
    from qgis.core import QgsRasterLayer, QgsRectangle, QgsVectorLayer

    processing = started()
    from earthprint.engine.analyses.clusters.model import load_clusters
    from earthprint.processing_provider.styles.cluster_layer import ClusterPlacesStyle, style_cluster_layer
    from earthprint.resources.demo.scene import make_scene, write_scene

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = write_scene(make_scene(600, 600), folder)

        def run(name: str, **parameters: Any) -> Any:
            """Run one of our algorithms."""
            return processing.run(f"earthprint:{name}", parameters)

        field = run("embedraster", INPUT=str(files.spring), CELL=4, SEED=1, OUTPUT=str(folder / "field.tif"))
        found = run("clusterraster", INPUT=field["OUTPUT"], CLUSTERS=6, OUTPUT=str(folder / "clusters.tif"),
                    SUMMARY=str(folder / "places.gpkg"), MODEL_OUT=str(folder / "model.json"))
        scene, clusters = stretched(str(files.spring)), QgsRasterLayer(found["OUTPUT"], "clusters")
        places = QgsVectorLayer(found["SUMMARY"], "places", "ogr")
        classes = load_clusters(found["MODEL_OUT"])[0].classes
        ClusterPlacesStyle(classes).postProcessLayer(places, None, None)
        extent = QgsRectangle(scene.extent())
        side_by_side([picture_of([scene], extent), picture_of([places, clusters], extent)], 2,
                     PICTURES / "clusterraster.png")
        patches = run("embedpatches", INPUT=str(files.spring), ENCODER=field["ENCODER_USED"], SIZE=20,
                      OUTPUT=str(folder / "patches.gpkg"))
        maps = []
        for name, choices in (("free", {}), ("regions", {"NEIGHBOURS_ONLY": True})):
            made = run("clustertable", INPUT=patches["OUTPUT"], CLUSTERS=6, METHOD="agglomerative",
                       OUTPUT=str(folder / f"{name}.gpkg"), **choices)
            layer = QgsVectorLayer(made["OUTPUT"], name, "ogr")
            style_cluster_layer(layer, classes)
            maps.append(picture_of([layer], extent))
        side_by_side(maps, 2, PICTURES / "clustertable.png")


if __name__ == "__main__":
    main()
