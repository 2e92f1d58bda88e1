"""What is said of the device: found, tried, refused; and the text for a report."""

from __future__ import annotations

import os
import platform

import numpy as np
import pytest
from osgeo import gdal

from earthprint.engine import packages, problem_report
from earthprint.engine.encoders import device, device_facts
from earthprint.engine.packages import PackageState
from earthprint.engine.progress import Silent


@pytest.fixture
def no_runtime(monkeypatch):
    exists = packages._spec_exists
    monkeypatch.setattr(packages, "_spec_exists", lambda module: module != "onnxruntime" and exists(module))


def test_what_is_found_is_what_onnxruntime_says():
    runtime = pytest.importorskip("onnxruntime")
    facts = device_facts.device_facts()
    assert facts.runtime == runtime.__version__ and facts.problem == ""
    assert list(facts.providers) == runtime.get_available_providers()
    assert facts.cores == device.physical_cores() >= 1
    assert facts.offers_cuda == ("CUDAExecutionProvider" in facts.providers)


def test_without_onnxruntime_the_reason_is_a_sentence(no_runtime):
    facts = device_facts.device_facts()
    assert facts.runtime == "" and "onnxruntime" in facts.problem and facts.providers == ()
    trial = device_facts.try_devices(Silent())
    assert "onnxruntime" in trial.cpu_problem


def test_the_processor_passes_and_cuda_says_why_not():
    pytest.importorskip("onnxruntime")
    trial = device_facts.try_devices(Silent())
    assert trial.cpu_problem == ""
    if not device_facts.device_facts().offers_cuda:
        assert "no CUDA support" in trial.cuda_problem


def test_a_new_trial_forgets_the_old_verdict(monkeypatch):
    runtime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(device, "_verdicts", {runtime.__version__: "the driver is too old"})
    assert device_facts.device_facts().cuda == "the driver is too old"
    monkeypatch.setattr(device_facts, "cuda_problem", lambda progress: device.earlier_trial(runtime.__version__))
    assert device_facts.try_devices(Silent()).cuda_problem == ""  # nothing remembered: it was asked anew
    assert device.earlier_trial(runtime.__version__) is None
    device._verdicts[runtime.__version__] = None
    assert device.earlier_trial(runtime.__version__) == ""


def test_a_wrong_result_is_no_success(monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(device_facts, "_sums", lambda model, progress: np.full((1, 1, 2, 2), 8.5, np.float32))
    assert "wrong result" in device_facts.try_devices(Silent()).cpu_problem


def test_the_report_holds_versions_packages_and_the_log_and_not_the_home_folder():
    home = os.path.expanduser("~")
    states = (PackageState("torch", "9.9", "It is too new.", "training", (), home + "/lib/torch", False),)
    text = problem_report.problem_report(("QGIS 8",), ("one", "read " + home + "/a.tif"), lambda: states)
    for part in ("QGIS 8", platform.machine(), np.__version__, "GDAL " + gdal.VersionInfo("RELEASE_NAME"),
                 "torch: 9.9, ~/lib/torch | It is too new.", "  one", "read ~/a.tif", "Search path:"):
        assert part in text
    assert home + "/" not in text


def test_of_the_log_only_the_end_is_reported():
    log = tuple("line {}".format(number) for number in range(1000))
    lines = problem_report.problem_report((), log, lambda: ()).splitlines()
    assert lines[-1] == "  line 999" and "  line 0" not in lines
    assert sum(line.startswith("  line ") for line in lines) == problem_report.LOG_LINES
