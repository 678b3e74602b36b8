"""LLM912: code inside of a function asks a module of the program for a name that it does not have, by an import or as
an attribute of the module; or imports a module that is not where it is looked for.

What stands at the top of a file fails for whoever imports the file, and is seen at once; inside of a function it waits
for the path on which somebody calls that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from llmlint.code.domain.answers import is_answered_at
from llmlint.code.domain.state import symbol_of
from llmlint.code.domain.unimportable import is_built
from llmlint.code.facts.facts import ImportFact
from llmlint.code.facts.gists import CHANGING
from llmlint.code.link.names import Module
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Place, Report, Step

_MOST_IN_VAIN = 3
_OF_NAME = re.compile(r"(\w+)\.(\w+)")


def check_program(program: Program) -> Iterator[Report]:
    told: set[tuple[str, int]] = set()
    for function in program.asked.functions:
        for facts in program.names.imported_inside(function).values():
            for fact in facts:
                if fact.target in ("", "*") or (function.path, fact.line) in told or _is_expected(function, fact):
                    continue
                report = _name(program, function, fact) or _moved(program, function, fact)
                if report is not None:
                    told.add((function.path, fact.line))
                    yield report
        yield from _attributes(program, function)


def _is_expected(function: FunctionInfo, fact: ImportFact) -> bool:
    """Does a handler go on without it, or does it stand there for a checker of types only?"""
    return _is_asked_around(function, fact.line, "TYPE_CHECKING") or is_answered_at(function, fact.line, "ImportError")


def _is_asked_around(function: FunctionInfo, line: int, word: str) -> bool:
    return any(word in region.text for region in function.regions if region.line <= line <= region.end_line)


def _name(program: Program, function: FunctionInfo, fact: ImportFact) -> Report | None:
    """The module is there, the name is not."""
    wanted = program.names.modules.absolute(function.path, fact)
    path = program.names.file_without(wanted, fact.target, function.path)
    if not path or is_built(program, path, fact.target):
        return None
    near = _nearest(program, path, fact.target)
    message = f"{wanted} has no {fact.target}" + (f"; it has {near}" if near else "")
    return _report(
        function,
        fact.line,
        message,
        Step(path, 1, f"{fact.target} is neither defined nor imported here, and no module below it"),
        f"import what took the place of {fact.target}" + (f", if {near} is that" if near else ", or put it back"),
        (message, f"{fact.module}.{fact.target}"),
        _of_a_library(program, function.path, wanted) or _of_another_path(program, function.path, fact),
    )


def _of_another_path(program: Program, path: str, fact: ImportFact) -> str:
    """Where a file changes the folders that modules are looked for in, another of this name may come first: not below
    the package that the file itself is of, which is found by then."""
    own, top = program.names.modules.name_of(path).partition(".")[0], fact.module.partition(".")[0]
    if fact.level or own == top:
        return ""
    effects = (effect for function in program.functions_in(path) for effect in function.effects)
    line = next((effect.line for effect in effects if effect.path == "sys.path" and effect.op in CHANGING), 0)
    return f"{path} changes sys.path at line {line}: another {top} may be found first" if line else ""


def _of_a_library(program: Program, path: str, wanted: str) -> str:
    """A library may be called as a folder here is: then the file imports from below the name what is not here."""
    modules = program.names.modules
    below = f"{wanted.partition('.')[0]}."
    for fact in program.files[path].imports:
        if not fact.level and fact.module.startswith(below) and not modules.find(fact.module, path):
            if not modules.is_package(fact.module):
                return f"{path} imports {fact.module} too, which is not here: a library of this name may be meant"
    return ""


def _moved(program: Program, function: FunctionInfo, fact: ImportFact) -> Report | None:
    """The module is not there; one of its name in the same package has what is asked for."""
    modules = program.names.modules
    wanted = modules.absolute(function.path, fact)
    above, _, last = wanted.rpartition(".")
    if not above or modules.find(wanted, function.path) or modules.is_package(wanted) or not modules.is_package(above):
        return None
    top = f"{wanted.partition('.')[0]}."
    for path in modules.files_ending_in(last):
        if modules.name_of(path).startswith(top) and fact.target in program.names.names_of(path):
            message = f"there is no {wanted}: {fact.target} is in {modules.name_of(path)}"
            return _report(
                function,
                fact.line,
                message,
                Step(path, 1, f"a module {last} with {fact.target} is here"),
                f"from {modules.name_of(path)} import {fact.target}",
                (message, f"{fact.module}.{fact.target}"),
            )
    return None


def _nearest(program: Program, path: str, name: str) -> str:
    return next(iter(get_close_matches(name, program.names.names_of(path), n=1, cutoff=0.8)), "")


# ---------------------------------------------------------------- attributes of a module


def _attributes(program: Program, function: FunctionInfo) -> Iterator[Report]:
    """`ops.scale(…)` where `ops` is a module that the file imports."""
    if function.language != "python" or function.name == "<module>":
        return
    inside = {name: facts[0] for name, facts in program.names.imported_inside(function).items() if len(facts) == 1}
    given = {**program.names.imports_of(function.path), **inside}
    imports = {name: fact for name, fact in given.items() if _is_whole(fact)}
    own = {param.name for param in function.facts.params} | {effect.path for effect in function.effects}
    seen: set[tuple[str, str]] = set()
    for path, line in _read_in(function):
        match = _OF_NAME.match(path)
        if match is None or match[1] not in imports or match[1] in own or match.groups() in seen:
            continue
        seen.add((match[1], match[2]))
        found = _lacking(program, function, imports[match[1]], match[2], line)
        if found is not None:
            yield found


def _read_in(function: FunctionInfo) -> Iterator[tuple[str, int]]:
    yield from function.reads
    yield from ((effect.callee, effect.line) for effect in function.effects if effect.callee)


def _is_whole(fact: ImportFact) -> bool:
    """`import a.b` gives the name `a`, and what is below it as others import it."""
    return bool(fact.target) or fact.name != fact.module.partition(".")[0] or "." not in fact.module


def _lacking(program: Program, function: FunctionInfo, fact: ImportFact, name: str, line: int) -> Report | None:
    modules = program.names.modules
    wanted = ".".join(filter(None, (modules.absolute(function.path, fact), fact.target)))
    path = "" if name.startswith("__") else program.names.file_without(wanted, name, function.path)
    if not path:
        return None
    meant = program.names.imported(function.path, fact)
    if not isinstance(meant, Module) or meant.path != path:
        return None  # the package gives this name to something else
    if len(_asked_in_vain(program, path)) > _MOST_IN_VAIN:
        return None
    if name in once(program, _set_on_others) or _is_asked_around(function, line, "hasattr"):
        return None
    if is_answered_at(function, line, "AttributeError"):
        return None
    near = _nearest(program, path, name)
    return _report(
        function,
        line,
        f"{wanted} has no {name}" + (f"; it has {near}" if near else ""),
        Step(path, 1, f"{name} is neither defined nor imported here, and no code sets it from outside"),
        f"use what took the place of {name}" + (f", if {near} is that" if near else ", or put it back"),
        (f"{wanted}.{name}", f"{wanted}.{name}"),
        _of_a_library(program, function.path, wanted) or _of_another_path(program, function.path, fact),
    )


def _asked_in_vain(program: Program, path: str) -> frozenset[str]:
    """All that files of the program ask a module for and it lacks: where it is much, a library is meant that is called
    as a folder here."""
    known = once(program, _by_module)
    if path not in known:
        modules, asked = program.names.modules, set()
        for other, facts in program.files.items():
            imports = program.names.imports_of(other) if facts.language == "python" else {}
            names = {
                name
                for name, fact in imports.items()
                if not fact.target and modules.only_file_of(modules.absolute(other, fact), other) == path
            }
            functions = program.functions_in(other) if names else ()
            reads = (match for f in functions for read, _ in _read_in(f) if (match := _OF_NAME.match(read)))
            asked |= {match[2] for match in reads if match[1] in names}
        known[path] = frozenset(name for name in asked if program.names.surely_lacks(path, name))
    return known[path]


def _by_module(program: Program) -> dict[str, frozenset[str]]:
    return {}


def _set_on_others(program: Program) -> frozenset[str]:
    """Attributes that somebody sets on something but `self`, or speaks of as a string."""
    gists = (function.facts.gist for function in program.functions)
    return frozenset(name for gist in gists for name in (*gist.sets, *gist.spoken))


# ---------------------------------------------------------------- the report


def _report(
    function: FunctionInfo,
    line: int,
    message: str,
    step: Step,
    fix: str,
    subject_and_origin: tuple[str, str],
    doubt: str = "",
) -> Report:
    subject, origin = subject_and_origin
    return Report(
        Place(function.path, line),
        symbol_of(function),
        message,
        (step,),
        confidence="low" if doubt else "medium",
        reason=doubt or "the module is one of the program's, and all that gives it names was read",
        subject=subject,
        origin=origin,
        fix=fix,
    )
