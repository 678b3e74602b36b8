"""A dict or set that gets an entry for each different thing that requests bring, and from which nothing is ever taken.

The key is followed back: through locals, through what a helper makes of it, and to the callers who hand it over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.code.domain.entries import entered, is_renewed
from llmlint.code.domain.growing import is_taken_from, outlives_requests
from llmlint.code.domain.state import Change, changes_of, is_keyed, is_setup, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import (
    AttributeInfo,
    ClassInfo,
    FunctionInfo,
    Program,
    arguments_by_parameter,
    root_of,
)
from llmlint.findings import Report, Step
from llmlint.runtime.block import Block, Target, Watch
from llmlint.vocabulary import Vocabulary, words

_BOUNDED_KINDS = frozenset("lru ttl weak weakref bounded maxlen maxsize limited".split())
_TRIALS = frozenset("test tests conftest bench benchmark benchmarks".split())
_OF_SIZE = ("len()", "len", ".shape", ".size()", ".numel()", ".size", ".stride()", ".dim()")
_CALLERS = 6
_HANDS = 2
"""Through how many callers a key is followed."""
_FRESH = "fresh id"
_TEXTS = ("str", "int", "repr", "tuple")
_SIZES = ("len({})", "{}.size()", "size({})", "len({}.")


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        keyed = {name: known for name, known in cls.attributes.items() if known.is_container and is_keyed(known)}
        for attribute, changes in changes_of(program, cls).items() if keyed else ():
            if attribute in keyed and not _is_bounded(cls, attribute, keyed[attribute]):
                yield from _judged(program, cls, keyed[attribute], changes)


def _judged(program: Program, cls: ClassInfo, known: AttributeInfo, changes: Sequence[Change]) -> Iterator[Report]:
    for change in changes:
        if not _enters(change) or is_setup(change.function) or change.function.owner is not cls:
            continue
        if is_renewed(change.function, change.effect):
            continue
        brought = brought_by(program, change.function, change.effect.key)
        if brought and _lives_long(program, cls) and not is_taken_from(program, cls, change.attribute):
            yield _report(program, cls, known, change, brought)
            return


def _enters(change: Change) -> bool:
    """Does it make an entry, be it an empty one to be filled: `self.tokens[request_id] = []`?"""
    effect = change.effect
    begins = effect.op == "insert" and effect.via == "[]=" and effect.value == "empty" and bool(effect.key)
    return entered(effect) == change.attribute or (begins and effect.path == f"self.{change.attribute}")


def _lives_long(program: Program, cls: ClassInfo) -> bool:
    return _TRIALS.isdisjoint(words(cls.path)) and outlives_requests(program, cls)


def _is_bounded(cls: ClassInfo, attribute: str, known: AttributeInfo) -> bool:
    """By what it is, or by somebody who looks at how much it holds."""
    if _BOUNDED_KINDS & {*words(known.source), *words(known.annotation)}:
        return True
    marks = [mark.format(path) for path in (f"self.{attribute}", attribute) for mark in _SIZES]
    texts = (region.text for function in cls.functions for region in function.regions)
    return any(mark in text for text in texts for mark in marks)


# ---------------------------------------------------------------- where a key comes from


def brought_by(program: Program, function: FunctionInfo, *key: str, hands: int = _HANDS) -> str:
    """The data of requests that a key is made of, as it is called where it is told; "" for none."""
    if any(program.vocabulary.is_finite_key(path) for path in key):
        return ""
    made_of = _made_of(function, *key)
    told = _id_in(program.vocabulary, function, *key) or _traffic_in(program, function, made_of)
    if told or not hands:
        return told
    taken = {param.name for param in function.params} & made_of
    for call in program.callers(function)[:_CALLERS] if taken else ():
        given = arguments_by_parameter(function, call.effect)
        handed = [given[name] for name in taken if name in given]
        paths = [path for argument in handed for path in ([argument.path] if argument.path else argument.reads)]
        told = brought_by(program, call.function, *paths, hands=hands - 1)
        if told:
            return told
    return ""


def _id_in(vocabulary: Vocabulary, function: FunctionInfo, *key: str) -> str:
    """The first of the paths that is the id of one request, wherever it comes from, or that nobody had before. What a
    call makes of it may be the same for many."""
    if any(_is_fresh(vocabulary, function, path) for path in key):
        return _FRESH
    said = _made_of(function, *key, by_calls=False)
    named = (path for path in sorted(said) if root_of(path) not in ("self", "cls") and "()" not in path)
    ids = (path for path in named if vocabulary.is_request_id(path) and not vocabulary.is_pooled_id(path))
    return next((path for path in ids if "." in path or _is_given(function, path)), "")


def _is_fresh(vocabulary: Vocabulary, function: FunctionInfo, path: str) -> bool:
    """Is it an id that was made for nobody else, or a text of one?"""
    bound = (e for e in function.effects if e.op == "bind" and e.path == path)
    made = (part.partition("()") for part in (path, *(read for e in bound for read in e.reads)))
    return any(called and vocabulary.makes_fresh_id(callee) for callee, called, _ in made)


def _is_given(function: FunctionInfo, name: str) -> bool:
    """A parameter, an element or a part of an answer: no local made of something else, and no module."""
    binds = (e for e in function.effects if e.op == "bind" and e.path == name)
    return any(param.name == name for param in function.params) or any(e.via == "for" or e.options for e in binds)


def _names_an_id(vocabulary: Vocabulary, brought: str) -> bool:
    return brought == _FRESH or vocabulary.is_request_id(brought)


def _traffic_in(program: Program, function: FunctionInfo, paths: set[str]) -> str:
    """The first of the paths, rooted in a parameter, that names what requests bring."""
    params = {param.name: param.annotation.strip() for param in function.facts.params}
    for path in sorted(paths):
        root = root_of(path)
        is_number = path == root and params.get(root) in ("int", "bool", "float")
        if root in params and root not in ("self", "cls") and not is_number and _is_traffic(program.vocabulary, path):
            return path
    return ""


def _is_traffic(vocabulary: Vocabulary, path: str) -> bool:
    return vocabulary.is_request_data(path) and not vocabulary.is_finite_key(path)


def _made_of(function: FunctionInfo, *paths: str, by_calls: bool = True) -> set[str]:
    """The paths themselves, and those that locals in them were made of; a number of things is none of the things."""
    found = {path for path in paths if path}
    for effect in reversed(function.effects):
        if effect.op == "bind" and effect.path in {_as_a_whole(path) for path in found} and not _counts(effect):
            if by_calls or effect.value != "new" or effect.source in _TEXTS:
                found |= {*effect.reads, effect.source}
    return found


def _as_a_whole(path: str) -> str:
    """The local that a path is all of, or a reading of: a member of what was made is not what it was made of."""
    return path if path.isidentifier() else root_of(path) if path.endswith("()") and path.count(".") == 1 else ""


def _counts(bound: Effect) -> bool:
    return any(path.endswith(_OF_SIZE) or ".shape" in path for path in (*bound.reads, bound.source))


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
        mechanism=f"unbounded_cache.filled.{'ids' if _names_an_id(program.vocabulary, brought) else 'data'}",
    )
