"""Keeps a result from taking the place of what it was made of, or of another result of the same run."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Sequence

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingUtils,
)

from ...engine.errors import OutputError


def require_apart(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", context: QgsProcessingContext,
                  outputs: "Mapping[str, str]", inputs: "Sequence[str]") -> None:
    """Refuse two outputs of one file, and one that is the file of an input; empty outputs are left out.

    For results that don't hold what the input held. A layer of its own inside a GeoPackage replaces no file.
    """
    taken: "Dict[str, str]" = {}
    for name, path in outputs.items():
        if not path:
            continue
        key = _key(path)
        if key in taken:
            raise OutputError("output-twice", "{first} and {second} name the same file, {path}: give each its own.",
                              first=taken[key], second=name, path=path)
        taken[key] = name
    for name in inputs:
        for source in _sources(algorithm, parameters, name, context):
            output = taken.get(_key(source))
            if output is not None:
                raise OutputError("output-is-input", "{output}: {path} holds {input}, which the result would replace: "
                                  "choose another file.", output=output, path=source, input=name)


def _sources(algorithm: QgsProcessingAlgorithm, parameters: "Dict[str, Any]", name: str,
             context: QgsProcessingContext) -> "List[str]":
    """Return the files of a parameter's layers, be it one layer or several."""
    value = parameters.get(name)
    if isinstance(value, QgsProcessingFeatureSourceDefinition):
        layers = [QgsProcessingUtils.mapLayerFromString(str(value.source.staticValue()), context)]
    else:
        layers = algorithm.parameterAsLayerList(parameters, name, context)
    return [layer.source().split("|")[0] for layer in layers if layer is not None]


def _key(path: str) -> str:
    """Return what two names of one file have in common."""
    return os.path.normcase(os.path.realpath(path))
