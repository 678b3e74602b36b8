"""LLM908: a function that hands its parameters on by their names, and leaves one out that the called function takes."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.signatures import Signature, signature_of
from llmlint.code.domain.state import symbol_of
from llmlint.code.facts.facts import Effect, Function
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.objects import One
from llmlint.code.link.once import once
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program, arguments_by_parameter, root_of
from llmlint.findings import Report

_FEWEST = 2
"""So many others are handed on under their own names."""


_ALL_LOCALS = ("locals", "vars")
_IDLE = ("pass", "constant", "raise", "log", "idle")


def check_program(program: Program) -> Iterator[Report]:
    for function in program.asked.functions:
        if function.language == "python" and len(function.params) > _FEWEST:
            for name in _unread(program, function) if function.facts.shape not in _IDLE else ():
                yield from _check(program, function, name)


def _unread(program: Program, function: FunctionInfo) -> Iterator[str]:
    used = once(function.facts, _used_in)
    wanted = (p.name for p in function.params if p.kind in ("", "only") and not p.name.startswith("_"))
    unread = [name for name in wanted if name not in used]
    if not unread or not used.isdisjoint(_ALL_LOCALS):
        return
    inside = {name for inner in _functions_in(program, function) for name in once(inner.facts, _used_in)}
    if inside.isdisjoint(_ALL_LOCALS):
        yield from (name for name in unread if name not in inside)


def _used_in(function: Function) -> frozenset[str]:
    """The first names of all that it reads or does something to."""
    read = (path for path, _ in function.reads)
    done = (path for effect in function.effects for path in (effect.path, effect.key, *effect.reads))
    return frozenset(map(root_of, (*read, *done)))


def _functions_in(program: Program, function: FunctionInfo) -> Iterator[FunctionInfo]:
    within = program.functions_within(function)
    yield from (inner for inner in within if inner.facts.qualname != function.facts.qualname)


def _check(program: Program, function: FunctionInfo, name: str) -> Iterator[Report]:
    calls = _leaving_out(program, function, name)
    found = [_report(program, function, effect, name, handed, doubts) for effect, handed, doubts in calls]
    yield from sorted(found, key=lambda report: report.confidence == "low")[:1]


def _leaving_out(program: Program, function: FunctionInfo, name: str) -> Iterator[tuple[Effect, int, str]]:
    """The calls that want it and do not get it, how many others each gets, and why it may do no harm."""
    others = {p.name for p in function.params} - {name}
    for effect in whole(program, function).effects:
        handed = [a for a in effect.args if a.path in others and a.keyword in ("", a.path)]
        if effect.op == "call" and len(handed) >= _FEWEST and not _spreads(effect):
            meanings = program.meanings(function, effect.callee)
            if meanings and all(_wants(program, meaning, effect, name) for meaning in meanings):
                yield (
                    effect,
                    len(handed),
                    _doubts(program, function, name) or _of_no_use(function, meanings, effect, name),
                )


def _spreads(effect: Effect) -> bool:
    return any(argument.keyword in ("*", "**") for argument in effect.args)


def _wants(program: Program, meaning: One, effect: Effect, name: str) -> bool:
    """Does what is called take the parameter, use it, and not get it?"""
    signature = signature_of(meaning)
    if signature is None or not _lacks(signature, effect, name):
        return False
    called = _run_by(meaning)
    if called is None:
        return True
    if name in once(called.facts, _used_in):
        return not once(called.facts, _only_asserted).get(name)
    return any(name in once(inner.facts, _used_in) for inner in _functions_in(program, called))


def _run_by(meaning: One) -> FunctionInfo | None:
    called = meaning.method("__init__") if isinstance(meaning, ClassInfo) else getattr(meaning, "function", meaning)
    return called if isinstance(called, FunctionInfo) else None


def _lacks(signature: Signature, effect: Effect, name: str) -> bool:
    """Does it take a parameter of this name, and is not given it?"""
    ordinary = [p.name for p in signature if p.kind == ""]
    positional = sum(1 for argument in effect.args if not argument.keyword)
    given = {*ordinary[:positional], *(a.keyword for a in effect.args)}
    return name not in given and any(p.name == name and p.kind in ("", "only") for p in signature)


def _of_no_use(function: FunctionInfo, meanings: tuple[One, ...], effect: Effect, name: str) -> str:
    """Does what is called only ever use it together with another parameter that is None here, and that the function has
    not to give either? One that has it hands that on elsewhere."""
    own = {param.name for param in function.params}
    for called in filter(None, map(_run_by, meanings)):
        given = {a.keyword: a.literal for a in effect.args}
        absent = {p.name for p in called.params if p.default == "None" and given.get(p.name, "None") == "None"}
        mentions = [effect for effect in called.facts.effects if name in _mentioned(effect)]
        uses = [use for use in mentions if use.value != "new" and use.result not in ("<expression>", "<message>")]
        for other in sorted(absent - own - {name, *_by_place(called, effect)}):
            if uses and all(use.op == "call" and other in _mentioned(use) for use in uses):
                return f"what is called uses it only together with {other}, which it does not get here"
    return ""


def _only_asserted(function: Function) -> dict[str, bool]:
    """By a name that is read, whether all who read it are assertions."""
    asserting = {effect.line for effect in function.effects if effect.op == "assert"}
    read: dict[str, bool] = {}
    for path, line in function.reads:
        read[root_of(path)] = read.get(root_of(path), True) and line in asserting
    return read


def _mentioned(effect: Effect) -> set[str]:
    paths = [path for argument in effect.args for path in (argument.path, *argument.reads)]
    return {root_of(path) for path in (*paths, *effect.reads)}


def _by_place(called: FunctionInfo, effect: Effect) -> list[str]:
    places = sum(1 for argument in effect.args if not argument.keyword)
    return [param.name for param in called.params if param.name != "self"][:places]


def _is_handed_out(program: Program, function: FunctionInfo) -> bool:
    """Is it put into a variable or a table, from which others of its signature are called too?"""
    near = (effect for f in program.functions_in(function.path) for effect in f.facts.effects)
    return any(
        path.rpartition(".")[2] == function.name
        for effect in near
        if effect.op in ("assign", "bind")
        for path in (effect.source if effect.value == "path" else "", *effect.holds, *effect.options)
    )


def _doubts(program: Program, function: FunctionInfo, name: str) -> str:
    """Why the parameter may only be there for its signature: others of the same name have it, or nobody gives it."""
    if function.name != "__init__" and function.owner is not None:
        same = [cls for cls in program.classes if cls is not function.owner and function.name in cls.methods]
        if any(name in {p.name for p in cls.methods[function.name].params} for cls in same):
            return "other classes have a method with this signature, which may be why it takes it"
    if _is_handed_out(program, function):
        return "it is put into a variable, and others that are may be why it takes this"
    calls = _calls_in_service(program, function)
    if calls and not any(
        name in arguments_by_parameter(function, call.effect) or _spreads(call.effect) for call in calls
    ):
        return "no caller gives it"
    return ""


def _calls_in_service(program: Program, function: FunctionInfo) -> list[Call]:
    """Its calls, those of tests only where there are no others; all of its name where nobody is seen to call it."""
    called = program.callers(function)
    named = () if function.name.startswith("__") else program.calls_named(function.name)
    return [call for call in called or named if not roots_of(program).kind(call.function.path)] or list(called)


def _report(program: Program, function: FunctionInfo, effect: Effect, name: str, handed: int, doubts: str) -> Report:
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{name} is taken and never used, and {effect.callee} here would take it",
        (
            program.step(function, function.facts.line, f"takes {name}, and nothing in it reads that"),
            program.step(function, effect, f"hands on {handed} of its parameters under their names, and not {name}"),
        ),
        confidence="low" if doubts else "medium",
        reason=doubts or f"{handed} other parameters are handed on, and this one has a parameter of its name to go to",
        subject=f"{name}:{effect.callee}",
        fix=f"hand {name} on, or take it no more",
        data={"hand_on": name},
    )
