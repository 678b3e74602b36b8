"""A dict or set that gets an entry for each different thing that requests bring, and from which nothing is ever taken.

The key is followed back: through locals, through what a helper makes of it, and to the callers who hand it over.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.entries import entered
from llmlint.code.domain.state import Change, changes_of, is_keyed, is_setup, only_looks, symbol_of
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.program import AttributeInfo, ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target, Watch
from llmlint.vocabulary import words

_BOUNDED_KINDS = frozenset("lru ttl weak weakref bounded maxlen maxsize limited defaultdict_lru".split())
_KEEPERS = frozenset("pool manager store cache registry table index map".split())
_TRIALS = frozenset("test tests conftest bench benchmark benchmarks".split())
_TAKING = ("remove", "clear", "delete", "assign")
_OF_SIZE = ("len()", "len", ".shape", ".size()", ".numel()", ".size")
_CALLERS = 6
_HANDS = 2
"""Through how many callers a key is followed."""
_SIZES = ("len({})", "{}.size()", "size({})", "len({}.")


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        if not _lives_long(program, cls):
            continue
        for attribute, changes in changes_of(program, cls).items():
            known = cls.attributes.get(attribute)
            if known is not None and known.is_container and is_keyed(known) and not _is_bounded(cls, attribute, known):
                yield from _judged(program, cls, known, changes)


def _judged(program: Program, cls: ClassInfo, known: AttributeInfo, changes: list[Change]) -> Iterator[Report]:
    for change in changes:
        if entered(change.effect) != change.attribute or is_setup(change.function) or change.function.owner is not cls:
            continue
        brought = brought_by(program, change.function, change.effect.key)
        if brought and not _is_taken_from(program, cls, change.attribute):
            yield _report(program, cls, known, change, brought)
            return


def _lives_long(program: Program, cls: ClassInfo) -> bool:
    """Made neither for one request or step nor for one test."""
    if program.vocabulary.speaks_of_requests(cls.name) and _KEEPERS.isdisjoint(words(cls.name)):
        return False
    made = cls.method("__init__")
    params = [p.name for p in made.params] if made is not None else []
    if any(program.vocabulary.is_request_id(name) or program.vocabulary.speaks_of_requests(name) for name in params):
        return False
    makers = (call.function for call in program.calls_named(cls.name))
    if any(maker.owner is not None and not is_setup(maker) for maker in makers):
        return False
    return _TRIALS.isdisjoint(words(cls.path))


def _is_bounded(cls: ClassInfo, attribute: str, known: AttributeInfo) -> bool:
    """By what it is, or by somebody who looks at how much it holds."""
    if _BOUNDED_KINDS & {*words(known.source), *words(known.annotation)}:
        return True
    marks = [mark.format(path) for path in (f"self.{attribute}", attribute) for mark in _SIZES]
    texts = (region.text for function in cls.functions for region in function.regions)
    return any(mark in text for text in texts for mark in marks)


def _is_taken_from(program: Program, cls: ClassInfo, attribute: str) -> bool:
    """Anything anywhere shrinks or replaces it, or is given the whole of it."""
    if any(touch.effect.op in _TAKING and not is_setup(touch.function) for touch in program.touches(cls, attribute)):
        return True
    path = f"self.{attribute}"
    return any(_hands_on(program, effect, path) for function in cls.functions for effect in function.effects)


def _hands_on(program: Program, effect: Effect, path: str) -> bool:
    if effect.op in ("call", "insert") and any(argument.path == path for argument in effect.args):
        return not only_looks(program, effect)
    return effect.op in ("return", "yield", "assign") and effect.value == "path" and effect.source == path


# ---------------------------------------------------------------- where a key comes from


def brought_by(program: Program, function: FunctionInfo, *key: str, hands: int = _HANDS) -> str:
    """The data of requests that a key is made of, as it is called where it is told; "" for none."""
    if any(program.vocabulary.is_finite_key(path) for path in key):
        return ""
    made_of = _made_of(function, *key)
    told = _traffic_in(program, function, made_of)
    if told or not hands:
        return told
    at = {param.name: number for number, param in enumerate(function.params) if param.name in made_of}
    for call in program.callers(function)[:_CALLERS] if at else ():
        handed = [argument for name, number in at.items() for argument in _handed(call.effect, name, number)]
        paths = [path for argument in handed for path in ([argument.path] if argument.path else argument.reads)]
        told = brought_by(program, call.function, *paths, hands=hands - 1)
        if told:
            return told
    return ""


def _handed(call: Effect, name: str, number: int) -> list[Argument]:
    named = [argument for argument in call.args if argument.keyword == name]
    return named or [argument for argument in call.args if not argument.keyword][number : number + 1]


def _traffic_in(program: Program, function: FunctionInfo, paths: set[str]) -> str:
    """The first of the paths, rooted in a parameter, that names what requests bring."""
    params = {param.name: param.annotation.strip() for param in function.facts.params}
    for path in sorted(paths):
        root = _root(path)
        is_number = path == root and params.get(root) in ("int", "bool", "float")
        if root in params and root not in ("self", "cls") and not is_number and _is_traffic(program, path):
            return path
    return ""


def _is_traffic(program: Program, path: str) -> bool:
    if program.vocabulary.is_request_id(path):
        return True
    return program.vocabulary.is_request_data(path) and not program.vocabulary.is_finite_key(path)


def _made_of(function: FunctionInfo, *paths: str) -> set[str]:
    """The paths themselves, and those that locals in them were made of; a number of things is none of the things."""
    found = {path for path in paths if path}
    for effect in reversed(function.effects):
        if effect.op == "bind" and effect.path in {_as_a_whole(path) for path in found} and not _counts(effect):
            found |= {*effect.reads, effect.source}
    return found


def _as_a_whole(path: str) -> str:
    """The local that a path is all of, or a reading of: a member of what was made is not what it was made of."""
    return path if path.isidentifier() else _root(path) if path.endswith("()") and path.count(".") == 1 else ""


def _counts(bound: Effect) -> bool:
    return any(path.endswith(_OF_SIZE) or ".shape" in path for path in (*bound.reads, bound.source))


def _root(path: str) -> str:
    for mark in ".[(":
        path = path.partition(mark)[0]
    return path


def _report(program: Program, cls: ClassInfo, known: AttributeInfo, fill: Change, brought: str) -> Report:
    attribute = fill.attribute
    target = Target(fill.function.facts.qualname, "insert", path=fill.function.path, entity=fill.effect.key)
    watch = Watch(attribute, owner=cls.facts.qualname, path=cls.path)
    return Report(
        program.place(fill.function, fill.effect),
        symbol_of(fill.function),
        f"self.{attribute} keeps an entry for each {brought} it has ever seen",
        (
            Step(known.path, known.line, f"self.{attribute} begins empty, and lives as long as the {cls.name}"),
            program.step(fill.function, fill.effect, f"{fill.function.name} adds an entry under {fill.effect.key}"),
        ),
        confidence="medium",
        reason="nothing in the program removes from it, empties it, replaces it or looks at its size",
        subject=attribute,
        fix="bound it, or remove the entry when what it belongs to ends",
        data={"runtime": Block(targets=(target,), watch=(watch,)).plain()},
    )
