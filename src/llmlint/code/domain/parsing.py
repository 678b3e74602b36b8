"""Calls that read text or bytes of some form, and raise where they cannot: `parses` in `rules/flows.toml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.facts.facts import Argument, Effect, Test
from llmlint.code.link.exits import around
from llmlint.code.link.objects import is_enum
from llmlint.code.link.once import once
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program

_NUMBERS = frozenset({"int", "float"})
_OF_CLASSES = frozenset({"isinstance", "hasattr", "len"})
"""They say nothing of the form of a text."""


class Parsed(NamedTuple):
    """What is read, as its path, and what is raised where it has another form."""

    path: str
    raises: tuple[str, ...]


def forms_read(program: Program, function: FunctionInfo, effect: Effect) -> Iterator[Parsed]:
    """What a call reads that no test around it has called anything of: `if text.isdigit(): int(text)`."""
    for parse in program.vocabulary.python_flows.parses.find(effect.callee):
        if parse.argument < 0:
            yield Parsed(effect.callee.rpartition(".")[0], parse.raises)
        elif parse.argument < len(effect.args):
            argument = effect.args[parse.argument]
            if argument.path and not argument.keyword and not is_asked(function, effect, argument):
                yield Parsed(argument.path, parse.raises)
    if len(effect.args) == 1 and effect.args[0].path and _is_member(program, function, effect.callee):
        yield Parsed(effect.args[0].path, ("ValueError",))


def reading_names(program: Program) -> list[str]:
    """The last names of the program's calls that may read a form: a sieve."""
    members = once(program, _names_of_enums)
    parses = program.vocabulary.python_flows.parses
    return sorted(name for name in program.call_names if name in members or parses.may_find(name))


def _names_of_enums(program: Program) -> frozenset[str]:
    return frozenset(cls.name for cls in program.classes if is_enum(cls))


def _is_member(program: Program, function: FunctionInfo, callee: str) -> bool:
    """Does the call look up the member of an Enum that has this value?"""
    if callee.rpartition(".")[2] not in once(program, _names_of_enums):
        return False
    return any(isinstance(one, ClassInfo) and is_enum(one) for one in program.meanings(function, callee))


def reads_a_number(effect: Effect) -> bool:
    """Most of what these are given is a number already."""
    return effect.callee in _NUMBERS


def is_asked(function: FunctionInfo, effect: Effect, argument: Argument) -> bool:
    """Does a test around a call ask of what form its argument is: `text.isdigit()`, `pattern.match(text)`?"""
    tests = [region for region in around(function, effect) if region.test is not None]
    named = {argument.path, argument.written} - {""}
    return any(_asks(region.test, named) or _reads_call_of(region.reads, named) for region in tests)


def _reads_call_of(reads: tuple[str, ...], named: set[str]) -> bool:
    """The same under the names that are followed to what they stand for."""
    return any(read.endswith("()") and read.rpartition(".")[0] in named for read in reads)


def _asks(test: Test | None, named: set[str]) -> bool:
    if test is None:
        return False
    if test.op == "call" and test.path not in _OF_CLASSES:
        return test.path.rpartition(".")[0] in named or any(part.path in named for part in test.args)
    return any(_asks(part, named) for part in test.args)
