"""Vectors and their space survive QGIS's own algorithms, and what these mixed up is refused by the next step."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, Dict, Iterator, List

import numpy as np
import pytest
from osgeo import ogr, osr
from qgis.core import (
    QgsFeature,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSource,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterVectorLayer,
    QgsProcessingUtils,
    QgsProject,
    QgsVectorLayer,
)
from ramps import mean_encoder, write_ramp

from earthprint.engine.errors import InputError, SpaceError
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter, open_table
from earthprint.processing_provider.adapters.features import FeatureTable

SPACE = Space("made-up", 70, "ab" * 32, unit_norm=True)
OTHER = Space("another", 70, "ab" * 32, unit_norm=True)
ROWS = 12


def vectors_of(seed: int) -> np.ndarray:
    """Return vectors whose bytes hold everything that a text or a C string would stumble over."""
    vectors = np.random.default_rng(seed).normal(size=(ROWS, 70)).astype(np.float32)
    vectors[:, :3] = [0.0, -0.0, 1e-42]
    return vectors


def write(path: Path, space: Space, seed: int, first: int = 1) -> str:
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32632)
    squares = [struct.pack("<BIII10d", 1, 3, 1, 5, x, y, x + 10, y, x + 10, y + 10, x, y + 10, x, y)
               for x, y in ((500000 + 10 * row, 5000000 + 10 * seed) for row in range(ROWS))]
    with TableWriter(path, reference.ExportToWkt(), ogr.wkbPolygon,
                     [ColumnSpec("number", "integer"), ColumnSpec("valid_share", "real")], space) as writer:
        writer.write(squares, {"number": list(range(first, first + ROWS)), "valid_share": [0.5] * ROWS},
                     vectors_of(seed))
    return str(path)


class Native:
    """Runs QGIS's own algorithms and keeps what they make."""

    def __init__(self) -> None:
        self.context = QgsProcessingContext()
        # “Execute SQL” looks there for its inputs.
        self.context.setProject(QgsProject.instance())

    def __call__(self, algorithm: str, **parameters: Any) -> Any:
        import processing

        return processing.run(algorithm if ":" in algorithm else f"native:{algorithm}", parameters,
                              context=self.context, feedback=QgsProcessingFeedback())["OUTPUT"]


@pytest.fixture
def native(provider: Any) -> Iterator[Native]:
    """Return what runs QGIS's own algorithms; its layers go before QGIS does."""
    runner = Native()
    yield runner
    runner.context = None


def table_of(output: Any, context: QgsProcessingContext, id_field: str = "") -> FeatureTable:
    """Open what an algorithm made, layer or path, as the next step would."""
    layer = output if isinstance(output, QgsVectorLayer) else QgsProcessingUtils.mapLayerFromString(
        str(output), context)
    source = QgsProcessingFeatureSource(layer, context, False)
    table = FeatureTable(source, "INPUT", None, id_field)
    table.kept = layer, source
    return table


def by_number(table: Any) -> Dict[int, bytes]:
    """Return the bytes of each row's vector by its number."""
    found: Dict[int, bytes] = {}
    for chunk in table.chunks(5):
        found.update(zip(chunk.columns["number"], (vector.tobytes() for vector in chunk.vectors)))
    return found


def outputs(kind: str, folder: Path) -> List[str]:
    """Return where three steps shall write."""
    return ["TEMPORARY_OUTPUT"] * 3 if kind == "memory" else [str(folder / f"step{step}.gpkg") for step in range(3)]


