""""Import embeddings" through processing.run: layers of every kind become tables with their own numbers."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path
from typing import Any, List

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsVectorLayer,
)

from earthprint.engine.space import parse_key
from earthprint.engine.table import open_table

NAMES = [f"emb_{number}" for number in range(12)]


def values(rows: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(rows, 12)).astype(np.float32)


def layer_of(columns: str, rows: List[List[Any]], kind: str = "Point?crs=EPSG:32633") -> QgsVectorLayer:
    layer = QgsVectorLayer(kind + columns, "Places", "memory")
    features = []
    for number, row in enumerate(rows):
        feature = QgsFeature(layer.fields())
        feature.setAttributes(row)
        feature.setGeometry(QgsGeometry.fromWkt(f"POINT({number} {10 * number})"))
        features.append(feature)
    accepted, _ = layer.dataProvider().addFeatures(features)
    assert accepted
    return layer


def wide_layer() -> QgsVectorLayer:
    # Columns in the order of their names, as databases like to give them, so that emb_10 comes before emb_2.
    order = sorted(range(12), key=lambda number: NAMES[number])
    columns = "&field=name:string" + "".join(f"&field={NAMES[number]}:double" for number in order)
    return layer_of(columns, [[f"place {row}", *(float(vector[number]) for number in order)]
                              for row, vector in enumerate(values())])


def vectors_in(path: str) -> np.ndarray:
    return np.concatenate([chunk.vectors for chunk in open_table(path).chunks()])


def names_in(path: str) -> List[str]:
    return [name for chunk in open_table(path).chunks() for name in chunk.columns["name"]]


class Listener(QgsProcessingFeedback):
    """A feedback that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__(False)
        self.infos: List[str] = []
        self.warnings: List[str] = []

    def pushInfo(self, info: str) -> None:  # noqa: N802  (the names are QGIS's)
        self.infos.append(info)

    def pushWarning(self, warning: str) -> None:  # noqa: N802
        self.warnings.append(warning)


def test_a_memory_layer_of_wide_columns(run_algorithm: Any, tmp_path: Path) -> None:
    said = Listener()
    found = run_algorithm("importembeddings", {"INPUT": wide_layer(), "OUTPUT": str(tmp_path / "o.gpkg")}, said)
    assert vectors_in(found["OUTPUT"]).tobytes() == values().tobytes()
    assert names_in(found["OUTPUT"]) == [f"place {row}" for row in range(6)]
    assert (found["ROWS"], found["LEFT_OUT"], found["DIMENSIONS_OUT"]) == (6, 0, 12)
    assert found["SPACE"] == open_table(found["OUTPUT"]).space_key
    assert not parse_key(found["SPACE"]).declared
    assert len(said.warnings) == 1
    assert "Vectors of 12 dimensions from emb_0 to emb_11, 12 columns." in said.infos
    layer = QgsVectorLayer(found["OUTPUT"], "o", "ogr")
    assert layer.crs().authid() == "EPSG:32633"
    assert [feature.geometry().asPoint().y() for feature in layer.getFeatures()] == [0, 10, 20, 30, 40, 50]


def wide_file(path: Path) -> str:
    gdal.VectorTranslate(str(path), gdal.OpenEx(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [row, 2]},
         "properties": {"name": f"place {row}", **dict(zip(NAMES, map(float, vector)))}}
        for row, vector in enumerate(values())]})), format="GPKG", layerName="wide")
    return str(path)


def test_a_geopackage_whole_filtered_and_selected(run_algorithm: Any, tmp_path: Path) -> None:
    path = wide_file(tmp_path / "in.gpkg")
    whole = run_algorithm("importembeddings", {"INPUT": path, "OUTPUT": str(tmp_path / "a.gpkg")})["OUTPUT"]
    assert vectors_in(whole).tobytes() == values().tobytes()
    layer = QgsVectorLayer(path + "|layername=wide", "in", "ogr")
    assert layer.setSubsetString("name >= 'place 3'")
    filtered = run_algorithm("importembeddings", {"INPUT": layer, "OUTPUT": str(tmp_path / "b.gpkg")})["OUTPUT"]
    assert vectors_in(filtered).tobytes() == values()[3:].tobytes()
    assert names_in(filtered) == ["place 3", "place 4", "place 5"]
    assert list(next(open_table(filtered).chunks()).ids) == [4, 5, 6]
    layer = QgsVectorLayer(path + "|layername=wide", "in", "ogr")
    layer.selectByIds([2, 5])
    context = QgsProcessingContext()
    context.temporaryLayerStore().addMapLayer(layer)
    chosen = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    selected = run_algorithm("importembeddings", {"INPUT": chosen, "OUTPUT": str(tmp_path / "c.gpkg")},
                             context=context)["OUTPUT"]
    assert vectors_in(selected).tobytes() == values()[[1, 4]].tobytes()


