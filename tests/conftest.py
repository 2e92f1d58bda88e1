"""Fixtures that all tests share, and the environment they run in: offscreen, and in folders of their own."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, Optional

import pytest

ROOT = Path(__file__).resolve().parent.parent

# All of this has to stand before QGIS starts, and QGIS starts as pytest-qgis is loaded.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
_session_folder = tempfile.TemporaryDirectory(prefix="earthprint-tests-")
os.environ["QGIS_CUSTOM_CONFIG_PATH"] = str(Path(_session_folder.name, "profile"))
os.environ["EARTHPRINT_ENCODERS"] = str(Path(_session_folder.name, "encoders"))
if str(ROOT / "build") not in sys.path:
    sys.path.insert(0, str(ROOT / "build"))

_WITH_QGIS = all(importlib.util.find_spec(name) is not None for name in ("qgis", "pytest_qgis"))
pytest_plugins = ["pytest_qgis.plugin"] if _WITH_QGIS else []
if _WITH_QGIS:
    import pytest_qgis.plugin

    # It would keep QGIS's settings in the repository, where one run's settings reach the next and two runs meet.
    pytest_qgis.plugin._load_qgis_settings = lambda config: None

try:
    from hypothesis import HealthCheck, settings
except ImportError:
    pass
else:
    _checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    settings.register_profile("ci", derandomize=True, deadline=None, database=None, suppress_health_check=_checks)
    settings.register_profile("explore", deadline=None, max_examples=1000, suppress_health_check=_checks)
    settings.load_profile(os.environ.get("EARTHPRINT_HYPOTHESIS", "ci"))


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Return the folder of real data beside the repository, or skip where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the sample data is not in {folder}")
    return folder


@pytest.fixture(scope="session")
def encoders_folder() -> Path:
    """Return the folder that stands for the user's encoders in this session."""
    folder = Path(os.environ["EARTHPRINT_ENCODERS"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def provider(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Register our provider in a Processing that is set up, and hand it out."""
    if not _WITH_QGIS:
        pytest.skip("QGIS or pytest-qgis is not installed")
    request.getfixturevalue("qgis_processing")
    from qgis.core import QgsApplication

    from earthprint.processing_provider.provider import EarthprintProvider

    registry = QgsApplication.processingRegistry()
    ours = EarthprintProvider()
    assert registry.addProvider(ours)
    yield ours
    registry.removeProvider(ours)
    # Layers that only a cycle holds must go before QGIS does: collected after it, they corrupt the heap at exit.
    gc.collect()


@pytest.fixture
def run_algorithm(provider: Any) -> Callable[..., Dict[str, Any]]:
    """Return a function that runs one of our algorithms by its short id, as a script would."""

    def run(
        algorithm: str, parameters: Dict[str, Any], feedback: Optional[Any] = None, context: Optional[Any] = None
    ) -> Dict[str, Any]:
        import processing

        return processing.run(f"earthprint:{algorithm}", parameters, feedback=feedback, context=context)

    return run


@pytest.fixture(scope="session")
def qgis_process(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Return a function that runs qgis_process with the plugin enabled in a profile that is new in this session."""
    from qgis_command import QgisProcess

    return QgisProcess(tmp_path_factory.mktemp("headless"))
