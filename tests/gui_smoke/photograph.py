"""Take a picture of every algorithm's dialog, of the set-up, and of a first result on the map."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]

from desktop import carry_out, screen, why_not  # noqa: E402
from photograph_docks import photograph_docks  # noqa: E402
from small_scene import write_scene  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("only", nargs="*", help="ids of algorithms; without any, all; docks: the inspector's pages")
    arguments = parser.parse_args()
    reason = why_not()
    if reason:
        print(f"No picture can be taken here: {reason}.", file=sys.stderr)
        return 1
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.only[:1] == ["docks"]:
        return photograph_docks(folder, arguments.only[1:])
    with tempfile.TemporaryDirectory(prefix="earthprint-desktop-") as scratch:
        scene = write_scene(Path(scratch, "scene.tif"))
        plan = [
            {"do": "load", "path": str(scene), "title": "Scene"},
            {"do": "catalogue", "pictures": str(folder), "only": arguments.only},
        ]
        if not arguments.only:
            plan += [
                {"do": "action", "text": "Packages…", "picture": str(folder / "packages.png")},
                {
                    "do": "run",
                    "algorithm": "earthprint:embedraster",
                    "parameters": {"INPUT": str(scene), "CELL": 2, "DIMENSIONS": 16},
                    "picture_after": str(folder / "embedraster-log.png"),
                },
                {"do": "map", "layer": "Embedding raster", "picture": str(folder / "embedraster-map.png")},
            ]
        account = carry_out(plan, Path(scratch, "session"), timeout=300)
    if not arguments.only:
        photograph_set_up(folder)
    missing = sorted(set(arguments.only) - {name for step in account.steps for name in step.get("taken", [])})
    if account.code or missing:
        print(account.log, file=sys.stderr)
        print(f"The desktop ended with code {account.code}; not photographed: {missing}", file=sys.stderr)
        return 1
    for path in sorted(folder.glob("*.png")):
        print(path)
    return 0


def photograph_set_up(folder: Path) -> None:
    """Take pictures of the set-up's pages on a screen of their own, in light and dark colours."""
    with screen() as display:
        for colours in ([], ["--dark"]):
            prefix = "set-up-dark-" if colours else "set-up-"
            command = [sys.executable, str(HERE / "set_up_pictures.py"), str(folder), "--prefix", prefix, *colours]
            subprocess.run(command, check=True, timeout=300,
                           env={**os.environ, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"})


if __name__ == "__main__":
    sys.exit(main())
