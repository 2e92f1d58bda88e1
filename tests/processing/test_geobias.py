""""Geo-bias of predictions" through processing.run, a model and qgis_process: layers of every kind, and wrong input."""

from __future__ import annotations

import struct
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelParameter,
    QgsProcessingParameterFeatureSource,
    QgsProject,
    QgsRuleBasedRenderer,
    QgsVectorLayer,
)

from earthprint.engine.geobias import RELATIVE, BiasRequest, geo_bias
from earthprint.engine.plain_layer import LayerWriter
from earthprint.engine.progress import Silent
from earthprint.engine.table import ColumnSpec, open_rows
from earthprint.processing_provider.styles.bias_points import style_bias

COUNT = 240
CHANCE = np.random.default_rng(5)
PLACES = np.round(np.stack([CHANCE.uniform(172, 188, COUNT), CHANCE.uniform(-48, -36, COUNT)], axis=1), 6)
PLACES[:, 0] = (PLACES[:, 0] + 180) % 360 - 180
# Off to one side of New Zealand; the large errors lie in the north.
ERROR = CHANCE.normal(0, 1, COUNT) + np.where(PLACES[:, 1] > -40, 4.0, 0.0)
TRUTH = np.round(CHANCE.normal(20, 5, COUNT), 3)
PREDICTED = np.round(TRUTH + ERROR, 3)
FAILS = np.abs(PREDICTED - TRUTH) > np.percentile(np.abs(PREDICTED - TRUTH), 75)


class Listener(QgsProcessingFeedback):
    """A feedback that keeps what is said."""

    def __init__(self) -> None:
        super().__init__(False)
        self.warnings: List[str] = []
        self.told: List[str] = []

    def pushWarning(self, warning: str) -> None:  # noqa: N802  (the name is QGIS's)
        self.warnings.append(warning)

    def pushInfo(self, info: str) -> None:  # noqa: N802
        self.told.append(info)


def layer_of(shapes: List[Optional[str]], columns: Dict[str, List[Any]], kind: str) -> QgsVectorLayer:
    types = {str: "string", int: "integer", float: "double"}
    fields = "".join(f"&field={name}:{types[type(values[0])]}" for name, values in columns.items())
    layer = QgsVectorLayer(kind + fields, "Judged", "memory")
    features = []
    for row, text in enumerate(shapes):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([values[row] for values in columns.values()])
        if text is not None:
            feature.setGeometry(QgsGeometry.fromWkt(text))
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    return layer


def numbers(**more: List[Any]) -> Dict[str, List[Any]]:
    return {"name": [f"p{row}" for row in range(COUNT)], "seen": TRUTH.tolist(), "said": PREDICTED.tolist(), **more}


def points(code: str = "EPSG:4326") -> QgsVectorLayer:
    way = QgsCoordinateTransform(QgsCoordinateReferenceSystem("EPSG:4326"), QgsCoordinateReferenceSystem(code),
                                 QgsProject.instance())
    there = [way.transform(QgsPointXY(*place)) for place in PLACES.tolist()]
    return layer_of([f"POINT ({point.x()!r} {point.y()!r})" for point in there], numbers(), f"Point?crs={code}")


def columns_of(path: str) -> Dict[str, List[Any]]:
    found: Dict[str, List[Any]] = {}
    for chunk in open_rows(path).rows():
        for name, values in chunk.columns.items():
            found.setdefault(name, []).extend(values)
    return found


COLUMNS = {"TRUTH": "seen", "PREDICTED": "said", "PERMUTATIONS": 19}


