"""The demo: makes a scene, runs the algorithms through qgis_process, leaves layers, a project, pictures and a page."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

if not __package__:
    raise SystemExit("Run the demo with “./dev demo”, or as python -m earthprint.resources.demo.run_demo FOLDER.")

from ...engine.errors import EarthprintError
from ...engine.packages import state
from .left_out import LeftOut, part_steps
from .movement import movements
from .page import Account, Shown, page
from .qgis_runs import DemoError, Outcome, QgisRuns
from .scene import HEIGHT, WIDTH, SceneFiles, make_scene, write_scene
from .side_by_side import run_steps
from .steps import MODEL, SPRING, STEPS, SUMMER

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = "index.html"
SMALL = (256, 256)
_DOCUMENT_WIDTH = 640


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    folder: Path
    pixels: Tuple[int, int]
    documents: Optional[Path]


@dataclass(frozen=True)
class Run:
    """What the algorithms gave, and the seconds until the first embedding raster lay on disk."""

    outcomes: Sequence[Outcome]
    first_raster_seconds: float
    left_out: Sequence[LeftOut]


def main(arguments: Sequence[str]) -> int:
    """Run the demo and return the exit code."""
    request = _parse(arguments)
    try:
        _demo(request)
    except (DemoError, EarthprintError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    return 0


def _parse(arguments: Sequence[str]) -> Request:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("folder", type=Path, help="where everything goes; files of an earlier demo are replaced")
    parser.add_argument("--small", action="store_true", help="a scene of 256 x 256 pixels, for a quick look")
    parser.add_argument("--documents", type=Path, help="also write small copies of the pictures into this folder")
    given = parser.parse_args(arguments)
    return Request(given.folder.resolve(), SMALL if given.small else (WIDTH, HEIGHT), given.documents)


def _demo(request: Request) -> None:
    """Do all of it, telling each step as it is done."""
    started = time.monotonic()
    _forget_statistics(request.folder)
    files = write_scene(make_scene(*request.pixels), request.folder)
    shutil.copyfile(ROOT / "resources" / "models" / MODEL, request.folder / MODEL)
    scene_seconds = time.monotonic() - started
    _tell(scene_seconds, "Drew the scene and its labels")

    run = _run_steps(request.folder)
    moved = movements(request.folder / SPRING, request.folder / SUMMER, files.land_cover, files.true_changes)
    project, shown = _publish(request, files)
    account = Account(
        version=_version(),
        pixels=request.pixels,
        scene_seconds=scene_seconds,
        first_raster_seconds=run.first_raster_seconds,
        outcomes=run.outcomes,
        pictures=shown,
        movements=moved,
        project=project,
        left_out=[(one.step.title, one.reason) for one in run.left_out],
    )
    (request.folder / PAGE).write_text(page(account), encoding="utf-8")
    print(f"From an empty profile to the first embedding raster: {run.first_raster_seconds:.1f} s")
    print(f"Project: {request.folder / project}")
    print(f"Page:    {request.folder / PAGE}")


def _forget_statistics(folder: Path) -> None:
    """Remove what QGIS noted beside an earlier demo's files: histograms of other pixels would colour the new ones."""
    for notes in folder.glob("*.tif.aux.xml"):
        notes.unlink()


def _run_steps(folder: Path) -> Run:
    """Run all algorithms in a profile that is empty at first and gone afterwards."""
    # The first raster is waited for alone, so that its time is that of a machine with nothing else to do.
    steps, missing = part_steps(STEPS, _problem_of)
    for one in missing:
        print(f"   ---   {one.step.title}: left out, {one.reason}", flush=True)
    first = next(number for number, step in enumerate(steps, start=1) if ("OUTPUT", SPRING) in step.parameters)
    with tempfile.TemporaryDirectory(prefix="earthprint-demo-") as profile:
        runs = QgisRuns(folder, Path(profile))
        started = time.monotonic()
        outcomes = run_steps(steps[:first], runs.run, _tell_outcome)
        first_raster = time.monotonic() - started
        outcomes += run_steps(steps[first:], runs.run, _tell_outcome)
    return Run(outcomes, first_raster, missing)


def _problem_of(package: str) -> str:
    """Return what is wrong with an optional package, nothing where it can be used."""
    found = state(package)
    return "" if found.usable else found.problem


def _tell_outcome(outcome: Outcome) -> None:
    """Print what a step took, and its warnings."""
    _tell(outcome.seconds, outcome.step.title)
    for warning in outcome.warnings:
        print(f"         warning: {warning}", flush=True)


def _publish(request: Request, files: SceneFiles) -> Tuple[str, List[Shown]]:
    """Write project and pictures with QGIS itself; return the project's name and the pictures for the page."""
    from qgis.core import QgsApplication

    started = time.monotonic()
    application = QgsApplication([b"demo", b"-platform", b"offscreen"], True)
    application.initQgis()
    try:
        shown = _with_qgis(request, files)
    finally:
        application.exitQgis()
    _tell(time.monotonic() - started, "Styled the layers, wrote the project, drew the pictures")
    return shown


def _with_qgis(request: Request, files: SceneFiles) -> Tuple[str, List[Shown]]:
    """Do what needs a running QGIS; all its objects are gone when this returns."""
    from . import demo_project, pictures
    from .demo_layers import open_layers

    layers = open_layers(request.folder, files)
    demo_project.write_project(layers, request.folder / demo_project.NAME)
    target = request.folder / "pictures"
    target.mkdir(exist_ok=True)
    drawn = pictures.pictures_of(layers)
    paths = [pictures.draw(picture, target) for picture in drawn]
    if request.documents is not None:
        pictures.reduce_for_documents(paths, request.documents, _DOCUMENT_WIDTH)
    shown = [Shown(f"pictures/{path.name}", one.title, one.caption) for one, path in zip(drawn, paths)]
    return demo_project.NAME, shown


def _version() -> str:
    """Return the plugin's version."""
    metadata = ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def _tell(seconds: float, what: str) -> None:
    """Print one line of progress."""
    print(f"{seconds:6.1f} s  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
