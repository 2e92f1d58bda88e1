"""What would be installed on which QGIS: the specifiers, and what pip's resolver makes of them (needs an index)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Dict, List

import numpy as np
import pytest

from earthprint.engine.errors import PackageError
from earthprint.engine.package_plan import EVERYDAY, EXTRA, Host, gpu_offered, numpy_constraint, plan, this_host

BOOKWORM = Host((3, 11), "1.24.2", "linux", "x86_64")
TRIXIE = Host((3, 13), "2.2.4", "linux", "x86_64")
FORKY = Host((3, 14), "2.4.6", "linux", "x86_64")


def specifier(host: Host, name: str, names=EVERYDAY) -> str:
    found = [text for text in plan(host, names).requirements if re.split(r"[\[<>=]", text)[0] == name]
    assert len(found) == 1
    return found[0][len(name):]


@pytest.mark.parametrize("host, constraint, runtime", [
    (BOOKWORM, "numpy>=1.24,<1.25", ">=1.20,<=1.23.2"),
    (TRIXIE, "numpy>=2.2,<2.3", ">=1.20,<=1.23.2"),
    (FORKY, "numpy>=2.4,<2.5", ">=1.24.4,<1.27"),
    (Host((3, 9), "1.22.4", "win32", "x86_64"), "numpy>=1.22,<1.23", ">=1.17,<=1.19.2"),
    (Host((3, 12), "1.26.4", "win32", "x86_64"), "numpy>=1.26,<1.27", ">=1.20,<=1.23.2"),
    (Host((3, 12), "1.26.4", "darwin", "x86_64"), "numpy>=1.26,<1.27", ">=1.20,<=1.23.2"),
])
def test_numpy_stays_at_the_hosts_minor_and_the_runtime_is_one_with_wheels(host, constraint, runtime):
    made = plan(host)
    assert made.constraints == (constraint,)
    assert specifier(host, "onnxruntime") == runtime
    assert sorted(re.split(r"[<>=]", text)[0] for text in made.requirements) == sorted(EVERYDAY)


def test_every_requirement_has_an_upper_bound():
    for host in (BOOKWORM, TRIXIE, FORKY):
        for text in plan(host, EVERYDAY + EXTRA).requirements:
            assert re.search(r"(<|==)", text), text


def test_pyarrow_26_is_kept_from_numpy_1():
    assert specifier(BOOKWORM, "pyarrow", EXTRA) == ">=14,<26"
    assert specifier(TRIXIE, "pyarrow", EXTRA) == ">=14,<27"


def test_the_cuda_build_takes_the_place_of_the_ordinary_one():
    made = plan(BOOKWORM, ("onnxruntime", "onnxruntime-gpu", "h3"))
    assert made.requirements == ("onnxruntime-gpu[cuda,cudnn]==1.23.2", "h3>=4.1,<5")
    assert "1 GB" in made.remarks[0]
    assert plan(FORKY, ("onnxruntime-gpu",)).requirements == ("onnxruntime-gpu[cuda,cudnn]>=1.24.1,<1.27",)


@pytest.mark.parametrize("host, offered", [
    (BOOKWORM, True),
    (Host((3, 12), "1.26.4", "win32", "x86_64"), True),
    (Host((3, 9), "1.22.4", "win32", "x86_64"), False),
    (Host((3, 12), "1.26.4", "darwin", "arm64"), False),
    (Host((3, 11), "1.24.2", "linux", "arm64"), False),
])
def test_the_cuda_build_is_offered_where_it_exists(host, offered):
    assert gpu_offered(host) == offered
    if not offered:
        with pytest.raises(PackageError, match="no CUDA build"):
            plan(host, ("onnxruntime-gpu",))


@pytest.mark.parametrize("host, code", [
    (Host((3, 8), "1.21.0", "win32", "x86_64"), "python-too-old"),
    (Host((3, 9), "1.20.1", "win32", "x86_64"), "numpy-too-old"),
    (Host((3, 14), "2.4.0", "darwin", "x86_64"), "no-onnxruntime"),
    (Host((3, 11), "unknown", "linux", "x86_64"), "numpy-version"),
])
def test_what_can_not_be_is_said_in_words(host, code):
    with pytest.raises(PackageError) as caught:
        plan(host)
    assert caught.value.code == code


def test_an_unknown_name_never_reaches_pip():
    with pytest.raises(PackageError, match="--index-url"):
        plan(BOOKWORM, ("--index-url=somewhere",))


def test_windows_has_an_older_runtime_to_fall_back_on():
    assert "onnxruntime==1.20.1" in plan(Host((3, 12), "1.26.4", "win32", "x86_64")).older
    assert plan(BOOKWORM).older == ()


def test_the_constraint_admits_the_running_numpy():
    from packaging.requirements import Requirement

    assert Requirement(numpy_constraint(np.__version__)).specifier.contains(np.__version__)
    assert this_host().python == sys.version_info[:2]


def test_hosts_that_may_not_share_native_builds_have_different_tags():
    tags = {host.tag for host in (BOOKWORM, TRIXIE, FORKY, Host((3, 11), "1.26.4", "linux", "x86_64"),
                                  Host((3, 11), "1.24.2", "win32", "x86_64"))}
    assert len(tags) == 5
    assert Host((3, 11), "1.24.9", "linux", "x86_64").tag == BOOKWORM.tag


# ---- the real resolver, without installing anything

MANYLINUX = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17)] + ["manylinux2014_x86_64"]
MACS = {
    "x86_64": [f"macosx_10_{minor}_x86_64" for minor in range(9, 16)] + [f"macosx_{n}_0_x86_64" for n in (11, 12, 13)],
    "arm64": [f"macosx_{major}_0_arm64" for major in range(11, 15)],
}
UNIVERSAL = ["macosx_10_9_universal2", "macosx_10_13_universal2", "macosx_11_0_universal2"]


def platforms(host: Host) -> List[str]:
    if host.system == "linux":
        return MANYLINUX
    return ["win_amd64"] if host.system == "win32" else MACS[host.machine] + UNIVERSAL


@pytest.fixture(scope="module")
def index() -> None:
    """Skip where pip can't get even a package without needs for the running Python: there is no index then."""
    command = [sys.executable, "-m", "pip", "--retries", "0", "--timeout", "20", "install", "--dry-run", "--quiet",
               "--ignore-installed", "--no-deps", "--target", os.devnull + "-unused", "--only-binary=:all:",
               "packaging"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("the package index can't be reached from here")


def resolve(host: Host, names, *options: str) -> Dict[str, dict]:
    """Return what pip would install on a host, the metadata by name."""
    made = plan(host, names)
    command = [sys.executable, "-m", "pip", "--retries", "0", "--timeout", "20", "install", "--dry-run", "--quiet",
               "--ignore-installed", "--report", "-", "--target", os.devnull + "-unused", "--only-binary=:all:",
               "--implementation", "cp", "--python-version", "{}.{}".format(*host.python)]
    command += [*options]
    command += [part for name in platforms(host) for part in ("--platform", name)]
    done = subprocess.run(command + list(made.requirements + made.constraints), capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)["install"]
    assert all(item["download_info"]["url"].endswith(".whl") for item in found)
    return {item["metadata"]["name"].lower().replace("_", "-"): item["metadata"] for item in found}


@pytest.mark.parametrize("title, host, runtime", [
    ("QGIS 3.22, Debian", BOOKWORM, "1.23.2"),
    ("QGIS 3.40, Debian", TRIXIE, "1.23.2"),
    ("QGIS 3.44, Debian", FORKY, "1.26.0"),
    ("QGIS 3.22, Windows", Host((3, 9), "1.22.4", "win32", "x86_64"), "1.19.2"),
    ("QGIS 3.40, Windows", Host((3, 12), "1.26.4", "win32", "x86_64"), "1.23.2"),
    ("QGIS 3.44, Windows", Host((3, 14), "2.4.6", "win32", "x86_64"), "1.26.0"),
    ("QGIS 3.40, Intel Mac", Host((3, 12), "1.26.4", "darwin", "x86_64"), "1.23.2"),
    ("QGIS 4, Apple silicon", Host((3, 13), "2.2.4", "darwin", "arm64"), "1.23.2"),
])
def test_the_resolver_finds_wheels_under_the_hosts_numpy(index, title, host, runtime):
    names = EVERYDAY + EXTRA if host.system == "linux" else EVERYDAY
    found = {name: metadata["version"] for name, metadata in resolve(host, names).items()}
    assert set(names) <= set(found)
    assert found["numpy"].split(".")[:2] == host.numpy.split(".")[:2], title
    assert found["onnxruntime"] == runtime
    assert found["h3"].startswith("4.")
    if host == BOOKWORM:
        assert int(found["pyarrow"].split(".")[0]) < 26


def test_the_runtime_for_graphics_cards_asks_for_cuda_12(index):
    # without what it needs, which is more than a gigabyte of files
    found = resolve(BOOKWORM, ("onnxruntime-gpu",), "--no-deps")["onnxruntime-gpu"]
    assert found["version"] == "1.23.2"
    needs = [text for text in found["requires_dist"] if re.search(r"extra\s*==\s*['\"](cuda|cudnn)['\"]", text)]
    assert any(text.startswith("nvidia-cudnn-cu12") for text in needs)
    assert any(text.startswith("nvidia-cuda-runtime-cu12") for text in needs)
    assert not any("cu13" in text for text in needs)