class Tags(HTMLParser):
    """A page that must be whole: what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: List[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "img", "br", "!doctype"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_it_gives_what_the_engine_gives_and_keeps_every_row(run_algorithm: Any, tmp_path: Path,
                                                            qgis_new_project: Any) -> None:
    listener = Listener()
    found = run_algorithm("geobias", {"INPUT": points(), **COLUMNS, "OUTPUT": str(tmp_path / "out.gpkg"),
                                      "REPORT": str(tmp_path / "out.html")}, listener)
    true = geo_bias(PLACES, FAILS, BiasRequest(permutations=19), Silent())
    for score in RELATIVE:
        assert found["SCORE_" + score.upper()] == true.figure(score).value
        assert found["P_" + score.upper()] == true.figure(score).p == 1 / 20
    assert (found["SCORE"], found["P_VALUE"], found["CHANCE"]) == (
        true.figures[0].value, true.figures[0].p, true.figures[0].chance)
    assert (found["POINTS"], found["PLACES"], found["FAILURES"], found["LEFT_OUT"]) == (COUNT, COUNT, 60, 0)
    assert found["RADIUS_USED"] == true.neighbourhood.radius
    assert "SCORE_MARKED" not in found
    columns = columns_of(found["OUTPUT"])
    assert columns["name"] == [f"p{row}" for row in range(COUNT)]
    assert columns["failure"] == FAILS.astype(int).tolist()
    assert columns["places_near"] == true.near.tolist()
    assert columns["few_near"] == (true.near < 10).astype(int).tolist()
    for name, values in (("failures_near", true.share_near), ("bias_grid", true.local["grid"].values),
                         ("p_direction", true.local["direction"].p)):
        np.testing.assert_array_equal(np.array(columns[name], dtype=float), values)
    assert any("RADIUS" in line and "km" in line for line in listener.told)
    # Four squares are four sectors, so these are two scores, with which 19 shuffles can't show anything at 0.05.
    words = "PERMUTATIONS 19 can give no p-value below 0.05, too large to show anything with 2 scores"
    assert any(words in line for line in listener.warnings)
    assert found["VERDICT"].startswith("No sign that these 240 places can show that the model does worse")
    page = Tags()
    page.feed((tmp_path / "out.html").read_text(encoding="utf-8"))
    assert not page.open and found["VERDICT"] in page.text
    assert "60 of 240 points" in page.text and "PERMUTATIONS 19" in page.text and "By chance" in page.text


def test_the_verdict_finds_the_north_and_says_where(run_algorithm: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    found = run_algorithm("geobias", {"INPUT": points(), "TRUTH": "seen", "PREDICTED": "said", "THRESHOLD": "sign",
                                      "SCORES": "direction", "OUTPUT": str(tmp_path / "out.gpkg"),
                                      "REPORT": str(tmp_path / "out.html")})
    assert found["VERDICT"].startswith("The model predicts too high in places that lie together: direction score")
    assert found["P_VALUE"] == 0.005 and found["FAILURES"] == int((PREDICTED > TRUTH).sum())
    worst = (tmp_path / "out.html").read_text(encoding="utf-8").split("Most do around ")[1]
    assert -40 < -float(worst.split("°")[0]) < -35 and "° S" in worst[:10]


@pytest.mark.parametrize("code", ["EPSG:2193", "EPSG:3857", "EPSG:4167"])
def test_the_same_points_in_any_crs_give_the_same(run_algorithm: Any, tmp_path: Path, qgis_new_project: Any,
                                                  code: str) -> None:
    parameters = {**COLUMNS, "RADIUS": 400_000.5, "SCALE": 190_000.5, "LAG": 99_000.5, "SECTORS": 4, "LEAST": 5,
                  "PERMUTATIONS": 0}
    one, other = (run_algorithm("geobias", {**parameters, "INPUT": layer, "OUTPUT": str(tmp_path / f"{name}.gpkg")})
                  for name, layer in (("one", points()), ("other", points(code))))
    for score in RELATIVE:
        assert other["SCORE_" + score.upper()] == pytest.approx(one["SCORE_" + score.upper()], rel=1e-9)
    assert "P_VALUE" not in one


def test_polygons_become_points_and_rows_without_a_value_or_place_stay(run_algorithm: Any, tmp_path: Path,
                                                                       qgis_new_project: Any) -> None:
    shapes: List[Optional[str]] = []
    for lon, lat in PLACES.tolist():
        shapes.append(f"POLYGON (({lon - .01} {lat - .01}, {lon + .01} {lat - .01}, {lon + .01} {lat + .01}, "
                      f"{lon - .01} {lat + .01}, {lon - .01} {lat - .01}))")
    shapes[7] = None
    values = numbers()
    values["said"] = [None if row == 11 else value for row, value in enumerate(values["said"])]
    listener = Listener()
    found = run_algorithm("geobias", {"INPUT": layer_of(shapes, values, "Polygon?crs=EPSG:4326"), **COLUMNS,
                                      "OUTPUT": str(tmp_path / "out.gpkg")}, listener)
    assert (found["POINTS"], found["LEFT_OUT"]) == (COUNT - 2, 2)
    assert any(line.startswith("1 of 240 features of “Judged” have no place") for line in listener.warnings)
    assert any("1 features of “Judged” have no value to compare" in line for line in listener.warnings)
    layer = QgsVectorLayer(found["OUTPUT"], "out", "ogr")
    features = list(layer.getFeatures())
    assert len(features) == COUNT and layer.geometryType() == 0
    assert str(features[7]["bias_grid"]) == "NULL" and features[8]["bias_grid"] >= 0
    assert str(features[11]["failure"]) == str(features[11]["few_near"]) == "NULL" and features[7].geometry().isNull()
    where = features[20].geometry().asPoint()
    np.testing.assert_allclose([where.x(), where.y()], PLACES[20], atol=1e-6)


def test_tables_of_predictions_need_no_names(run_algorithm: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    shapes: List[Optional[str]] = [f"POINT ({lon} {lat})" for lon, lat in PLACES.tolist()]
    listener = Listener()
    kinds = np.where(FAILS, "lake", "wood")
    table = layer_of(shapes, {"source_id": list(range(COUNT)), "cover": ["wood"] * (COUNT - 1) + ["lake"],
                              "fold": [1] * COUNT, "predicted": kinds.tolist()}, "Point?crs=EPSG:4326")
    found = run_algorithm("geobias", {"INPUT": table, "OUTPUT": str(tmp_path / "out.gpkg"), "PERMUTATIONS": 0},
                          listener)
    assert found["FAILURES"] == int((kinds[:-1] != "wood").sum() + (kinds[-1] != "lake"))
    assert any("TRUTH is “cover” and PREDICTED “predicted”" in line for line in listener.told)
    marked = layer_of(shapes, {"right": (1 - FAILS.astype(int)).tolist()}, "Point?crs=EPSG:4326")
    again = run_algorithm("geobias", {"INPUT": marked, "MARK": "right", "OUTPUT": str(tmp_path / "mark.gpkg"),
                                      "PERMUTATIONS": 0, "SCORES": "unmarked;marked", "LARGEST": 15, "CENTRES": 20})
    assert again["FAILURES"] == 60 and set(again) >= {"SCORE_UNMARKED", "SCORE_MARKED"}


def test_a_run_on_its_own_output_keeps_the_columns_before(run_algorithm: Any, tmp_path: Path,
                                                          qgis_new_project: Any) -> None:
    first = run_algorithm("geobias", {"INPUT": points(), **COLUMNS, "OUTPUT": str(tmp_path / "one.gpkg")})
    again = run_algorithm("geobias", {"INPUT": first["OUTPUT"], **COLUMNS, "OUTPUT": str(tmp_path / "two.gpkg")})
    columns = columns_of(again["OUTPUT"])
    assert columns["failure_1"] == columns["failure"] and columns["bias_grid_1"] == columns["bias_grid"]


def test_the_layer_that_is_judged_is_not_written_over(run_algorithm: Any, tmp_path: Path,
                                                     qgis_new_project: Any) -> None:
    first = run_algorithm("geobias", {"INPUT": points(), **COLUMNS, "OUTPUT": str(tmp_path / "one.gpkg")})["OUTPUT"]
    before = columns_of(first)
    with pytest.raises(QgsProcessingException, match="OUTPUT: .*one.gpkg holds INPUT, which the result would replace"):
        run_algorithm("geobias", {"INPUT": first, **COLUMNS, "OUTPUT": first})
    assert list(columns_of(first)) == list(before)


def test_points_with_few_neighbours_are_grey(run_algorithm: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    found = run_algorithm("geobias", {"INPUT": points(), **COLUMNS, "OUTPUT": str(tmp_path / "out.gpkg"),
                                      "RADIUS": 260_000, "LEAST": 8})
    layer = QgsVectorLayer(found["OUTPUT"], "out", "ogr")
    style_bias(layer, "bias_grid")
    renderer = layer.renderer()
    assert isinstance(renderer, QgsRuleBasedRenderer)
    rules = renderer.rootRule().children()
    columns = columns_of(found["OUTPUT"])
    shown: List[int] = []
    for rule in rules:
        layer.setSubsetString(rule.filterExpression())
        shown.append(layer.featureCount())
    layer.setSubsetString("")
    grey = sum(few == 1 or score is None for few, score in zip(columns["few_near"], columns["bias_grid"]))
    assert 0 < grey < COUNT and shown[0] == grey
    assert sum(shown) == COUNT and len(shown) == 6 and min(shown[1:]) > 5


@pytest.mark.parametrize(("parameters", "words"), [
    ({"TRUTH": "seen"}, "PREDICTED can't be told from the columns of “Judged”"),
    ({"TRUTH": "name", "PREDICTED": "said"}, "TRUTH holds texts and PREDICTED numbers"),
    ({"TRUTH": "seen", "PREDICTED": "none"}, "none"),
    ({**COLUMNS, "THRESHOLD": "1000"}, "None of the 240 points of “Judged” counts as a failure"),
    ({**COLUMNS, "THRESHOLD": "0"}, "Every one of the 240 points"),
    ({**COLUMNS, "THRESHOLD": "most"}, "THRESHOLD: “most” is no threshold"),
    ({**COLUMNS, "SCORES": "grid;moran"}, "SCORES: “moran” is no geo-bias score"),
    ({**COLUMNS, "RADIUS": 20}, "Within RADIUS .20 m. of any place.*raise RADIUS"),
    ({**COLUMNS, "LEAST": 121}, "240 different places, too few for parts of 121.*lower LEAST"),
    ({**COLUMNS, "VERSION": 3}, "VERSION.*3 is out of range"),
    ({**COLUMNS, "REPORT": "report.pdf"}, "must end in .html"),
])
def test_wrong_input_is_told_in_one_sentence(run_algorithm: Any, tmp_path: Path, qgis_new_project: Any,
                                             parameters: Dict[str, Any], words: str) -> None:
    with pytest.raises(QgsProcessingException, match=words):
        run_algorithm("geobias", {"INPUT": points(), **parameters, "OUTPUT": str(tmp_path / "out.gpkg")})
    assert not (tmp_path / "out.gpkg").exists()


def test_a_folder_that_is_missing_is_told_before_anything_is_written(run_algorithm: Any, tmp_path: Path,
                                                                     qgis_new_project: Any) -> None:
    outputs = {"OUTPUT": str(tmp_path / "out.gpkg"), "REPORT": str(tmp_path / "nowhere" / "report.html")}
    with pytest.raises(QgsProcessingException, match="nowhere doesn't exist: create it"):
        run_algorithm("geobias", {"INPUT": points(), **COLUMNS, **outputs})
    assert not list(tmp_path.iterdir())


def test_latitudes_beyond_90_and_layers_without_a_crs_are_told(run_algorithm: Any, tmp_path: Path,
                                                               qgis_new_project: Any) -> None:
    shapes: List[Optional[str]] = [f"POINT ({lat} {lon})" for lon, lat in PLACES.tolist()]
    for kind, words in (("Point?crs=EPSG:4326", "Feature 1 of “Judged” has the latitude .*beyond a pole"),
                        ("Point?crs=", "no coordinate reference system")):
        with pytest.raises(QgsProcessingException, match=words):
            run_algorithm("geobias", {"INPUT": layer_of(shapes, numbers(), kind), **COLUMNS,
                                      "OUTPUT": str(tmp_path / "out.gpkg")})


def test_in_a_model_its_numbers_go_on(provider: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    import processing

    model = QgsProcessingModelAlgorithm("judge", "test")
    model.addModelParameter(QgsProcessingParameterFeatureSource("points", "points"),
                            QgsProcessingModelParameter("points"))
    first = QgsProcessingModelChildAlgorithm("earthprint:geobias")
    first.setChildId("judge")
    static = QgsProcessingModelChildParameterSource.fromStaticValue
    for name, value in (*COLUMNS.items(), ("OUTPUT", str(tmp_path / "out.gpkg"))):
        first.addParameterSources(name, [static(value)])
    first.addParameterSources("INPUT", [QgsProcessingModelChildParameterSource.fromModelParameter("points")])
    model.addChildAlgorithm(first)
    raised = QgsProcessingModelChildAlgorithm("native:fieldcalculator")
    raised.setChildId("noted")
    raised.addParameterSources("INPUT", [QgsProcessingModelChildParameterSource.fromChildOutput("judge", "OUTPUT")])
    raised.addParameterSources("FIELD_NAME", [static("layer_p")])
    raised.addParameterSources("FIELD_TYPE", [static(0)])
    raised.addParameterSources("FORMULA", [QgsProcessingModelChildParameterSource.fromExpressionText(
        "to_string(@judge_P_VALUE)")])
    raised.addParameterSources("OUTPUT", [static(str(tmp_path / "noted.gpkg"))])
    model.addChildAlgorithm(raised)
    processing.run(model, {"points": points()})
    assert set(columns_of(str(tmp_path / "noted.gpkg"))["layer_p"]) == {1 / 20}


def test_headless(qgis_process: Any, run_algorithm: Any, tmp_path: Path, qgis_new_project: Any) -> None:
    path = str(tmp_path / "in.gpkg")
    wkt = QgsCoordinateReferenceSystem("EPSG:4326").toWkt()
    with LayerWriter(path, wkt, 1, [ColumnSpec("seen", "real"), ColumnSpec("said", "real")]) as writer:
        writer.write([struct.pack("<BIdd", 1, 1, *place) for place in PLACES.tolist()],
                     {"seen": TRUTH.tolist(), "said": PREDICTED.tolist()})
    said = qgis_process("run", "earthprint:geobias", f"INPUT={path}", "TRUTH=seen", "PREDICTED=said",
                        "SCORES=grid", f"OUTPUT={tmp_path / 'out.gpkg'}")
    said.succeeded()
    assert "P_VALUE:\t0.005" in said.output and "VERDICT:\tThe model does worse in places" in said.output
    failed = qgis_process("run", "earthprint:geobias", f"INPUT={path}", f"OUTPUT={tmp_path / 'no.gpkg'}")
    assert failed.code == 1 and "TRUTH and PREDICTED can't be told" in failed.output + failed.errors
    assert not (tmp_path / "no.gpkg").exists()
