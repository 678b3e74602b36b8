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


MODEL = """
#include <vector>

struct result {{
    std::vector<int> labels;
}};

struct model {{
    bool predict(int image, result * out) {{
        if (image < 0) {{
            return false;
        }}
        out->labels.push_back(image);
        return true;
    }}
}};

void draw(const result & r);

int a(model & m, result * r) {{ return m.predict(1, r) ? 1 : 0; }}
int b(model & m, result * r) {{ return m.predict(2, r) ? 2 : 0; }}
int c(model & m, result * r) {{ return m.predict(3, r) ? 3 : 0; }}
int d(model & m, result * r) {{ return m.predict(4, r) ? 4 : 0; }}
int e(model & m, result * r) {{ return m.predict(5, r) ? 5 : 0; }}

void show(model & m, result & known) {{
    {show}
}}
"""


@pytest.mark.parametrize(
    ("show", "confidence"),
    [
        ("result r; m.predict(6, &r); draw(r);", "low"),
        ("auto r = new result(); m.predict(6, r); draw(*r); delete r;", "low"),
        ("result r; m.predict(6, &r);", "medium"),
        ("result r; read_into(r); m.predict(6, &r); draw(r);", "medium"),
        ("m.predict(6, &known); draw(known);", "medium"),
    ],
)
def test_what_a_call_fills_and_its_caller_uses_may_tell_that_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, show: str, confidence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("llmlint.toml").write_text("root = true\n")
    Path("model.cpp").write_text(MODEL.format(show=show))
    (told,) = scan(Request(paths=(".",), select=("LLM911",), min_confidence="low")).findings
    assert told.confidence == confidence
