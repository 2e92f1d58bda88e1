"""The one command of a developer: exit codes, outputs and folders pass through it untouched."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

pytestmark = pytest.mark.skipif(
    "EARTHPRINT_QGIS" not in os.environ, reason="only under ./dev, where its set-up is known to be done"
)


def dev(*arguments: str, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(ROOT / "dev"), *arguments], cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_python_passes_exit_code_and_outputs_through(tmp_path):
    done = dev("python", "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_python_runs_where_it_is_called_and_finds_the_plugin_and_qgis(tmp_path):
    code = "import os, earthprint.engine, qgis.core; print(os.getcwd()); print(qgis.core.Qgis.QGIS_VERSION)"
    done = dev("python", "-c", code, cwd=tmp_path)
    folder, version = done.stdout.splitlines()
    assert Path(folder) == tmp_path.resolve()
    assert version.startswith(os.environ["EARTHPRINT_QGIS"])


def test_arguments_keep_their_spaces_and_quotes(tmp_path):
    words = ["a b", "it's", '"', "$HOME", "*", ""]
    done = dev("python", "-c", "import sys; print(sys.argv[1:])", *words, cwd=tmp_path)
    assert done.stdout == f"{words}\n"


def test_qgis_process_has_the_plugin_and_fails_with_its_own_code(tmp_path):
    listed = dev("qgis_process", "list", cwd=tmp_path)
    assert listed.returncode == 0
    assert "earthprint:embedraster\t" in listed.stdout
    failed = dev("qgis_process", "run", "earthprint:embedraster", "INPUT=not-there.tif", "OUTPUT=x.tif", cwd=tmp_path)
    assert failed.returncode == 1
    assert "not-there.tif" in failed.stdout + failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_command_is_refused_with_the_usage(tmp_path):
    done = dev("tset", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ./dev COMMAND")


def test_an_unknown_version_is_refused_in_a_sentence(tmp_path):
    done = subprocess.run(
        [str(ROOT / "dev"), "python", "-c", "print(1)"],
        env={**os.environ, "EARTHPRINT_QGIS": "2.18"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "QGIS 2.18" in done.stderr


def test_a_failing_test_fails_the_command(tmp_path):
    (tmp_path / "test_that_fails.py").write_text("def test_that_fails():\n    assert 1 == 2\n", encoding="utf-8")
    done = dev("test", "-q", "test_that_fails.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "1 failed" in done.stdout