@pytest.mark.parametrize("kind", ["memory", "files"])
def test_extract_merge_and_reproject_keep_vectors_and_space(native: Native, tmp_path: Path, kind: str) -> None:
    first, second = write(tmp_path / "a.gpkg", SPACE, 1), write(tmp_path / "b.gpkg", SPACE, 2, 101)
    place = outputs(kind, tmp_path)
    extracted = native("extractbyexpression", INPUT=first, EXPRESSION="\"number\" % 2 = 1", OUTPUT=place[0])
    merged = native("mergevectorlayers", LAYERS=[extracted, second], OUTPUT=place[1])
    reprojected = native("reprojectlayer", INPUT=merged, TARGET_CRS="EPSG:4326", OUTPUT=place[2])
    table = table_of(reprojected, native.context)
    expected = {row + 1: vector.tobytes() for row, vector in enumerate(vectors_of(1)) if row % 2 == 0}
    expected.update({row + 101: vector.tobytes() for row, vector in enumerate(vectors_of(2))})
    assert by_number(table) == expected
    assert table.space_key == SPACE.key()
    assert table.count == 18
    x, y = struct.unpack("<2d", next(table.chunks()).wkb[0][-16:])
    assert (x, y) == pytest.approx((9.0, 45.15), abs=0.2)
    assert osr.SpatialReference(table.wkt).IsGeographic()
    if kind == "files":
        direct = open_table(reprojected)
        assert by_number(direct) == expected
        assert direct.space_key == SPACE.key()


def test_patches_survive_the_chain_of_temporary_outputs(native: Native, run_algorithm: Any, tmp_path: Path) -> None:
    (tmp_path / "encoders").mkdir()
    card = mean_encoder(tmp_path / "encoders", 8)
    patches = [run_algorithm("embedpatches", {
        "INPUT": str(write_ramp(tmp_path / f"{name}.tif", 48, 32)), "ENCODER": str(card.path), "SIZE": 8,
        "OUTPUT": "TEMPORARY_OUTPUT"}, context=native.context)["OUTPUT"] for name in "ab"]
    extracted = native("extractbyexpression", INPUT=patches[0], EXPRESSION="$id <= 10", OUTPUT="TEMPORARY_OUTPUT")
    merged = native("mergevectorlayers", LAYERS=[extracted, patches[1]], OUTPUT="TEMPORARY_OUTPUT")
    moved = native("reprojectlayer", INPUT=merged, TARGET_CRS="EPSG:4326", OUTPUT="TEMPORARY_OUTPUT")
    table = table_of(moved, native.context)
    assert table.space_key == card.space().key()
    found = np.concatenate([chunk.vectors for chunk in table.chunks()])
    # The mean of a ramp over a patch is its centre: column, row and their sum.
    columns, rows = np.meshgrid(8 * np.arange(6) + 4, 8 * np.arange(4) + 4)
    centres = np.stack([columns.ravel(), rows.ravel(), (columns + rows).ravel()], axis=1)
    np.testing.assert_allclose(found, np.concatenate([centres[:10], centres]), atol=1e-4)


@pytest.mark.parametrize("kind", ["memory", "files"])
def test_two_spaces_that_were_merged_are_refused_by_the_next_step(
        native: Native, run_algorithm: Any, tmp_path: Path, kind: str) -> None:
    first, second = write(tmp_path / "a.gpkg", SPACE, 1), write(tmp_path / "b.gpkg", OTHER, 2)
    merged = native("mergevectorlayers", LAYERS=[first, second], OUTPUT=outputs(kind, tmp_path)[0])
    with pytest.raises(SpaceError) as caught:
        by_number(table_of(merged, native.context))
    assert SPACE.key() in str(caught.value)
    assert OTHER.key() in str(caught.value)
    with pytest.raises(QgsProcessingException, match="mixes two embedding spaces"):
        run_algorithm("describeembeddings", {"INPUT": merged, "ENCODER": "e", "OUTPUT": str(tmp_path / "o.gpkg")},
                      context=native.context)
    assert not (tmp_path / "o.gpkg").exists()
    if kind == "files":
        with pytest.raises(SpaceError):
            open_table(merged)


def test_a_step_that_drops_vectors_is_named(native: Native, tmp_path: Path) -> None:
    first = write(tmp_path / "a.gpkg", SPACE, 1)
    dropped = native("deletecolumn", INPUT=first, COLUMN=["embedding"], OUTPUT="TEMPORARY_OUTPUT")
    with pytest.raises(InputError, match="Execute SQL"):
        by_number(table_of(dropped, native.context))
    joined = native("mergevectorlayers", LAYERS=[first, dropped], OUTPUT="TEMPORARY_OUTPUT")
    with pytest.raises(InputError, match="Row .* has no vector.*Execute SQL"):
        by_number(table_of(joined, native.context))


