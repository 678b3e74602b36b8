"""Small sources in strings, linked into a program."""

from __future__ import annotations

from textwrap import dedent

from llmlint.code.facts.effects import facts_of
from llmlint.code.facts.facts import Effect, FileFacts
from llmlint.code.flow.summaries import does
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.program import Program
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.python import read_python
from llmlint.vocabulary_file import load_vocabulary


def facts(path: str, source: str) -> FileFacts:
    data = dedent(source).lstrip("\n").encode()
    text, tree = read_python(data) if path.endswith(".py") else read_cpp(data, "cpp")
    return facts_of(tree, text)


def link(files: dict[str, str]) -> Program:
    return Program({path: facts(path, source) for path, source in files.items()}, load_vocabulary())


def cls(program: Program, name: str) -> ClassInfo:
    found = program.class_named(name)
    assert found is not None, name
    return found


def function(program: Program, name: str) -> FunctionInfo:
    found = program.function_named(name)
    assert found is not None, name
    return found


def call(of: FunctionInfo, callee: str) -> Effect:
    found = [effect for effect in of.effects if effect.callee == callee]
    assert found, f"{callee} is none of {[effect.callee for effect in of.effects]}"
    return found[0]


def called(program: Program, of: str, callee: str, **how: object) -> list[str]:
    """The full names of what a call in the named function runs."""
    caller = function(program, of)
    return [f.full_name for f in program.callees(caller, call(caller, callee), **how)]  # type: ignore[arg-type]


def done(program: Program, method: str, name: str = "") -> list[tuple[str, str]]:
    """What calling a method does to its object's state, as (how, path)."""
    receiver = cls(program, name) if name else None
    return [(d.how, d.path) for d in does(program, function(program, method), receiver)]
