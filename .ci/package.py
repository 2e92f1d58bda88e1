"""Make the zip that users install: only what they need, byte for byte the same from the same sources."""

from __future__ import annotations

import argparse
import configparser
import sys
import zipfile
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parent.parent
NAME = "earthprint"
FILES = ("__init__.py", "metadata.txt", "LICENSE", "README.md", "CHANGELOG.md")
FOLDERS = ("engine", "models", "plugin", "processing_provider", "resources", "ui")
# The demo's driver calls ./dev, which users of the zip don't have; the scene itself is drawn by the welcome page.
DEMO = "resources/demo"
SCENE = ("frame", "imaging", "labels", "landscape", "noise", "parcels", "photos", "scene", "settlements", "surfaces")
SKIPPED_NAMES = ("__pycache__", ".DS_Store")
SKIPPED_ENDINGS = (".pyc", ".partial", ".aux.xml", ".tmp", "~")
LARGEST = 20 * 1000 * 1000
EPOCH = (2020, 1, 1, 0, 0, 0)


def version() -> str:
    """Read the version from the metadata, the only place that states it."""
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read(ROOT / "metadata.txt", encoding="utf-8")
    return metadata["general"]["version"]


def is_shipped(path: Path) -> bool:
    """Tell whether a file below a shipped folder goes into the zip."""
    relative = path.relative_to(ROOT)
    if relative.parent.as_posix() == DEMO and path.stem not in SCENE:
        return False
    if any(part in SKIPPED_NAMES or part.startswith(".") for part in relative.parts):
        return False
    return not any(part.endswith(SKIPPED_ENDINGS) for part in relative.parts)


def shipped_files() -> Iterator[Path]:
    """Yield the files of the plugin in an order that never depends on the disk."""
    for name in FILES:
        if (ROOT / name).is_file():
            yield ROOT / name
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*"), key=lambda item: item.relative_to(ROOT).as_posix()):
            if path.is_file() and is_shipped(path):
                yield path


def write_zip(target: Path) -> None:
    """Write the zip beside its final name and rename it, so that a half-written one is never taken for whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".tmp")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in shipped_files():
            entry = zipfile.ZipInfo(f"{NAME}/{path.relative_to(ROOT).as_posix()}", EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=9)
    unfinished.replace(target)


def main() -> int:
    """Write the zip, print its path and size, and refuse one that the plugin site would."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build", help="where the zip goes")
    folder = parser.parse_args().folder
    target = folder / f"{NAME}-{version()}.zip"
    write_zip(target)
    size = target.stat().st_size
    print(f"{target}  {size / 1e6:.2f} MB")
    if size > LARGEST:
        print(f"The zip has more than {LARGEST / 1e6:.0f} MB, the most that the plugin site takes.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
