"""A session that limits each request by itself: by what it puts in the place of `request`, or by an adapter it mounts.

requests.readthedocs.io, advanced usage: a session hands each call to its `request`, and that to the transport adapter
mounted for the address.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.checkers.concurrency.unbounded_wait.bounds import factories, makers
from llmlint.code.link.entities import ClassInfo
from llmlint.code.link.objects import Instance
from llmlint.code.link.program import Call, FunctionInfo, Program

_SUPER = "super()."


def limits_itself(program: Program, call: Call, timeout: str) -> bool:
    """Does the session that a call is made on give it a limit called so?"""
    function, effect = call
    receiver = effect.callee.rpartition(".")[0]
    if not receiver:
        return False
    session = program.class_of(function, receiver)
    if session is not None and _gives(session, timeout):
        return True
    made_in = (*makers(program, function, receiver), *factories(program, function, receiver))
    return any(_gives(adapter, timeout) for maker in made_in for adapter in _mounted(program, maker))


def _gives(cls: ClassInfo, timeout: str) -> bool:
    """Does one of its methods call the one it replaces with a limit?"""
    methods = (method for above in cls.mro for method in above.methods.values())
    return any(_hands_up(method, timeout) for method in methods)


def _hands_up(method: FunctionInfo, timeout: str) -> bool:
    calls = [e for e in method.doing("call") if e.callee == f"{_SUPER}{method.name}"]
    filled = {e.path for e in method.effects if e.op == "insert"} if calls else set()
    given = [argument for effect in calls for argument in effect.args]
    return any(
        (a.keyword == timeout and a.literal != "None") or (a.keyword == "**" and a.path in filled) for a in given
    )


def _mounted(program: Program, maker: FunctionInfo) -> Iterator[ClassInfo]:
    for effect in maker.doing("call"):
        if effect.callee.endswith(".mount") and len(effect.args) > 1:
            for one in program.meanings(maker, effect.args[1].path):
                if isinstance(one, Instance) and one.cls is not None:
                    yield one.cls