def test_edits_that_are_not_saved_count(run_algorithm: Any, tmp_path: Path) -> None:
    layer = QgsVectorLayer(wide_file(tmp_path / "in.gpkg") + "|layername=wide", "in", "ogr")
    assert layer.startEditing()
    assert layer.changeAttributeValue(3, layer.fields().indexFromName("emb_11"), 77.0)
    found = run_algorithm("importembeddings", {"INPUT": layer, "OUTPUT": str(tmp_path / "a.gpkg")})["OUTPUT"]
    expected = values()
    expected[2, 11] = 77
    assert vectors_in(found).tobytes() == expected.tobytes()
    layer.rollBack()


def test_lists_and_nulls(run_algorithm: Any, tmp_path: Path) -> None:
    rows = [[f"place {row}", None if row == 2 else json.dumps(vector.tolist())] for row, vector in enumerate(values())]
    said = Listener()
    found = run_algorithm("importembeddings", {
        "INPUT": layer_of("&field=name:string&field=features:string(0)", rows), "OUTPUT": "TEMPORARY_OUTPUT"}, said)
    path = found["OUTPUT"] if isinstance(found["OUTPUT"], str) else found["OUTPUT"].source()
    np.testing.assert_array_equal(vectors_in(path), np.delete(values(), 2, axis=0))
    assert names_in(path) == ["place 0", "place 1", "place 3", "place 4", "place 5"]
    assert found["LEFT_OUT"] == 1
    assert "1 of 6 rows" in said.warnings[1]


def test_a_csv_whose_columns_are_numbers(run_algorithm: Any, tmp_path: Path) -> None:
    with open(tmp_path / "t.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["name", *range(12)],
                                    *([f"place {row}", *vector] for row, vector in enumerate(values().tolist()))])
    found = run_algorithm("importembeddings", {"FILE": str(tmp_path / "t.csv"), "OUTPUT": str(tmp_path / "o.gpkg")})
    assert vectors_in(found["OUTPUT"]).tobytes() == values().tobytes()
    assert names_in(found["OUTPUT"])[5] == "place 5"


def test_a_csv_gets_its_geometries_from_a_layer(run_algorithm: Any, tmp_path: Path) -> None:
    with open(tmp_path / "t.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["code", *range(12)],
                                    *([f"0{row}", *vector] for row, vector in enumerate(values().tolist()))])
    places = layer_of("&field=geoid:string", [[f"0{5 - row}"] for row in range(6)])
    found = run_algorithm("importembeddings", {
        "FILE": str(tmp_path / "t.csv"), "GEOMETRY_LAYER": places, "KEY": "code", "GEOMETRY_KEY": "geoid",
        "OUTPUT": str(tmp_path / "o.gpkg")})
    layer = QgsVectorLayer(found["OUTPUT"], "o", "ogr")
    assert layer.crs().authid() == "EPSG:32633"
    assert [feature.geometry().asPoint().x() for feature in layer.getFeatures()] == [5, 4, 3, 2, 1, 0]
    assert vectors_in(found["OUTPUT"]).tobytes() == values().tobytes()


