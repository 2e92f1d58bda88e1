"""Feature sources of any provider give the engine the same rows that a plain GeoPackage gives it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, List, Optional

import numpy as np
import pytest
from osgeo import ogr
from qgis.core import (
    NULL,
    QgsFeature,
    QgsFeatureSource,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeatureSource,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingUtils,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QByteArray, QDate, QDateTime, QTime

from earthprint.engine.errors import InputError, SpaceError
from earthprint.engine.space import Space
from earthprint.engine.table import ColumnSpec, TableWriter
from earthprint.processing_provider.adapters.features import FeatureRows, FeatureTable

SPACE = Space(encoder="made-up", dimensions=3)
OTHER = Space(encoder="another", dimensions=3)
COLUMNS = ("name:string", "number:integer", "large:int8", "share:double", "day:date", "moment:datetime", "time:time",
           "flag:bool")


def memory_layer(columns: "tuple[str, ...]", rows: List[List[Any]],
                 kind: str = "Point?crs=EPSG:32633") -> QgsVectorLayer:
    layer = QgsVectorLayer(kind + "".join(f"&field={column}" for column in columns), "Places", "memory")
    features = []
    for number, row in enumerate(rows):
        feature = QgsFeature(layer.fields())
        feature.setAttributes(row)
        if "None" not in kind:
            feature.setGeometry(QgsGeometry.fromWkt(f"POINT({number} {10 * number})"))
        features.append(feature)
    accepted, _ = layer.dataProvider().addFeatures(features)
    assert accepted
    return layer


def source_of(layer: QgsVectorLayer) -> QgsProcessingFeatureSource:
    context = QgsProcessingContext()
    source = QgsProcessingFeatureSource(layer, context, False)
    source.kept = (layer, context)  # the source itself holds only a bare pointer to the layer
    return source


def table_layer(vectors: np.ndarray, keys: Optional[List[str]] = None) -> QgsVectorLayer:
    keys = keys or [SPACE.key()] * len(vectors)
    rows = [[f"place {number}", QByteArray(vector.astype("<f4").tobytes()), key]
            for number, (vector, key) in enumerate(zip(vectors, keys))]
    return memory_layer(("name:string", "embedding:binary", "embedding_space:string"), rows)


def test_values_of_every_type_become_plain(qgis_app: Any) -> None:
    day = QDate(2023, 5, 14)
    full = ["a", 3, 2 ** 40, 0.25, day, QDateTime(day, QTime(10, 30)), QTime(1, 2, 3), True]
    layer = memory_layer(COLUMNS, [full, [NULL] * len(full)])
    rows = FeatureRows(source_of(layer), "INPUT")
    [(ids, wkb, columns)] = list(rows.rows())
    assert columns == {
        "name": ["a", None], "number": [3, None], "large": [2 ** 40, None], "share": [0.25, None],
        "day": ["2023-05-14", None], "moment": ["2023-05-14T10:30:00.000", None], "time": ["01:02:03", None],
        "flag": [True, None]}
    assert ids == [1, 2]
    assert ogr.CreateGeometryFromWkb(wkb[1]).ExportToWkt() == "POINT (1 10)"
    assert [(column.name, column.type) for column in rows.columns] == [
        ("name", "text"), ("number", "integer"), ("large", "integer64"), ("share", "real"), ("day", "date"),
        ("moment", "datetime"), ("time", "time"), ("flag", "boolean")]
    assert rows.geometry_type == ogr.wkbPoint and "UTM zone 33N" in rows.wkt and rows.count == 2


def test_vectors_arrive_in_chunks_and_in_order(qgis_app: Any) -> None:
    vectors = np.random.default_rng(1).normal(size=(10, 3)).astype(np.float32)
    table = FeatureTable(source_of(table_layer(vectors)), "INPUT")
    chunks = list(table.chunks(4))
    assert [len(chunk.ids) for chunk in chunks] == [4, 4, 2]
    assert np.array_equal(np.concatenate([chunk.vectors for chunk in chunks]), vectors)
    assert [name for chunk in chunks for name in chunk.columns["name"]] == [f"place {number}" for number in range(10)]
    assert [column.name for column in table.columns] == ["name"] and table.space_key == SPACE.key()


def test_only_the_selection_and_the_filter_arrive(qgis_app: Any) -> None:
    vectors = np.eye(3, dtype=np.float32)
    layer = table_layer(vectors)
    layer.selectByIds([2])
    context = QgsProcessingContext()
    context.temporaryLayerStore().addMapLayer(layer)
    selected = QgsProcessingUtils.variantToSource(
        QgsProcessingFeatureSourceDefinition(layer.id(), True), context, "")
    [chunk] = FeatureTable(selected, "INPUT").chunks()
    assert chunk.ids.tolist() == [2] and np.array_equal(chunk.vectors, vectors[1:2])
    layer.setSubsetString("name = 'place 2'")
    [chunk] = FeatureTable(source_of(layer), "INPUT").chunks()
    assert np.array_equal(chunk.vectors, vectors[2:])


def test_a_unique_fid_is_the_id_and_a_repeated_one_is_not(qgis_app: Any) -> None:
    unique = memory_layer(("fid:integer",), [[7], [5]])
    assert next(FeatureRows(source_of(unique), "INPUT").rows())[0] == [7, 5]
    repeated = memory_layer(("fid:integer",), [[7], [7]])
    assert next(FeatureRows(source_of(repeated), "INPUT").rows())[0] == [1, 2]
    named = memory_layer(("code:string",), [["b"], ["a"]])
    assert next(FeatureRows(source_of(named), "INPUT", "code").rows())[0] == ["b", "a"]
    with pytest.raises(InputError, match="INPUT: “Places” has no column “nothing”"):
        FeatureRows(source_of(named), "INPUT", "nothing")


def test_a_layer_without_geometry_has_none(qgis_app: Any) -> None:
    rows = FeatureRows(source_of(memory_layer(("name:string",), [["a"]], "None?")), "INPUT")
    assert rows.geometry_type == ogr.wkbNone
    assert next(rows.rows())[1] == [None]


def test_two_spaces_in_one_column_are_refused_with_both_named(qgis_app: Any) -> None:
    layer = table_layer(np.eye(3), [SPACE.key(), OTHER.key(), SPACE.key()])
    with pytest.raises(SpaceError) as error:
        FeatureTable(source_of(layer), "INPUT")
    assert SPACE.key() in str(error.value) and OTHER.key() in str(error.value)


def test_an_empty_vector_and_one_of_wrong_length_name_their_row(qgis_app: Any) -> None:
    vectors = np.eye(3, dtype=np.float32)
    layer = table_layer(vectors)
    layer.dataProvider().changeAttributeValues({2: {1: QByteArray()}})
    with pytest.raises(InputError, match="Row 2 of “Places” has no vector"):
        list(FeatureTable(source_of(layer), "INPUT").chunks())
    layer.dataProvider().changeAttributeValues({2: {1: QByteArray(b"1234")}})
    with pytest.raises(InputError, match="row 2 of “Places” has 4 bytes where its space needs 12"):
        list(FeatureTable(source_of(layer), "INPUT").chunks())


def test_a_layer_without_vectors_is_refused_with_the_likely_step(qgis_app: Any) -> None:
    with pytest.raises(InputError, match="INPUT: “Places” has no column “embedding”.*Execute SQL"):
        FeatureTable(source_of(memory_layer(("name:string",), [["a"]])), "INPUT")


def test_vectors_without_a_stated_space_are_undeclared(qgis_app: Any) -> None:
    layer = memory_layer(("embedding:binary",), [[QByteArray(np.ones(3, "<f4").tobytes())]])
    table = FeatureTable(source_of(layer), "INPUT")
    assert table.space_key.startswith("undeclared:") and "/3/f4/" in table.space_key
    [chunk] = table.chunks()
    assert chunk.vectors.tolist() == [[1.0, 1.0, 1.0]]


def test_the_registry_gives_the_description_back(qgis_app: Any, tmp_path: Path) -> None:
    from earthprint.engine.registry import Registry

    registry = Registry(tmp_path)
    registry.remember(SPACE)
    table = FeatureTable(source_of(table_layer(np.eye(3))), "INPUT", registry)
    assert table.space() == SPACE and table.identity() == SPACE
    assert FeatureTable(source_of(table_layer(np.eye(3))), "INPUT").space() is None


def selected(layer: QgsVectorLayer, run_with: QgsProcessingContext, narrowed: Optional[str] = None) -> Any:
    """Return the rows and the table of a layer's selection as an algorithm gets them."""
    from qgis.core import QgsApplication

    from earthprint.processing_provider.adapters.features import table_input
    from earthprint.processing_provider.adapters.rows_input import rows_input

    run_with.temporaryLayerStore().addMapLayer(layer)
    definition = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    if narrowed and hasattr(definition, "filterExpression"):
        definition.filterExpression = narrowed
    algorithm = QgsApplication.processingRegistry().algorithmById("earthprint:clustertable").create()
    parameters = {"INPUT": definition}
    return (rows_input(algorithm, parameters, "INPUT", run_with)(),
            table_input(algorithm, parameters, "INPUT", run_with)())


