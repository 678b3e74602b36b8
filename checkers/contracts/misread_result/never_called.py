"""A function or method that a test asks whether it is true, where its answer was meant: it always is.

`if self.has_waiting:` with `has_waiting` a method goes the same way each time.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.roots import is_trial
from llmlint.code.domain.signatures import keeps_arguments
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Region, Test
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.exits import chain
from llmlint.code.link.objects import Method, One
from llmlint.code.link.program import Program
from llmlint.findings import Place, Report, Step
from llmlint.phrases import last_name

_ADDING_NOTHING = frozenset({"object", "ABC", "abc.ABC", "Generic", "typing.Generic"})


def never_called(program: Program) -> Iterator[Report]:
    names = {function.name for function in program.functions if function.language == "python"}
    for function in program.asked.functions:
        if function.language != "python" or is_trial(function):
            continue
        for region in function.regions:
            if region.kind == "if" or region.text.startswith("while "):
                for path in (path for path in _asked(region.test) if last_name(path) in names):
                    found = _always_there(program, function, path)
                    if found is not None and not _is_used_as_one(whole(program, function), region, path):
                        yield _report(function, region, path, found)


def _asked(test: Test | None) -> Iterator[str]:
    """The paths whose truth alone decides, or decides with others."""
    if test is not None and test.op == "path" and test.path.replace(".", "").isidentifier():
        yield test.path
    elif test is not None and test.op in ("and", "or", "not"):
        for inner in test.args:
            yield from _asked(inner)


def _always_there(program: Program, function: FunctionInfo, path: str) -> FunctionInfo | None:
    """The function that the path stands for, where it can stand for nothing else."""
    meanings = program.meanings(function, path)
    if len(meanings) != 1:
        return None
    meant = _function_of(meanings[0], last_name(path))
    if meant is None or not all(map(keeps_arguments, meant.facts.decorators)):
        return None
    if "." not in path:
        is_global = meant.owner is None and "." not in meant.facts.qualname
        given_twice = any(program.names.is_given_twice(file, path) for file in (function.path, meant.path))
        return meant if is_global and not given_twice else None
    return meant


def _function_of(meaning: One, name: str) -> FunctionInfo | None:
    match meaning:
        case Method(function=method, receiver=receiver):
            return method if method.name == name and _is_only_a_method(receiver, name) else None
        case FunctionInfo(owner=None):
            return meaning
    return None


def _is_only_a_method(cls: ClassInfo, name: str) -> bool:
    """Does nothing known or unknown give objects of the class another attribute of this name?"""
    kin = (*cls.mro, *cls.subclasses)
    is_known = all(_ADDING_NOTHING.issuperset(one.unknown_bases) for one in kin)
    methods = [one.methods[name] for one in kin if name in one.methods]
    return is_known and not any(m.is_property for m in methods) and all(name not in one.own_attributes for one in kin)


def _is_used_as_one(function: FunctionInfo, test: Region, path: str) -> bool:
    """Is it called or handed over where the test has let control in? Then it was to be asked whether there is one."""
    opened = {at for at, region in enumerate(function.regions) if (region.line, region.text) == (test.line, test.text)}
    inside = (e for e in function.effects if not opened.isdisjoint(chain(function, e.region)))
    return any(path in (e.callee, e.source, *(a.path for a in e.args)) for e in inside)


def _report(function: FunctionInfo, region: Region, path: str, meant: FunctionInfo) -> Report:
    kind = "method" if meant.owner is not None else "function"
    return Report(
        Place(function.path, region.line),
        symbol_of(function),
        f"{path} is a {kind} and is not called: the test takes it for true each time",
        (Step(meant.path, meant.facts.line, f"{meant.facts.qualname} is defined here"),),
        confidence="high",
        reason=f"nothing else gives {last_name(path)} a value",
        subject=f"{path} is true",
        origin=f"{meant.path}:{meant.facts.qualname}",
        fix=f"call it: {path}()",
        mechanism="misread_result.never_called",
    )
