"""Take pictures of the inspector's pages over the demo's scene: light and dark, at 100 % and at 200 %."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

from desktop import carry_out  # noqa: E402

LOOKS = {"light": ("default", 1), "dark": ("Night Mapping", 1), "light-200": ("default", 2),
         "dark-200": ("Night Mapping", 2)}  # fmt: skip
SIZE = (600, 500)
SPRING, SUMMER = "Embeddings 2025-04", "Embeddings 2025-08"


def photograph_docks(folder: Path, looks: Sequence[str]) -> int:
    """Write NAME-LOOK.png and NAME-LOOK-window.png for every page; without looks, all of them."""
    scratch_base = ROOT / "build" / "dock-pictures"
    files = made_layers(scratch_base)
    failed = 0
    for look in looks or LOOKS:
        theme, scale = LOOKS[look]
        with tempfile.TemporaryDirectory(prefix="earthprint-desktop-") as scratch:
            plan = [*loads(files), {"do": "theme", "theme": theme},
                    {"do": "true_colour", "layer": "Scene", "bands": [3, 2, 1]}, *pages(folder, look)]
            account = carry_out(plan, Path(scratch, "session"), timeout=400, scale=scale)
        strange = [text for step in account.steps for text in step.get("unexpected", [])]
        if account.code or strange:
            print(account.log, *strange, sep="\n", file=sys.stderr)
            failed = 1
    for path in sorted(folder.glob("*.png")):
        print(path)
    return failed


def made_layers(folder: Path) -> Dict[str, str]:
    """Make the demo's scene, its embeddings at two dates, clusters and a table, once."""
    if str(ROOT / "build") not in sys.path:
        sys.path.insert(0, str(ROOT / "build"))
    from earthprint.resources.demo.scene import make_scene, scene_files, write_scene

    scene = scene_files(folder)
    if not scene.summer.is_file():
        write_scene(make_scene(*SIZE), folder)
    made = {name: str(folder / f"{name}.tif") for name in ("summer", "spring", "clusters")}
    made.update(scene=str(scene.summer), table=str(folder / "table.gpkg"))
    if not Path(made["summer"]).is_file():
        card = run("embedraster", INPUT=scene.summer, CELL=4, DIMENSIONS=32, OUTPUT=made["summer"])["ENCODER_USED"]
        run("embedraster", INPUT=scene.spring, ENCODER=card, CELL=4, OUTPUT=made["spring"])
    if not Path(made["clusters"]).is_file():
        run("clusterraster", INPUT=made["summer"], CLUSTERS=6, OUTPUT=made["clusters"])
    if not Path(made["table"]).is_file():
        run("embedfeatures", INPUT=scene.land_cover, EMBEDDINGS=made["summer"], OUTPUT=made["table"])
    return made


def run(algorithm: str, **parameters: Any) -> Dict[str, Any]:
    """Run an algorithm without a window and return what it gave."""
    pairs = [f"{name}={value}" for name, value in parameters.items()]
    program = os.environ["EARTHPRINT_QGIS_PROCESS"]
    done = subprocess.run([program, "--json", "run", f"earthprint:{algorithm}", "--", *pairs], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout[done.stdout.index("{"):])["results"]


def loads(files: Dict[str, str]) -> List[Dict[str, Any]]:
    """Return the steps that load the layers, the one to be seen last."""
    return [
        {"do": "load", "path": files["clusters"], "title": "Clusters"},
        {"do": "load", "path": files["spring"], "title": SPRING},
        {"do": "load", "path": files["summer"], "title": SUMMER},
        {"do": "load", "path": files["scene"], "title": "Scene"},
        {"do": "load", "path": files["table"], "title": "Labelled places", "vector": True},
    ]


def pages(folder: Path, look: str) -> List[Dict[str, Any]]:
    """Return a step for every page."""
    def page(name: str, layer: str = SUMMER, file: str = "", **more: Any) -> Dict[str, Any]:
        return {"do": "inspect", "name": file or name, "page": name, "layer": layer,
                "picture": str(folder / f"{file or name}-{look}.png"), **more}

    return [
        page("point", clicks=[[0.62, 0.45]]),
        page("point", "Labelled places", "point-table", clicks=[[0.5, 0.5]]),
        page("compare", file="compare-empty"),
        page("compare", clicks=[[0.4, 0.45], [0.75, 0.72, "shift"]]),
        page("similarity", clicks=[[0.75, 0.72]], moves=[[0.7, 0.7], [0.72, 0.7]], wait_ms=2500),
        page("scatter", clicks=[[0.5, 0.5]], acts=[["choose", "scatter_colour", "Clusters"]], wait_ms=4000),
        page("time", acts=[["tick", "time_rasters", SPRING], ["tick", "time_rasters", SUMMER], ["click", 0.4, 0.4]],
             wait_ms=2500),
        page("examples", acts=[["click", 0.75, 0.72], ["click", 0.7, 0.8], ["key", "2"], ["click", 0.55, 0.3],
                               ["click", 0.35, 0.72]], wait_ms=3500),
    ]