@pytest.mark.parametrize("kind", ["memory", "geopackage"])
def test_a_selection_comes_in_the_order_of_the_layer(provider: Any, tmp_path: Path, kind: str) -> None:
    vectors = np.random.default_rng(2).normal(size=(300, 3)).astype(np.float32)
    layer = table_layer(vectors)
    if kind == "geopackage":
        with TableWriter(tmp_path / "t.gpkg", "", ogr.wkbPoint, [ColumnSpec("name", "text")], SPACE) as writer:
            writer.write([bytes(QgsGeometry.fromWkt(f"POINT({row} 0)").asWkb().data()) for row in range(300)],
                         {"name": [f"place {row}" for row in range(300)]}, vectors)
        layer = QgsVectorLayer(str(tmp_path / "t.gpkg"), "t", "ogr")
    chosen = np.random.default_rng(3).permutation(300)[:200]
    layer.selectByIds([int(row) + 1 for row in chosen])
    expected = np.sort(chosen)
    context = QgsProcessingContext()
    rows, table = selected(layer, context)
    chunks = list(table.chunks(64))
    assert [len(chunk.ids) for chunk in chunks] == [64, 64, 64, 8]
    assert np.concatenate([chunk.ids for chunk in chunks]).tolist() == (expected + 1).tolist()
    assert np.array_equal(np.concatenate([chunk.vectors for chunk in chunks]), vectors[expected])
    assert [name for chunk in rows.rows(77) for name in chunk.columns["name"]] == [f"place {row}" for row in expected]


