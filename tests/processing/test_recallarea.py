""""Recall against area" through processing.run, a model and qgis_process: figures, files, layers, wrong input."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from osgeo import gdal, ogr
from qgis.core import (
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeatureSourceDefinition,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelParameter,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProject,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from small_rasters import write_raster

SIDE = 40
LEFT, TOP = 500000.0, 5700000.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: Any) -> "Dict[str, Any]":
    """Return two score rasters of 1600 cells of 250 m, and 20 true places, each in a cell of a known rank."""
    folder = tmp_path_factory.mktemp("recall")
    random = np.random.default_rng(1)
    ranks = random.permutation(SIDE * SIDE)
    scores = (SIDE * SIDE - ranks).reshape(1, SIDE, SIDE).astype(np.float32)
    places = np.flatnonzero(ranks < 100)[:20]
    good = write_raster(folder / "good.tif", scores, pixel=250.0)
    poor = write_raster(folder / "poor.tif", -scores, pixel=250.0)
    layer = points([(LEFT + 250 * (cell % SIDE) + 125, TOP - 250 * (cell // SIDE) - 125) for cell in places.tolist()])
    return {"good": str(good), "poor": str(poor), "layer": layer, "ranks": np.sort(ranks[places]), "folder": folder}


def points(places: "List[Any]", crs: str = "EPSG:32633") -> QgsVectorLayer:
    layer = QgsVectorLayer(f"Point?crs={crs}&field=kind:string&field=people:double", "truth", "memory")
    features = []
    for number, (x, y) in enumerate(places):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        feature.setAttributes([["good", "poor"][number % 2], float(number)])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def rows_of(path: str) -> "List[Dict[str, Any]]":
    source = ogr.Open(path.split("|")[0])
    return [feature.items() for feature in source.GetLayer(0)]


def call(made: Any, tmp_path: Path, **changes: Any) -> "Dict[str, Any]":
    return {"INPUTS": [made["good"]], "TRUTH": made["layer"], "OUTPUT": str(tmp_path / "curves.gpkg"), **changes}


def test_figures_of_a_known_search(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    found = run_algorithm("recallarea", call(made, tmp_path, SUMMARY=str(tmp_path / "s.gpkg"),
                                             REPORT=str(tmp_path / "r.html"), WANTED=50))
    cell = found["GROUND"] / SIDE ** 2
    assert cell == pytest.approx(0.0625 / 0.9996 ** 2, rel=2e-3)
    assert found["AREA_80"] == pytest.approx((made["ranks"][15] + 1) * cell, rel=1e-4)
    assert found["AREA_WANTED"] == pytest.approx((made["ranks"][9] + 1) * cell, rel=1e-4)
    assert found["RECALL_5_PERCENT"] == pytest.approx((made["ranks"] < 80).mean())
    assert found["RECALL_10"] == 1 and found["AUC"] == pytest.approx(
        1 - (made["ranks"] + 0.5).mean() / 1600, rel=1e-4)
    assert found["TRUTHS"] == 20 and found["LOST"] == 0
    # There are 100 km², so nothing is known of 1000; and of 100 only if the projection leaves as much.
    assert "RECALL_1000" not in found
    assert "80 % of the truth" not in found["VERDICT"] and "50 % of the truth" in found["VERDICT"]
    [row] = rows_of(found["SUMMARY"])
    assert row["recall_1000_km2"] is None and row["recall_10_km2"] == 1 and row["query"] == "good"
    assert row["area_80_lower"] < row["area_80"] < row["area_80_upper"]
    curve = rows_of(found["OUTPUT"])
    assert curve[0]["area_km2"] == 0 and curve[0]["recall"] == 0 and curve[-1]["recall"] == 1
    assert all(one["lower"] <= one["recall"] <= one["upper"] for one in curve)
    assert [one["area_km2"] for one in curve] == sorted(one["area_km2"] for one in curve)
    assert all(one["chance"] == pytest.approx(one["area_share"]) for one in curve)
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<svg" in page and "a search at random" in page.lower() and "<script" not in page


def test_several_queries_with_a_mask_and_an_extent_in_other_crss(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    mask = QgsVectorLayer("Polygon?crs=EPSG:4326", "mask", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromWkt("POLYGON((14.9 51.3,15.1 51.3,15.1 51.6,14.9 51.6,14.9 51.3))"))
    mask.dataProvider().addFeatures([feature])
    found = run_algorithm("recallarea", call(
        made, tmp_path, INPUTS=[made["good"], made["poor"]], LABELS="one;two", MASK=mask,
        EXTENT=f"{LEFT},{LEFT + 10000},{TOP - 10000},{TOP} [EPSG:32633]"))
    rows = rows_of(found["OUTPUT"])
    assert {row["query"] for row in rows} == {"one", "two"}
    whole = run_algorithm("recallarea", call(made, tmp_path))
    assert found["GROUND"] < whole["GROUND"] and found["TRUTHS"] < 20
    assert "“one” finds the truth sooner than “two”" in found["VERDICT"]


def test_truths_of_their_own_weights_and_selections(run_algorithm: Any, made: Any, tmp_path: Path,
                                                    qgis_new_project: Any) -> None:
    found = run_algorithm("recallarea", call(made, tmp_path, INPUTS=[made["good"], made["poor"]], QUERY_FIELD="kind",
                                             WEIGHT="people", SUMMARY=str(tmp_path / "s.gpkg")))
    good, poor, both = rows_of(found["SUMMARY"])
    assert both["query"] == "all queries" and both["truths"] == 19 and "Over all 2 queries" in found["VERDICT"]
    # The first of the ten weighs nothing.
    assert (good["truths"], poor["truths"]) == (9, 10) and good["auc"] > 0.9 and poor["auc"] < 0.1
    QgsProject.instance().addMapLayer(made["layer"], False)
    made["layer"].selectByIds([1, 2, 3])
    found = run_algorithm("recallarea", call(made, tmp_path, TRUTH=QgsProcessingFeatureSourceDefinition(
        made["layer"].id(), True)))
    made["layer"].removeSelection()
    assert found["TRUTHS"] == 3 and "say little" in found["WARNINGS"]
    QgsProject.instance().takeMapLayer(made["layer"])


def test_temporary_tables_are_loaded_with_names_for_people(provider: Any, made: Any, qgis_new_project: Any) -> None:
    import processing

    processing.runAndLoadResults("earthprint:recallarea", {
        "INPUTS": [made["good"]], "TRUTH": made["layer"], "OUTPUT": QgsProcessing.TEMPORARY_OUTPUT,
        "SUMMARY": QgsProcessing.TEMPORARY_OUTPUT})
    layers = QgsProject.instance().mapLayers().values()
    aliases = {layer.attributeAlias(layer.fields().indexFromName("area_km2")) for layer in layers}
    assert aliases == {"Area walked (km²)", "Ground (km²)"}
    hidden = [column.name for layer in layers for column in layer.attributeTableConfig().columns() if column.hidden]
    assert hidden == ["fid", "fid"]


def test_a_model_passes_the_figures_on(run_algorithm: Any, provider: Any, made: Any, tmp_path: Path) -> None:
    model = QgsProcessingModelAlgorithm("judge", "judge", "judge")
    for definition in (QgsProcessingParameterRasterLayer("RASTER", "RASTER"),
                       QgsProcessingParameterFeatureSource("PLACES", "PLACES")):
        model.addModelParameter(definition, QgsProcessingModelParameter(definition.name()))
    child = QgsProcessingModelChildAlgorithm("earthprint:recallarea")
    child.setChildId("judge")
    of = QgsProcessingModelChildParameterSource
    child.addParameterSources("INPUTS", [of.fromModelParameter("RASTER")])
    child.addParameterSources("TRUTH", [of.fromModelParameter("PLACES")])
    model.addChildAlgorithm(child)
    context = QgsProcessingContext()
    found, right = model.run({"RASTER": made["good"], "PLACES": made["layer"]}, context, QgsProcessingFeedback())
    assert right
    judged = found["CHILD_RESULTS"]["judge"]
    assert judged["AREA_80"] == pytest.approx((made["ranks"][15] + 1) * judged["GROUND"] / 1600, rel=1e-4)


@pytest.mark.parametrize(("changes", "message"), [
    ({"INPUTS": ["/nowhere/scores.tif"]}, "INPUTS: there is no file or layer “/nowhere/scores.tif”"),
    ({"INPUTS": []}, "INPUTS|Score rasters"),
    ({"LABELS": "a;b"}, "LABELS holds 2 names for 1 rasters"),
    ({"BAND": 2}, "BAND: “good” has no band 2, it has 1"),
    ({"WANTED": 0}, "WANTED: 0 is out of range"),
    ({"SPREAD": "wide"}, "SPREAD: “wide” is not one of neighbours, alone"),
    ({"OUTPUT": "/tmp/curves.csv"}, "must end in .gpkg"),
    ({"REPORT": "/tmp/report.pdf"}, "must end in .html"),
    ({"QUERY_FIELD": "kind", "LABELS": "other"}, "belongs to “other”: check QUERY_FIELD"),
    ({"EXTENT": "0,10,0,10 [EPSG:32633]"}, "doesn't touch “good”"),
])
def test_wrong_values_are_told_in_one_sentence(run_algorithm: Any, made: Any, tmp_path: Path, changes: Any,
                                               message: str) -> None:
    with pytest.raises(QgsProcessingException, match=message):
        run_algorithm("recallarea", call(made, tmp_path, **changes))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_told_before_anything_is_written(run_algorithm: Any, made: Any,
                                                                     tmp_path: Path) -> None:
    with pytest.raises(QgsProcessingException, match="nowhere doesn't exist: create it"):
        run_algorithm("recallarea", call(made, tmp_path, REPORT=str(tmp_path / "nowhere" / "r.html")))
    assert not list(tmp_path.iterdir())


def test_neither_the_truth_nor_the_other_table_is_written_over(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    curves = str(tmp_path / "curves.gpkg")
    with pytest.raises(QgsProcessingException, match="OUTPUT and SUMMARY name the same file, .*curves.gpkg"):
        run_algorithm("recallarea", call(made, tmp_path, SUMMARY=curves))
    assert not list(tmp_path.iterdir())
    QgsVectorFileWriter.writeAsVectorFormatV3(made["layer"], curves, QgsProject.instance().transformContext(),
                                              QgsVectorFileWriter.SaveVectorOptions())
    for truth in (curves, QgsProcessingFeatureSourceDefinition(curves)):
        with pytest.raises(QgsProcessingException, match="OUTPUT: .*curves.gpkg holds TRUTH, .*choose another file"):
            run_algorithm("recallarea", call(made, tmp_path, TRUTH=truth))
    assert len(rows_of(curves)) == 20


def test_truth_that_can_not_be_placed(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    for layer, message in ((points([(LEFT, TOP - 100)], ""), "has no CRS"), (points([]), "has no features"),
                           (points([(0.0, 0.0)]), "None of the 1 truths"),
                           (QgsVectorLayer("LineString?crs=EPSG:32633", "lines", "memory"), "has no features")):
        with pytest.raises(QgsProcessingException, match=message):
            run_algorithm("recallarea", call(made, tmp_path, TRUTH=layer))
    path = write_raster(tmp_path / "empty.tif", np.full((1, SIDE, SIDE), -9, np.float32), pixel=250.0, nodata=-9)
    with pytest.raises(QgsProcessingException, match="20 lie on cells without one"):
        run_algorithm("recallarea", call(made, tmp_path, INPUTS=[str(path)]))


def test_a_server_judges_and_fails_in_words(qgis_process: Any, made: Any, tmp_path: Path) -> None:
    truth = str(tmp_path / "truth.gpkg")
    gdal.VectorTranslate(truth, _written(made["layer"], tmp_path))
    done = qgis_process("run", "earthprint:recallarea", f"INPUTS={made['good']}", f"INPUTS={made['poor']}",
                        f"TRUTH={truth}", f"OUTPUT={tmp_path / 'o.gpkg'}", f"REPORT={tmp_path / 'r.html'}")
    done.succeeded()
    assert {row["query"] for row in rows_of(str(tmp_path / "o.gpkg"))} == {"good", "poor"}
    failed = qgis_process("run", "earthprint:recallarea", f"INPUTS={made['good']}", f"TRUTH={truth}", "BAND=7",
                          f"OUTPUT={tmp_path / 'p.gpkg'}")
    assert failed.code != 0 and "has no band 7" in failed.output + failed.errors
    assert "Traceback" not in failed.errors and not (tmp_path / "p.gpkg").exists()


def _written(layer: QgsVectorLayer, folder: Path) -> str:
    """Write a memory layer as GeoJSON of its own CRS."""
    import json

    features = [{"type": "Feature", "properties": {}, "geometry": json.loads(one.geometry().asJson())}
                for one in layer.getFeatures()]
    path = folder / "truth.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features,
                                "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}}))
    return str(path)


def test_a_cancelled_run_leaves_nothing(run_algorithm: Any, made: Any, tmp_path: Path) -> None:
    feedback = QgsProcessingFeedback()
    feedback.cancel()
    with pytest.raises(QgsProcessingException, match="Cancelled"):
        run_algorithm("recallarea", call(made, tmp_path), feedback=feedback)
    assert not list(tmp_path.iterdir())
