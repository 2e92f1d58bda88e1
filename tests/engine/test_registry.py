"""The registry gives back what it was given, and never what somebody else put under a name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from earthprint.engine.errors import SpaceError
from earthprint.engine.registry import Registry
from earthprint.engine.space import Band, Space

SPACE = Space("rcf", 64, "ab" * 32, "euclidean", True, (Band("b02", "reflectance x 10000"), Band("größe")), "image",
              {"method": "pca", "sha256": "c" * 64}, {"statistic": "std"})


def test_remembers_across_instances(tmp_path):
    Registry(tmp_path / "a" / "b").remember(SPACE)
    assert Registry(tmp_path / "a" / "b").find(SPACE.digest()) == SPACE
    assert Registry(tmp_path / "a" / "b").find("0" * 12) is None
    assert Registry(tmp_path / "never").find(SPACE.digest()) is None


@pytest.mark.parametrize("content", ["", "{", "[]", Space("other", 3).canonical(), "\udcff"])
def test_a_file_that_says_something_else_is_not_believed_and_mended(tmp_path, content):
    place = tmp_path / f"{SPACE.digest()}.json"
    place.write_bytes(content.encode("utf-8", "surrogateescape"))
    registry = Registry(tmp_path)
    assert registry.find(SPACE.digest()) is None
    registry.remember(SPACE)
    assert registry.find(SPACE.digest()) == SPACE


@pytest.mark.parametrize("digest", ["", "../../etc/pass", "ABCDEFABCDEF", "0" * 13, "0" * 11 + "\n"])
def test_a_digest_never_leads_out_of_the_folder(tmp_path, digest):
    assert Registry(tmp_path).find(digest) is None


def test_many_at_once(tmp_path):
    spaces = [Space("rcf", number) for number in range(1, 9)]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            list(pool.map(lambda space: Registry(tmp_path).remember(space), spaces * 4))
    assert [Registry(tmp_path).find(space.digest()) for space in spaces] == spaces
    assert len(list(tmp_path.iterdir())) == len(spaces)


def test_an_unwritable_place_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpaceError, match="file.*can't be written"):
        Registry(tmp_path / "file").remember(SPACE)