def test_a_large_selection_is_asked_for_in_parts(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from earthprint.processing_provider.adapters import feature_order

    monkeypatch.setattr(feature_order, "CHUNK_ROWS", 7)
    layer = table_layer(np.eye(3, dtype=np.float32).repeat(20, axis=0))
    layer.selectByIds([60, 1, 33, *range(40, 56), 2])
    rows, _ = selected(layer, QgsProcessingContext())
    assert [number for chunk in rows.rows(5) for number in chunk.ids] == [1, 2, 33, *range(40, 56), 60]


@pytest.mark.skipif(not hasattr(QgsProcessingFeatureSourceDefinition("", True), "filterExpression"),
                    reason="QGIS filters inputs from 3.32 on")
def test_a_filtered_selection_is_in_order_too(provider: Any) -> None:
    layer = table_layer(np.eye(3, dtype=np.float32).repeat(20, axis=0))
    layer.selectByIds([60, 1, 33, *range(40, 56), 2])
    rows, _ = selected(layer, QgsProcessingContext(), "name NOT IN ('place 0', 'place 44')")
    assert [number for chunk in rows.rows() for number in chunk.ids] == [2, 33, *range(40, 45), *range(46, 56), 60]


def test_an_edit_in_qgis_keeps_index_and_vectors_of_a_written_table(qgis_app: Any, tmp_path: Path) -> None:
    vectors = np.random.default_rng(4).normal(size=(200, 256)).astype(np.float32)
    space = Space(encoder="long", dimensions=256)
    with TableWriter(tmp_path / "t.gpkg", "", ogr.wkbPoint, [ColumnSpec("name", "text")], space) as writer:
        writer.write([bytes(QgsGeometry.fromWkt(f"POINT({row} {row})").asWkb().data()) for row in range(200)],
                     {"name": [f"n{row}" for row in range(200)]}, vectors)
    layer = QgsVectorLayer(str(tmp_path / "t.gpkg"), "t", "ogr")
    assert layer.isValid() and layer.featureCount() == 200 and layer.extent().toString(0) == "0,0 : 199,199"
    assert layer.hasSpatialIndex() == QgsFeatureSource.SpatialIndexPresence.SpatialIndexPresent
    assert layer.startEditing()
    assert layer.changeGeometry(11, QgsGeometry.fromWkt("POINT(1000 1000)")) and layer.deleteFeature(12)
    added = QgsFeature(layer.fields())
    added.setAttribute("name", "new")
    added.setGeometry(QgsGeometry.fromWkt("POINT(2000 2000)"))
    assert layer.addFeature(added) and layer.commitChanges()
    found = [feature["name"] for feature in layer.getFeatures(QgsRectangle(999, 999, 2001, 2001))]
    assert sorted(found) == ["n10", "new"]
    assert not list(layer.getFeatures(QgsRectangle(9.9, 9.9, 11.1, 11.1)))
    del layer
    connection = sqlite3.connect(tmp_path / "t.gpkg")
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("SELECT rtreecheck('rtree_t_geom')").fetchall() == [("ok",)]
    assert connection.execute("SELECT count(*) FROM rtree_t_geom").fetchall() == [(200,)]
    assert connection.execute("SELECT feature_count FROM gpkg_ogr_contents").fetchall() == [(200,)]
    [(kept,)] = connection.execute("SELECT embedding FROM t WHERE fid = 11").fetchall()
    connection.close()
    assert kept == vectors[10].astype("<f4").tobytes()
