"""What all forms of LLM801 ask: what a reset clears, what it owes, and what a traced run should watch."""

from __future__ import annotations

from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import Done, does
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.runtime.block import Block, Target, Watch
from llmlint.vocabulary import words

SHOWN = 4
_LASTING = frozenset("cache memo registry pool free buffer table lru history total cumulative known supported".split())


def cleared_by(program: Program, method: FunctionInfo, cls: ClassInfo) -> dict[str, Effect]:
    """The containers of the object that a method empties, with all it calls."""
    found: dict[str, Effect] = {}
    for done in does(program, method, cls):
        if done.attribute and _empties(done) and not _is_drained(done):
            found.setdefault(done.attribute, done.effect)
    return found


def _empties(done: Done) -> bool:
    """`self.waiting.clear()`, or what lies in a thread-safe queue: `self.jobs.queue.clear()`."""
    return done.how == "clear" and (done.is_whole or done.path == f"self.{done.attribute}.queue")


def _is_drained(done: Done) -> bool:
    """Was the content moved out first, to be worked off: `auto peers = std::move(waiting)`? Then nothing is lost."""
    taken = (e for e in done.function.effects if e.callee.endswith("move") and e.line <= done.effect.line)
    return any(argument.path == done.effect.path for effect in taken for argument in effect.args)


def is_owed(owed: tuple[str, ...], attribute: str) -> bool:
    """A reset named for one thing owes only what is named like it."""
    return not owed or set(owed) <= set(words(attribute))


def may_last(attribute: str) -> bool:
    """Does the name say that it may be meant to outlive a reset?"""
    return bool(_LASTING & set(words(attribute)))


def is_made(cls: ClassInfo, attribute: str) -> bool:
    """Does an object of the class have the attribute: a constructor that skips its base's does not make the base's."""
    constructor = cls.methods.get("__init__")
    if cls.language != "python" or constructor is None:
        return True
    known = cls.attributes.get(attribute)
    if known is None or known.owner is cls:
        return True
    return any(
        effect.callee.startswith("super()")
        or (effect.callee.endswith(".__init__") and any(base.name == _first(effect.callee) for base in cls.mro[1:]))
        for effect in constructor.effects
    )


def _first(path: str) -> str:
    return path.partition(".")[0]


def runtime(cls: ClassInfo, method: FunctionInfo, left: list[str]) -> dict[str, object]:
    """What a traced run watches: the reset, and what it should have emptied."""
    owner = cls.facts.qualname
    target = Target(method.facts.qualname, "reset", owner=owner)
    return Block(targets=(target,), watch=tuple(Watch(attribute, owner=owner) for attribute in left)).plain()


def listed(names: list[str]) -> str:
    """`self.a, self.b and 3 more`"""
    shown = names[:SHOWN] + ([f"{len(names) - SHOWN} more"] if len(names) > SHOWN else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
