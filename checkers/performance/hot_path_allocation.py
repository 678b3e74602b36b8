"""LLM607: memory of the device, or pinned memory, is taken anew in each step, in a size that varies from step to step.

In Python by an object that keeps room ahead, or knows how much there can be at most; in C++ by the runtime's own calls,
taken and given back within one function that gives work to the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmlint.checkers.gpu.watched import watched_calls
from llmlint.code.domain.state import CONSTRUCTORS, symbol_of
from llmlint.code.domain.steps import only_sets_up
from llmlint.code.domain.tensors import is_host
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report, Step
from llmlint.phrases import last_name, words

_MAKERS = ("empty", "zeros", "ones", "full")
_TAKES = frozenset("cudaMalloc cudaMallocHost cudaHostAlloc cudaMallocManaged hipMalloc hipHostMalloc".split())
_GIVES = frozenset("cudaFree cudaFreeHost hipFree hipHostFree".split())
_ABOUT = frozenset("device dtype layout config cfg".split())
_DEEPEST = 3


def check_program(program: Program) -> Iterator[Report]:
    told: set[FunctionInfo] = set()
    for name in _MAKERS:
        for call in program.asked.calls(name):
            if call.function.language == "python" and call.function not in told:
                for report in _of_tensor(program, call):
                    told.add(call.function)
                    yield report
    takers = _takers(program)
    for call in sorted(_native_calls(program, takers), key=lambda c: (*c.function.order, c.effect.line)):
        yield from _of_native(program, call)


# ---------------------------------------------------------------- tensors


def _of_tensor(program: Program, call: Call) -> Iterator[Report]:
    function, effect = call
    owner, memory = function.owner, _memory(effect)
    if owner is None or not memory or not program.resolve(function, effect.callee).startswith("torch."):
        return
    sizes = [a for a in effect.args if not a.keyword or a.keyword == "size"]
    varying = [a for a in sizes if _varies(function, (a.path, *a.reads), effect.line)]
    if not varying or effect.result.startswith("self.") or only_sets_up(program, function):
        return
    ahead = _kept_ahead(owner, function)
    if ahead is None and (memory == "pinned memory" or len(varying) < 2 or not _knows_most(owner)):
        return
    beside = (
        ()
        if ahead is None
        else (program.step(*ahead, f"{ahead.effect.result} is made once, for the most there can be"),)
    )
    yield _report(program, call, memory, beside)


def _memory(effect: Effect) -> str:
    """What memory a tensor's making asks for by name."""
    keywords = {argument.keyword: argument for argument in effect.args if argument.keyword}
    if "pin_memory" in keywords and keywords["pin_memory"].literal == "True":
        return "pinned memory"
    return "memory of the device" if "device" in keywords and not is_host(keywords["device"]) else ""


def _varies(function: FunctionInfo, reads: Iterable[str], line: int, depth: int = _DEEPEST) -> bool:
    """Does it come of what the function is given, which each call may give another of?"""
    given = {param.name for param in function.params} - {"self", "cls"}
    for path in reads:
        name = root_of(path)
        if not name or not _ABOUT.isdisjoint(words(last_name(path))):
            continue
        if name in given:
            return True
        bound = (e for e in function.effects if e.op == "bind" and e.path == name and e.line < line)
        if depth and any(_varies(function, (*e.reads, e.source), e.line, depth - 1) for e in bound):
            return True
    return False


def _kept_ahead(owner: ClassInfo, function: FunctionInfo) -> Call | None:
    """A tensor that the constructor makes on the device or pinned, and of which this function takes a part."""
    parts = {read.partition("[")[0] for effect in function.effects for read in _slices(effect)}
    for method in owner.functions:
        if method.name in CONSTRUCTORS:
            for made in method.effects:
                if last_name(made.callee) in _MAKERS and made.result in parts and _memory(made):
                    return Call(method, made)
    return None


def _slices(effect: Effect) -> Iterator[str]:
    paths = (effect.path, effect.source, *effect.reads, *(p for a in effect.args for p in (a.path, *a.reads)))
    return (path for path in paths if path.startswith("self.") and "[]" in path)


def _knows_most(owner: ClassInfo) -> bool:
    """Is the object told how much there can be at most?"""
    return any("max" in words(name) for name in owner.attributes)


# ---------------------------------------------------------------- the runtime's own calls


def _takers(program: Program) -> dict[str, Call]:
    """Classes of C++ whose objects take such memory when they are made, by name."""
    made = (c for name in sorted(_TAKES) for c in program.calls_named(name) if c.function.name in CONSTRUCTORS)
    return {c.function.owner.name: c for c in made if c.function.owner is not None}


def _native_calls(program: Program, takers: dict[str, Call]) -> Iterator[Call]:
    for name in (*sorted(_TAKES), *takers):
        for call in program.calls_named(name):
            if call.function.language != "python":
                yield call


def _of_native(program: Program, call: Call) -> Iterator[Report]:
    """Taken for one call of the function alone, in a size that it works out, with work given to the device beside."""
    function, effect = call
    is_object = last_name(effect.callee) not in _TAKES
    taken = effect.result if is_object else (effect.args[0].path if effect.args else "")
    sizes = effect.args if is_object else effect.args[1:2]
    if not taken.isidentifier() or not _varies(function, [p for a in sizes for p in (a.path, *a.reads)], effect.line):
        return
    gives = next(
        (e for e in function.effects if last_name(e.callee) in _GIVES and any(a.path == taken for a in e.args)), None
    )
    if (gives is None and not is_object) or not _gives_work(function) or only_sets_up(program, function):
        return
    end = effect if gives is None else gives
    yield _report(
        program, call, "memory of the device", (program.step(function, end, f"{taken} is given back with this call"),)
    )


def _gives_work(function: FunctionInfo) -> bool:
    """A kernel's launch, a copy that runs on, or a call that is given a stream."""
    return function.owner is not None and any(
        e.via == "launch"
        or last_name(e.callee).endswith("Async")
        or any("stream" in words(last_name(a.path)) for a in e.args)
        for e in function.effects
    )


def _report(program: Program, call: Call, memory: str, beside: tuple[Step, ...]) -> Report:
    function, effect = call
    return Report(
        program.place(function, effect),
        symbol_of(function),
        f"{function.name} takes {memory} anew with each call, and not the same size each time",
        (program.step(function, effect, "taken here, in a size that comes of this call"), *beside),
        confidence="low",
        reason="how often it runs no code says; sizes that vary leave gaps, and under load none may be had",
        data=watched_calls(function),
        subject=effect.result or effect.callee,
        fix="make it once for the most there can be, and take a part of it in each step",
    )
