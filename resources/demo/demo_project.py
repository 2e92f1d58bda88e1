"""The demo's QGIS project: all layers in groups, found by relative paths so that the folder may be moved."""

from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProject, QgsReferencedRectangle

from .demo_layers import DemoLayers
from .qgis_runs import DemoError

NAME = "earthprint_demo.qgz"
_SHOWN = ("scene_spring", "spring")


def write_project(layers: DemoLayers, path: Path) -> None:
    """Write the project, and read it again to be sure that it opens."""
    project = QgsProject()
    project.setTitle("Earthprint demo")
    project.setCrs(layers.scene_spring.crs())
    project.writeEntryBool("Paths", "Absolute", False)
    shown = [getattr(layers, name).id() for name in _SHOWN]
    for title, members in layers.groups().items():
        group = project.layerTreeRoot().addGroup(title)
        for layer in members:
            # The project owns what it holds, and these layers are needed after it.
            copy = layer.clone()
            project.addMapLayer(copy, False)
            node = group.addLayer(copy)
            node.setItemVisibilityChecked(layer.id() in shown)
            node.setExpanded(False)
    view = QgsReferencedRectangle(layers.scene_spring.extent(), layers.scene_spring.crs())
    project.viewSettings().setDefaultViewExtent(view)
    if not project.write(str(path)):
        raise DemoError(f"The project {path.name} can't be written: {project.error()}")
    missing = layers_missing(path)
    if missing:
        raise DemoError(f"The project {path.name} doesn't find these layers again: {', '.join(missing)}.")


def layers_missing(path: Path) -> "list[str]":
    """Return the names of a project's layers that can't be opened from where the project lies."""
    project = QgsProject()
    if not project.read(str(path)):
        raise DemoError(f"The project {path.name} can't be read: {project.error()}")
    return [layer.name() for layer in project.mapLayers().values() if not layer.isValid()]
