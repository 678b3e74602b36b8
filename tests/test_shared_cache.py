"""A cache that several machines have together: what one stored another knows, and no failure of it costs a scan."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

import pytest

from llmlint.local_cache import LocalCache
from llmlint.shared_cache import SharedCache

pytest.importorskip("fsspec", reason="fsspec is not installed: pip install -e '.[dev]'")


def machine(folder: Path, url: object, generation: str = "g") -> SharedCache:
    return SharedCache(LocalCache(folder, generation), str(url))


@pytest.fixture(params=["folder", "object store"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "shared") if request.param == "folder" else f"memory://{uuid.uuid4()}/llmlint"


def test_what_one_machine_stored_another_knows(url: str, tmp_path: Path) -> None:
    one, other = machine(tmp_path / "one", url), machine(tmp_path / "other", url)
    assert other.records(["a"]) == {} and other.known_records(["a"]) == set()
    one.store_records([("a", b"A"), ("b", b"B")])
    one.store_result("whole", b"W")
    one.store_stamps([("blob:1", "python", "a")])
    assert other.known_records(["a", "b", "c"]) == {"a", "b"}
    assert other.records(["a", "c"]) == {"a": b"A"}
    assert other.result("whole") == b"W" and other.result("part") is None
    assert other.keys_of({"blob:1": "python", "blob:2": "python"}) == {"blob:1": "a"}
    assert not one.warning and not other.warning


def test_what_a_machine_took_in_it_holds(tmp_path: Path) -> None:
    shared, mine = tmp_path / "shared", tmp_path / "other"
    machine(tmp_path / "one", shared).store_records([("a", b"A")])
    assert machine(mine, shared).records(["a"]) == {"a": b"A"}
    shutil.rmtree(shared)
    assert machine(mine, shared).records(["a"]) == {"a": b"A"}


def test_another_make_of_the_tool_sees_nothing_of_it(url: str, tmp_path: Path) -> None:
    machine(tmp_path / "one", url).store_records([("a", b"A")])
    assert machine(tmp_path / "other", url, "another").records(["a"]) == {}


@pytest.mark.parametrize("broken", [b"", b"\x00 no pack", None], ids=["empty", "other bytes", "half"])
def test_a_pack_of_a_killed_writer_counts_for_nothing_until_it_is_written_again(
    broken: bytes | None, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    machine(tmp_path / "one", shared).store_records([("a", b"A" * 100)])
    [pack] = (shared / "g").iterdir()
    pack.write_bytes(pack.read_bytes()[:50] if broken is None else broken)
    other = machine(tmp_path / "other", shared)
    assert other.records(["a"]) == {} and not other.warning
    machine(tmp_path / "third", shared).store_records([("a", b"A" * 100)])
    assert other.records(["a"]) == {"a": b"A" * 100}


@pytest.mark.parametrize("url", ["nowhere://bucket/llmlint", "{}/a_file/llmlint"])
def test_a_store_that_cannot_be_reached_is_one_warning(url: str, tmp_path: Path) -> None:
    (tmp_path / "a_file").write_text("")
    cache = machine(tmp_path / "one", url.format(tmp_path))
    cache.store_records([("a", b"A")])
    assert cache.records(["a", "b"]) == {"a": b"A"}
    assert cache.warning.startswith("shared cache") and cache.warning.endswith("going on without it")
