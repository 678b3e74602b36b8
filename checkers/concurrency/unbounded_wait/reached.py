"""Who comes to a request: what only tests, a deprecated way or nobody leads to harms no service.

A method that only hands on to another asks nothing by itself, so callers are sought up to where a way begins. What a
library offers has callers that nobody sees: called by nobody is believed only of what an interface of the tree makes a
class have, where the tree makes such objects itself and closes them off from others.
"""

from __future__ import annotations

from llmlint.code.domain.roots import roots_of
from llmlint.code.domain.shut_branches import speaks_of
from llmlint.code.link.program import Call, ClassInfo, FunctionInfo, Program

_MOST = 200
"""Who is reached by more functions is reached from anywhere."""
_PLAIN = frozenset("staticmethod classmethod override typing.override abstractmethod abc.abstractmethod".split())
_CLOSED = frozenset("object abc.ABC typing.Protocol typing.Generic".split())
"""Bases from outside of the tree that call no method of their heirs."""
_RETIRED, _UNASKED = "what leads here is deprecated", "nothing but tests calls this method of an interface"
_NEVER_AWAITED = "the coroutine that leads here is made and never awaited"


def why_hardly_reached(program: Program, function: FunctionInfo) -> str:
    """Why no service comes to a function; "" where one may."""
    met, waiting = {function}, [function]
    whys: set[str] = set()
    while waiting:
        at = waiting.pop()
        if _is_deprecated(program, at):
            whys.add(_RETIRED)
            continue
        calls = [call for call in program.callers(at) if not _is_test(program, call)]
        if not calls and not _is_unasked(program, at):
            return ""
        run = [call for call in calls if not _never_runs(call, at)]
        whys.update(() if run else (_NEVER_AWAITED if calls else _UNASKED,))
        new = {call.function for call in run} - met
        met |= new
        waiting += new
        if len(met) > _MOST:
            return ""
    return "; ".join(sorted(whys))


def _is_test(program: Program, call: Call) -> bool:
    return roots_of(program).kind(call.function.path) == "test"


def _never_runs(call: Call, coroutine: FunctionInfo) -> bool:
    """Is only the coroutine made, as a statement of its own?"""
    function, effect = call
    if not coroutine.facts.is_async or coroutine.facts.is_generator or effect.via == "await" or effect.result:
        return False
    return not any(region.kind in ("with", "lambda") and region.line == effect.line for region in function.regions)


def _is_deprecated(program: Program, function: FunctionInfo) -> bool:
    """By its own word: it warns of that whenever it runs, or is marked so."""
    if any(name.partition("(")[0].rpartition(".")[2] == "deprecated" for name in function.facts.decorators):
        return True
    warned = (e for e in function.effects if e.region == 0 and program.resolve(function, e.callee) == "warnings.warn")
    return any(argument.path.endswith("DeprecationWarning") for effect in warned for argument in effect.args)


def _is_unasked(program: Program, method: FunctionInfo) -> bool:
    cls, name = method.owner, method.name
    if cls is None or not method.is_method or name.startswith("__") or not _PLAIN.issuperset(method.facts.decorators):
        return False
    above = [base for base in cls.mro if base is not cls]
    if not any(name in base.methods for base in above):
        return False
    if not _CLOSED.issuperset(base for one in cls.mro for base in one.unknown_bases) or not _is_made(program, cls):
        return False
    if any(not program.callees(*c, overrides=True) for c in program.calls_named(name) if not _is_test(program, c)):
        return False
    kind = roots_of(program).kind
    return not any(speaks_of(f, name) for f in program.functions if f is not method and kind(f.path) != "test")


def _is_made(program: Program, cls: ClassInfo) -> bool:
    """Does code of the tree make its objects, so that they are not for users alone?"""
    made = (call for one in (cls, *cls.subclasses) for call in program.calls_named(one.name))
    return any(
        cls in program.meanings(call.function, call.effect.callee) for call in made if not _is_test(program, call)
    )
