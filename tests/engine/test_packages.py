"""Optional packages: the sentence a user reads when one is missing or broken, and that looking never imports."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from earthprint.engine import packages
from earthprint.engine.errors import PackageError
from earthprint.engine.home_folder import without_home

NAMES = {"onnxruntime", "sklearn", "h3", "pyarrow", "torch", "umap", "usearch"}


@pytest.fixture
def only(tmp_path, monkeypatch):
    """Return a function that makes a package of the given source the only one of its name that Python finds."""

    def make(module: str, source: str = "", version: str = "", distribution: str = "") -> Path:
        folder = tmp_path / module
        folder.mkdir()
        (folder / "__init__.py").write_text(textwrap.dedent(source), encoding="utf-8")
        if version:
            info = tmp_path / f"{(distribution or module).replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {distribution or module}\nVersion: {version}\n", encoding="utf-8")
        return folder

    for name in [name for name in sys.modules if name.split(".")[0] in NAMES]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)] + [p for p in sys.path if "-packages" not in p])
    sys.path_importer_cache.pop(str(tmp_path), None)
    yield make
    for name in [name for name in sys.modules if name.split(".")[0] in NAMES]:
        sys.modules.pop(name)


def test_a_missing_package_is_one_sentence_with_purpose_menu_and_a_command_that_keeps_numpy(only):
    with pytest.raises(PackageError) as caught:
        packages.require("onnxruntime")
    text = str(caught.value)
    major, minor = np.__version__.split(".")[:2]
    assert caught.value.code == "package-missing"
    assert "\n" not in text
    for part in ("onnxruntime", "running ONNX encoders and predictors", "Plugins ▸ Earthprint ▸ Packages…",
                 f"Python {sys.version.split()[0]}", sys.prefix, "-m pip install --only-binary=:all:",
                 f'"numpy>={major}.{minor},<{major}.{int(minor) + 1}"'):
        assert part in text


def test_inside_qgis_the_command_never_names_the_qgis_program(only, monkeypatch):
    monkeypatch.setattr(sys, "executable", "C:\\Program Files\\QGIS\\bin\\qgis-bin.exe".replace("\\", "/"))
    command = packages.pip_command(packages.find("h3"))
    assert command.startswith("python{}.{} -m pip".format(*sys.version_info[:2]))


def test_a_build_for_another_numpy_is_named_as_that_with_the_true_error_and_place(only):
    folder = only("onnxruntime", "raise ImportError('numpy.core.multiarray failed to import')", "1.31.1")
    with pytest.raises(PackageError) as caught:
        packages.require("onnxruntime")
    text = str(caught.value)
    assert caught.value.code == "package-unusable"
    assert "ImportError: numpy.core.multiarray failed to import" in text
    assert "built for another NumPy than the " + np.__version__ in text
    assert str(folder) in text and sys.prefix in text
    assert isinstance(caught.value.__cause__, ImportError)


DLL = ("DLL load failed while importing onnxruntime_pybind11_state: A dynamic link library (DLL) "
       "initialization routine failed.")


@pytest.mark.parametrize("platform, cured", [("win32", True), ("linux", False)])
def test_a_dll_that_does_not_load_points_to_the_runtime_on_windows_only(platform, cured, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    text = packages.explain(ImportError(DLL))
    assert DLL in text
    assert ("Microsoft Visual C++ Redistributable" in text) == cured


def test_an_error_that_is_no_import_error_is_caught_and_told(only):
    only("sklearn", "raise AttributeError('module numpy has no attribute float')", "1.2.1", "scikit-learn")
    with pytest.raises(PackageError, match="AttributeError: module numpy has no attribute float"):
        packages.require("sklearn.cluster")


def test_a_hidden_dependency_is_named(only):
    only("usearch", "import a_package_that_is_nowhere", "2.20.0")
    with pytest.raises(PackageError, match="No module named 'a_package_that_is_nowhere'"):
        packages.require("usearch")


def test_a_version_whose_calls_differ_is_refused_before_it_is_imported(only):
    only("h3", "raise SystemExit('imported')", "3.7.6")
    assert packages.state("h3").problem == "Version 3.7.6 is too old; at least 4.0 is needed."
    with pytest.raises(PackageError, match="Version 3.7.6 is too old; at least 4.0 is needed"):
        packages.require("h3")


def test_versions_compare_by_number(only):
    only("onnxruntime", "", "1.9.0")
    assert packages.state("onnxruntime").problem is not None  # 1.9 < 1.16, though "1.9" > "1.16" as text


def test_the_needs_of_pyarrow_26_are_known_though_it_does_not_declare_them(only, monkeypatch):
    only("pyarrow", "", "26.0.1")
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert "needs NumPy 2" in packages.state("pyarrow").problem
    monkeypatch.setattr(np, "__version__", "2.2.4")
    assert packages.state("pyarrow").problem is None


def test_looking_does_not_import(only):
    only("onnxruntime", "raise SystemExit('imported')", "1.23.2", "onnxruntime-gpu")
    state = packages.state("onnxruntime")
    assert (state.version, state.problem, state.usable) == ("1.23.2", None, True)
    assert [s.name for s in packages.all_states() if s.location is not None] == ["onnxruntime"]
    assert "onnxruntime" not in sys.modules


def test_probing_imports_and_tells_the_truth(only):
    only("onnxruntime", "raise OSError('libcudart.so.12: cannot open shared object file')", "1.23.2")
    assert packages.state("onnxruntime").usable
    problem = packages.probe("onnxruntime").problem
    assert "libcudart.so.12: cannot open shared object file" in problem


def test_probing_a_good_package_finds_nothing_wrong(only):
    only("h3", "__version__ = '4.5.0'", "4.5.0")
    probed = packages.probe("h3")
    assert (probed.version, probed.problem) == ("4.5.0", None)
    assert packages.require("h3").__version__ == "4.5.0"


def test_an_empty_folder_left_by_an_uninstall_is_not_a_package(only):
    (only("h3") / "__init__.py").unlink()
    sys.path_importer_cache.clear()
    state = packages.state("h3")
    assert not state.usable and "empty folder" in state.problem
    with pytest.raises(PackageError) as caught:
        packages.require("h3")
    assert caught.value.code == "package-missing"


def test_package_and_module_names_lead_to_the_same_entry():
    assert packages.find("sklearn.cluster") is packages.find("scikit-learn")
    with pytest.raises(PackageError, match="geopandas"):
        packages.require("geopandas")


def test_a_module_of_a_package_is_returned(only):
    folder = only("sklearn", "", "1.3.0", "scikit-learn")
    (folder / "cluster.py").write_text("KMeans = 7\n", encoding="utf-8")
    assert packages.require("sklearn.cluster").KMeans == 7


def test_importing_the_engine_module_loads_no_optional_package():
    code = ("import sys, earthprint.engine.packages as p; p.all_states(); "
            f"print(sorted(set({sorted(NAMES)!r}) & set(sys.modules)))")
    root = Path(__file__).resolve().parents[2] / "build"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_home_folder_is_taken_out_of_texts(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada.lovelace")
    monkeypatch.setenv("USERPROFILE", "/home/ada.lovelace")
    text = "a /home/ada.lovelace/x '/home/ada.lovelace' (/home/ada.lovelace) /home/ada.lovelacey/z"
    assert without_home(text) == "a ~/x '~' (~) /home/ada.lovelacey/z"


def test_every_package_that_tools_need_is_needed_by_tools_that_exist():
    folder = Path(packages.__file__).parent.parent / "processing_provider" / "algorithms"
    titles = {line.split('"')[1] for path in folder.glob("*.py") for line in path.read_text("utf-8").splitlines()
              if line.startswith("    TITLE = ")}
    named = {tool for package in packages.CATALOGUE for tool in package.needed_by}
    assert named and named <= titles
    assert all(package.needed_by for package in packages.CATALOGUE if package.by_click)
