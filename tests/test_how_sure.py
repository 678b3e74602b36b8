"""How sure a rule is follows from what the program says, not from the rule alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlint.project import Request, scan

POOL = """
class Chunk:
    def __init__(self, pool):
        self.pool = pool
{ending}

class Pool:
    def allocate(self, size) -> "Chunk | None":
        return Chunk(self)

    def release(self, chunk):
        self.free.append(chunk)


class Loader:
    def __init__(self):
        self.pool = Pool()

    def load(self, key):
        chunk = self.pool.allocate(3)
        if key not in self.known:
            return None
        self.pool.release(chunk)
        return key
"""
DELETED = """
    def __del__(self):
        self.pool.release(self)
"""


@pytest.mark.parametrize(("ending", "confidence"), [("", "medium"), (DELETED, "low")])
def test_a_thing_that_gives_itself_back_when_it_goes_is_hardly_leaked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, confidence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("llmlint.toml").write_text("root = true\n")
    Path("pool.py").write_text(POOL.format(ending=ending))
    (told,) = scan(Request(paths=(".",), select=("LLM103",), min_confidence="low")).findings
    assert told.confidence == confidence
