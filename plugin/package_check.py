"""Tells, run as a script in a Python of its own, whether packages in a new folder load beside what the host has.

Takes the path of a JSON file with `paths` (the host's search path), `folder` (the new one, appended), `first` (modules
that QGIS has loaded before any package is: NumPy, GDAL, Qt) and `modules`; prints one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys


def main(question_path: str) -> int:
    """Import everything as QGIS would and say what came from where."""
    with open(question_path, encoding="utf-8") as stream:
        question = json.load(stream)
    folder = os.path.realpath(question["folder"])
    sys.path[:] = question["paths"] + [question["folder"]]
    answer: dict = {"versions": {}, "problems": {}, "from_folder": []}
    for name in question["first"]:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001  (what QGIS loads by other means may fail here, which proves nothing)
            answer.setdefault("not_first", {})[name] = "{}: {}".format(type(error).__name__, error)
    for name in question["modules"]:
        try:
            module = importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001  (an extension module may raise anything, even SystemExit)
            answer["problems"][name] = "{}: {}".format(type(error).__name__, " ".join(str(error).split()))
            continue
        answer["versions"][name] = str(getattr(module, "__version__", ""))
        if os.path.realpath(getattr(module, "__file__", None) or "").startswith(os.path.join(folder, "")):
            answer["from_folder"].append(name)
    numpy = sys.modules.get("numpy")
    answer["numpy"] = {"version": getattr(numpy, "__version__", ""), "file": getattr(numpy, "__file__", "") or ""}
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
