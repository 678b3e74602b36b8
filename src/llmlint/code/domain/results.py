"""What a function gives back: a value, nothing at all, or nothing that anybody can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from llmlint.code.facts.facts import Effect
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.exits import chain, own_returns
from llmlint.code.link.objects import Method
from llmlint.code.link.program import Program

_NOTHING = re.compile(r"\b(None|Optional|NoReturn|Never|Any|object|Iterator|Generator|AsyncIterator|AsyncGenerator)\b")
_OWN = re.compile(r"self\.\w+")
_SAYS_ONLY = ("raise", "pass")
LEAVES_RESULT = frozenset(
    "staticmethod classmethod override torch.no_grad() torch.inference_mode() abstractmethod abc.abstractmethod".split()
)
"""Decorators that hand on what the function gives."""
MANAGERS = frozenset(
    "contextmanager asynccontextmanager contextlib.contextmanager contextlib.asynccontextmanager".split()
)
"""Decorators under which the call of a generator gives what only a `with` runs."""


def gives_nothing(function: FunctionInfo) -> bool:
    """Python: does it come to its end, and never to a return?"""
    return gives_no_value(function) and not own_returns(function)


def gives_no_value(function: FunctionInfo) -> bool:
    """The same where it may also return without a value, or say that it gives None."""
    return function.facts.returns in ("", "None") and _has_no_value(function)


def _has_no_value(function: FunctionInfo) -> bool:
    facts = function.facts
    if function.language != "python" or not facts.has_body or facts.is_generator or facts.decorators:
        return False
    if only_says(function):
        return False
    ends_in_raise = bool(facts.effects) and facts.effects[-1].op == "raise" and facts.effects[-1].region == 0
    return not ends_in_raise and all(e.value == "none" for e in own_returns(function))


def breaks_its_word(function: FunctionInfo) -> bool:
    """Declared to give something that is not None, and no way through it does, or raises an error."""
    facts = function.facts
    if not facts.returns or _NOTHING.search(facts.returns) or any(e.op == "raise" for e in facts.effects):
        return False
    return _has_no_value(function)


def only_says(function: FunctionInfo) -> bool:
    """Is there nothing in it but a `raise` or a `pass`?"""
    return function.facts.shape in _SAYS_ONLY


def gives_value(function: FunctionInfo) -> bool:
    return function.facts.returns != "None" and any(e.value not in ("", "none") for e in own_returns(function))


def counts_given(function: FunctionInfo) -> frozenset[int]:
    """Python: how many values each way through it returns as a tuple; none where one way gives something else, or
    more may be done to what it gives."""
    facts = function.facts
    if function.language != "python" or facts.is_generator or not LEAVES_RESULT.issuperset(facts.decorators):
        return frozenset()
    counts = [e.key for e in own_returns(function) if not _stands_behind_an_end(function, e)]
    return frozenset(map(int, counts)) if all(counts) else frozenset()


def _stands_behind_an_end(function: FunctionInfo, effect: Effect) -> bool:
    """Is there an end before it that every way to it comes by?"""
    around = set(chain(function, effect.region))
    before = takewhile(lambda earlier: earlier is not effect, function.doing("return", "raise"))
    return any(earlier.region in around for earlier in before)


def run_by(program: Program, function: FunctionInfo, effect: Effect) -> tuple[FunctionInfo, ...]:
    """All that a call may run, overrides and definitions of the same name in other branches too; () where more may."""
    meanings = program.meanings(function, effect.callee)
    if not meanings and _OWN.fullmatch(effect.callee):
        return program.callees(function, effect, overrides=True)  # a mixin calls what only the classes made of it have
    if not all(isinstance(meaning, FunctionInfo | Method) for meaning in meanings):
        return ()
    found = dict.fromkeys(one for meaning in meanings for one in _with_overrides(meaning))  # type: ignore[arg-type]
    return tuple(dict.fromkeys((*found, *(twin for one in found for twin in program.twins_of(one)))))


def _with_overrides(meaning: FunctionInfo | Method) -> Iterator[FunctionInfo]:
    if isinstance(meaning, FunctionInfo):
        yield meaning
        return
    name = meaning.function.name
    yield meaning.function
    yield from (below.methods[name] for below in meaning.receiver.subclasses if name in below.methods)
