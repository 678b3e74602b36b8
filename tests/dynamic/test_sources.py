"""A function's definition, read from its own lines, is what it is in the whole of its file."""

from __future__ import annotations

import ast
import importlib
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmlint.dynamic import sources

MODULES = ["argparse", "asyncio.base_events", "dataclasses", "enum", "functools", "subprocess", "tarfile", "typing"]


def codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield inner
            yield from codes(inner)


def functions(file: Path) -> list[types.CodeType]:
    """Those that somebody wrote: Python makes some of annotations and types."""
    text = file.read_bytes()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    definitions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)]
    written = {(one.name, (one.decorator_list or [one])[0].lineno) for one in definitions}
    return [code for code in codes(compile(text, str(file), "exec")) if (code.co_name, code.co_firstlineno) in written]


def said(found: sources.Found) -> tuple[str, list[tuple[str, str]]]:
    node, around = found
    kinds = [(type(outer).__name__.removeprefix("Async"), getattr(outer, "name", "")) for outer in around]
    return ast.dump(node, include_attributes=True), [one for one in kinds if one[0].endswith("Def")]


@pytest.mark.parametrize("name", MODULES)
def test_the_lines_of_a_function_say_what_the_whole_file_says_of_it(name: str) -> None:
    file = Path(str(importlib.import_module(name).__file__))
    for code in functions(file):
        assert said(sources.definition(code)) == said(sources.definition(code, whole=True)), code
    sources.forget_sources()


ODD = '''
import functools

def outer():
    @functools.wraps(print)
    def inner(first,
              second=(
        1)):
        text = """
up to the margin
"""
        # the last remark
        return (text,
    )
    return inner

class Named:
    def gives(self): return """one line
and one more"""

    def never_ends(self):
        return 1
        text = """
gone, and at the margin
"""
'''


def test_texts_at_the_margin_and_brackets_that_close_late_belong_to_the_function(tmp_path: Path) -> None:
    file = tmp_path / "odd.py"
    file.write_text(ODD)
    found = {code.co_name: code for code in functions(file)}
    assert set(found) == {"outer", "inner", "gives", "never_ends"}
    for code in found.values():
        assert said(sources.definition(code)) == said(sources.definition(code, whole=True)), code
    sources.forget_sources()
