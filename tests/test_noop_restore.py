"""How sure an empty reset is told: by what else its class leaves empty, and by what it keeps."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

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
def test_an_empty_reset_is_surer_where_the_class_keeps_what_it_names(kept: str, row: str, sure: str) -> None:
    (found,) = check_sources({"engine.py": (ENGINE.format(kept=kept) + row).encode()}, ["LLM802"])
    assert found.confidence == sure
