"""How sure an empty reset is told: by what else its class leaves empty, and by what it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmlint.project import Request, scan

ENGINE = """
class Engine:
    def __init__(self):
        self.{kept} = {{}}
        self.order = []

    def add(self, request):
        self.{kept}[request.id] = request
        self.order.append(request)

    def reset_prefix_cache(self):
        pass
"""
ROW = "\n    def abort(self, request):\n        pass\n\n    def check_health(self):\n        pass\n"


@pytest.mark.parametrize(
    ("kept", "row", "sure"),
    [("cached_blocks", "", "medium"), ("caches", "", "medium"), ("inbox", "", "low"), ("caches", ROW, "low")],
)
def test_an_empty_reset_is_surer_where_the_class_keeps_what_it_names(
    tmp_path: Path, kept: str, row: str, sure: str
) -> None:
    (tmp_path / "engine.py").write_text(ENGINE.format(kept=kept) + row)
    (found,) = scan(Request((str(tmp_path),), select=("LLM802",), min_confidence="low", use_cache=False)).findings
    assert found.confidence == sure