def test_execute_sql_is_refused_or_keeps_the_vectors(native: Native, tmp_path: Path) -> None:
    first = write(tmp_path / "a.gpkg", SPACE, 1)
    result = native("qgis:executesql", INPUT_DATASOURCES=[first], OUTPUT=str(tmp_path / "sql.gpkg"),
                    INPUT_QUERY="select * from input1 where number < 4")
    expected = {row + 1: vector.tobytes() for row, vector in enumerate(vectors_of(1)[:3])}
    for opened in (lambda: table_of(result, native.context), lambda: open_table(result)):
        try:
            assert by_number(opened()) == expected
        except InputError as error:
            assert "Execute SQL" in str(error)


def test_ids_of_merged_rows_stay_usable(native: Native, tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.gpkg", SPACE, 1), write(tmp_path / "b.gpkg", SPACE, 2, 101)
    merged = native("mergevectorlayers", LAYERS=[first, second], OUTPUT="TEMPORARY_OUTPUT")
    table = table_of(merged, native.context)
    ids = [identifier for chunk in table.chunks() for identifier in chunk.ids]
    assert len(set(ids)) == 2 * ROWS
    with TableWriter(tmp_path / "c.gpkg", table.wkt, table.geometry_type, table.columns, table.identity()) as writer:
        for chunk in table.chunks(7):
            writer.write(chunk.wkb, chunk.columns, chunk.vectors)
    copy = open_table(tmp_path / "c.gpkg")
    assert by_number(copy) == by_number(table)
    assert next(copy.chunks()).columns["fid_1"] == list(range(1, ROWS + 1)) * 2


def test_a_model_imports_filters_and_describes(native: Native, run_algorithm: Any, tmp_path: Path) -> None:
    model = QgsProcessingModelAlgorithm("Import and describe", "Tests", "importanddescribe")
    model.addModelParameter(QgsProcessingParameterVectorLayer("LAYER"), QgsProcessingModelParameter("LAYER"))

    def step(child: str, algorithm: str, upstream: Any, **values: Any) -> QgsProcessingModelChildAlgorithm:
        added = QgsProcessingModelChildAlgorithm(algorithm)
        added.setChildId(child)
        added.addParameterSources("INPUT", [upstream])
        for name, value in values.items():
            added.addParameterSources(name, [QgsProcessingModelChildParameterSource.fromStaticValue(value)])
        return added

    def of_child(child: str) -> QgsProcessingModelChildParameterSource:
        return QgsProcessingModelChildParameterSource.fromChildOutput(child, "OUTPUT")

    model.addChildAlgorithm(step("import", "earthprint:importembeddings",
                                 QgsProcessingModelChildParameterSource.fromModelParameter("LAYER")))
    model.addChildAlgorithm(step("filter", "native:extractbyexpression", of_child("import"), EXPRESSION="name > 'c'"))
    last = step("describe", "earthprint:describeembeddings", of_child("filter"), ENCODER="product")
    result = QgsProcessingModelOutput("RESULT")
    result.setChildId("describe")
    result.setChildOutputName("OUTPUT")
    last.setModelOutputs({"RESULT": result})
    model.addChildAlgorithm(last)

    values = np.random.default_rng(4).normal(size=(5, 9)).astype(np.float32)
    layer = QgsVectorLayer("Point?field=name:string" + "".join(f"&field=A{number}:double" for number in range(9)),
                           "wide", "memory")
    features = []
    for name, vector in zip("abcde", values):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([name, *map(float, vector)])
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    results, worked = model.run({"LAYER": layer, "describe:RESULT": str(tmp_path / "o.gpkg")}, native.context,
                                QgsProcessingFeedback(False))
    assert worked
    assert results["describe:RESULT"] == str(tmp_path / "o.gpkg")
    table = open_table(tmp_path / "o.gpkg")
    chunk = next(table.chunks())
    assert chunk.columns["name"] == ["d", "e"]
    assert chunk.vectors.tobytes() == values[3:].tobytes()
    assert table.space() == Space("product", 9)