def test_a_layer_inside_a_geopackage(run_algorithm: Any, tmp_path: Path) -> None:
    home = wide_file(tmp_path / "home.gpkg")
    shown = QgsVectorLayer(home + "|layername=wide", "home", "ogr")
    assert len(list(shown.getFeatures())) == 6
    found = run_algorithm("importembeddings", {
        "INPUT": home + "|layername=wide", "OUTPUT": f"ogr:dbname='{home}' table=\"vectors\" (geom)"})
    assert vectors_in(home + "|layername=vectors").tobytes() == values().tobytes()
    again = QgsVectorLayer(found["OUTPUT"], "v", "ogr")
    assert again.featureCount() == 6
    assert len(list(again.getFeatures())) == len(list(shown.getFeatures())) == 6
    run_algorithm("importembeddings", {
        "INPUT": home + "|layername=wide", "OUTPUT": found["OUTPUT"], "FIELDS": "emb_0-emb_7"})
    assert vectors_in(home + "|layername=vectors").tobytes() == values()[:, :8].tobytes()
    with sqlite3.connect(home) as connection:
        assert connection.execute("SELECT count(*) FROM wide").fetchone() == (6,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_an_output_that_is_shown_on_the_map_is_replaced(run_algorithm: Any, tmp_path: Path) -> None:
    path = wide_file(tmp_path / "in.gpkg")
    output = str(tmp_path / "o.gpkg")
    run_algorithm("importembeddings", {"INPUT": path, "OUTPUT": output, "FIELDS": "emb_0-emb_8"})
    shown = QgsVectorLayer(output, "o", "ogr")
    assert shown.featureCount() == 6
    assert len(list(shown.getFeatures())) == 6
    run_algorithm("importembeddings", {"INPUT": path, "OUTPUT": output})
    assert vectors_in(output).tobytes() == values().tobytes()
    again = QgsVectorLayer(output, "o", "ogr")
    assert again.fields().indexFromName("emb_10") == -1
    assert len(list(again.getFeatures())) == 6


@pytest.mark.parametrize(("changes", "message"), [
    ({"INPUT": None}, "Give either INPUT, a layer, or FILE, a file: 0"),
    ({"FILE": __file__}, "Give either INPUT, a layer, or FILE, a file: 2"),
    ({"INPUT": None, "FILE": "/nowhere/a.csv"}, "FILE.*/nowhere/a.csv"),
    ({"INPUT": "/nowhere/a.gpkg"}, "INPUT"),
    ({"FIELDS": "emb_0;emb_99"}, "no column “emb_99”"),
    ({"FIELDS": "name;emb_1"}, "“name”.*holds no numbers"),
    ({"PRODUCT": "list"}, "no column of lists"),
    ({"PRODUCT": "magic"}, "PRODUCT"),
    ({"PRODUCT": "parquet"}, "give its path as FILE"),
    ({"PRODUCT": "alphaearth"}, "vectors of 12 numbers, but AlphaEarth"),
    ({"OUTPUT": "o.shp"}, "must end in .gpkg"),
    ({"OUTPUT": "/nowhere/o.gpkg"}, "/nowhere doesn't exist"),
])
def test_wrong_values_are_told(run_algorithm: Any, tmp_path: Path, changes: Any, message: str) -> None:
    parameters = {"INPUT": wide_file(tmp_path / "in.gpkg"), "OUTPUT": str(tmp_path / "o.gpkg"), **changes}
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("importembeddings", {name: value for name, value in parameters.items() if value is not None})
    assert not (tmp_path / "o.gpkg").exists()


def test_cancel_raises_and_leaves_nothing(run_algorithm: Any, tmp_path: Path) -> None:
    feedback = QgsProcessingFeedback(False)
    feedback.cancel()
    path = wide_file(tmp_path / "in.gpkg")
    with pytest.raises(QgsProcessingException, match="Cancelled"):
        run_algorithm("importembeddings", {"INPUT": path, "OUTPUT": str(tmp_path / "o.gpkg")}, feedback)
    assert [entry.name for entry in tmp_path.iterdir()] == ["in.gpkg"]


def test_the_sample_data_open_with_one_call(run_algorithm: Any, tmp_path: Path, sample_data: Path) -> None:
    points = str(sample_data / "alphaearth_clearing" / "alphaearth_clearing_west.gpkg")
    found = run_algorithm("importembeddings", {"INPUT": points, "OUTPUT": str(tmp_path / "a.gpkg")})
    assert found["SPACE"].startswith("alphaearth-")
    assert (found["ROWS"], found["DIMENSIONS_OUT"]) == (294, 64)
    pytest.importorskip("pyarrow")
    clay = str(sample_data / "clay_embeddings" / "clay_03WVN_20220610.parquet")
    found = run_algorithm("importembeddings", {"FILE": clay, "OUTPUT": str(tmp_path / "c.gpkg")})
    assert found["SPACE"].startswith("clay-v0-")
    layer = QgsVectorLayer(found["OUTPUT"], "c", "ogr")
    assert (layer.featureCount(), found["DIMENSIONS_OUT"]) == (417, 768)
    extent = layer.extent()
    assert (round(extent.xMinimum(), 3), round(extent.yMaximum(), 3)) == (-167.188, 65.822)


def test_counties_are_found_by_their_codes(run_algorithm: Any, tmp_path: Path, sample_data: Path) -> None:
    counties = str(sample_data / "us_counties_1980" / "us_counties_1980.gpkg")
    layer = QgsVectorLayer(counties, "c", "ogr")
    codes = [feature["fips"] for feature in layer.getFeatures()][:30]
    with open(tmp_path / "county_embeddings.csv", "w", newline="", encoding="utf-8") as file:
        chance = np.random.default_rng(0).normal(size=(30, 330))
        csv.writer(file).writerows([["place", *(f"feature{number}" for number in range(330))],
                                    *([f"geoId/{code}", *row] for code, row in zip(codes, chance.tolist()))])
    said = Listener()
    found = run_algorithm("importembeddings", {
        "FILE": str(tmp_path / "county_embeddings.csv"), "GEOMETRY_LAYER": counties,
        "OUTPUT": str(tmp_path / "o.gpkg")}, said)
    assert found["SPACE"].startswith("pdfm-")
    places = {feature["place"][6:]: feature.geometry().asWkt() for feature in QgsVectorLayer(
        found["OUTPUT"], "o", "ogr").getFeatures()}
    assert places == {feature["fips"]: feature.geometry().asWkt() for feature in layer.getFeatures()
                      if feature["fips"] in codes}
    assert any("joined by place" in text for text in said.infos)
