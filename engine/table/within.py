"""Puts a finished table into a GeoPackage that exists already, in one transaction."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from osgeo import gdal, ogr

from ..dataset import open_vector, quiet
from ..errors import InputError, OutputError
from .location import TableDestination


def free_name(target: TableDestination) -> Path:
    """Return where the complete table lies until it is in its GeoPackage: a name that says whose it is."""
    path = Path(target.path)
    layer = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in target.layer)
    number = 0
    while True:
        spare = path.with_name(f"{path.stem}-{layer}{f'-{number}' if number else ''}{path.suffix}")
        if not spare.exists():
            return spare
        number += 1


def remove_journals(path: Path) -> None:
    """Remove the journals of a GeoPackage about to be replaced, or SQLite would replay them into the new one."""
    for end in ("-wal", "-shm", "-journal"):
        # Where another program holds them, the replacement fails as well and is told in words.
        with suppress(OSError):
            path.with_name(path.name + end).unlink(missing_ok=True)


def move_into(spare: Path, layer: str, path: str) -> None:
    """Move the layer of a file of its own into a GeoPackage; where that fails, the file stays and is named."""
    source = open_vector(str(spare))
    with quiet() as messages:
        try:
            target = open_vector(path, update=True)
            done = _copied(source, target, layer)
        except (RuntimeError, InputError) as error:
            messages.texts.append(str(error))
            done = False
        target = source = None
    if not done:
        raise OutputError("output-locked", "{path} can't take the layer “{layer}” ({reason}): the complete result is "
                          "{spare}; close the program that has {path} open, or use that file.",
                          path=path, layer=layer, reason=messages.last, spare=spare)
    spare.unlink(missing_ok=True)


def _copied(source: gdal.Dataset, target: gdal.Dataset, name: str) -> bool:
    """Copy in one transaction, taking the place of a layer of that name; tell whether all of it went well."""
    if target.StartTransaction() != ogr.OGRERR_NONE:
        return False
    try:
        done = _copy(source.GetLayerByName(name), target, name)
        target.FlushCache()
        return done and target.CommitTransaction() == ogr.OGRERR_NONE
    except RuntimeError:
        done = False
        raise
    finally:
        if not done:
            target.RollbackTransaction()


def _copy(source: ogr.Layer, target: gdal.Dataset, name: str) -> bool:
    """Make the layer and copy its rows."""
    for number in range(target.GetLayerCount()):
        if target.GetLayer(number).GetName().lower() == name.lower():
            if target.DeleteLayer(number) != ogr.OGRERR_NONE:
                return False
            break
    definition = source.GetLayerDefn()
    layer = target.CreateLayer(name, source.GetSpatialRef(), source.GetGeomType(),
                               [f"GEOMETRY_NAME={source.GetGeometryColumn() or 'geom'}"])
    if layer is None:
        return False
    for index in range(definition.GetFieldCount()):
        if layer.CreateField(definition.GetFieldDefn(index)) != ogr.OGRERR_NONE:
            return False
    for key, value in (source.GetMetadata() or {}).items():
        layer.SetMetadataItem(key, value)
    copy = ogr.Feature(layer.GetLayerDefn())
    for feature in source:
        if copy.SetFrom(feature) != ogr.OGRERR_NONE:
            return False
        copy.SetFID(feature.GetFID())
        if layer.CreateFeature(copy) != ogr.OGRERR_NONE:
            return False
    return True
