"""What to watch of a package that no scan has found anything in: its classes, and the functions of its modules, by the
words they are written in.

request-lifecycle   what is filled for a request, in a class that ends requests: LLM102
resets              what is filled together with what a reset empties: LLM801
caches              what is filled under a key and emptied by no method: LLM101
locks               who takes the locks of a class of which one is taken while another is held: LLM201
collectives         who calls what all ranks have to call: LLM702
blocking            coroutines that call something which they do not await: LLM202
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.phrases import last_name, words
from llmlint.runtime.block import Role, Target
from llmlint.runtime.methods import Method, methods_under, with_helpers
from llmlint.runtime.watching import NOTHING_MORE, More, WatchError, entity_of, finding_of, target_of
from llmlint.vocabulary import Vocabulary


class Asked(NamedTuple):
    """What one finding is about."""

    parts: list[tuple[Method, Role, str]]
    """Methods in their roles, each with its entity: the one that looks most like a request's, where it is ""."""
    container: str = ""
    more: More = NOTHING_MORE


_NO_ENDS = frozenset("are can has is may should was queue queues waiting".split())
"""Words of methods that answer a question (`request_is_cancelled`), or take out of a queue what goes on elsewhere."""
_ENDS = frozenset(("cancellation", "termination", "leave"))
"""What is set, noted or handled where a request is ended: `set_request_cancellation`; what its client does."""


class Template(NamedTuple):
    rule: str
    asks: Callable[[Sequence[Method], Vocabulary], Iterator[Asked]]


def by_template(name: str, path: Path, root: Path, catalogue: Catalogue, vocabulary: Vocabulary) -> list[Finding]:
    """A finding for each container, or each function, that the template is about."""
    template = TEMPLATES.get(name)
    if template is None:
        raise WatchError(f"there is no template {name!r}; there are {', '.join(TEMPLATES)}")
    classes: dict[tuple[str, str], list[Method]] = {}
    for method in methods_under([str(path)]):
        classes.setdefault((method.path, method.owner), []).append(method)
    found = []
    for methods in classes.values():
        for asked in template.asks(methods, vocabulary):
            targets: list[Target] = [target_of(*part, root, vocabulary) for part in asked.parts]
            containers, place = [asked.container] if asked.container else [], asked.parts[0][0]
            found.append(finding_of(template.rule, targets, containers, place, root, catalogue, asked.more))
    return found


def _lives_of_requests(methods: Sequence[Method], vocabulary: Vocabulary) -> Iterator[Asked]:
    about = [method for method in methods if any(map(vocabulary.speaks_of_requests, method.parameters))]
    ends = [method for method in about if _is_end(method.node.name, vocabulary)]
    if not ends:
        return
    enters: dict[str, list[tuple[Method, Role, str]]] = {}
    for method in methods:
        for container in method.filled if method not in ends else ():
            key = method.key_of(container)
            is_id = vocabulary.is_request_id(key)
            if is_id or method in about:
                enters.setdefault(container, []).append((method, "enter", key if is_id else ""))
    for container, entering in sorted(enters.items()):
        leaving = [one for one in ends if one.owner or _share_an_id(one, entering, vocabulary)]
        if leaving:
            yield Asked([*entering, *((one, "leave", "") for one in leaving)], container)


def _share_an_id(end: Method, entering: Sequence[tuple[Method, Role, str]], vocabulary: Vocabulary) -> bool:
    """A class is about one kind of thing; a module may be about several, whose ids are told apart by their names."""
    ids = {last_name(key or entity_of(method, vocabulary)) for method, _, key in entering}
    return entity_of(end, vocabulary) in ids


def _is_end(name: str, vocabulary: Vocabulary) -> bool:
    said = set(words(name))
    return said.isdisjoint(_NO_ENDS) and (vocabulary.is_terminal(name) or not said.isdisjoint(_ENDS))


def _resets(methods: Sequence[Method], vocabulary: Vocabulary) -> Iterator[Asked]:
    """What no method fills beside something that the reset clears may be there for longer."""
    for reset in methods:
        if vocabulary.is_reset(reset.node.name) is None or reset.node.name == "__init__":
            continue
        others = {one.node.name: one for one in methods if one is not reset and one.node.name != "__init__"}
        together = {one for other in others.values() if other.filled & reset.cleared for one in other.filled}
        for container in sorted(together):
            yield Asked([(reset, "reset", "")], container)
        cleared = frozenset(one for part in with_helpers(reset, others) for one in part.cleared)
        beside = More(options={"beside": sorted(cleared)})
        for container in sorted(_kept_with(cleared, others) - cleared - together):
            yield Asked([(reset, "reset", "")], container, beside)


def _kept_with(cleared: frozenset[str], others: Mapping[str, Method]) -> frozenset[str]:
    """What methods that change something of this fill and take named things from, be it by a helper:
    it follows what they change."""
    filled: set[str] = set()
    taken: set[str] = set()
    for other in others.values():
        parts = with_helpers(other, others)
        if any((part.filled | part.emptied) & cleared for part in parts):
            filled.update(*(part.filled for part in parts))
            taken.update(*(part.taken_by_name for part in parts))
    return frozenset(filled & taken)


def _caches(methods: Sequence[Method], vocabulary: Vocabulary) -> Iterator[Asked]:
    """A reset empties what it resets, and bounds nothing."""
    serving = [one for one in methods if one.node.name != "__init__" and vocabulary.is_reset(one.node.name) is None]
    emptied = {one for method in serving for one in method.emptied}
    for container in sorted({one for method in serving for one in method.filled} - emptied):
        keys = [(method, method.key_of(container)) for method in serving if container in method.filled]
        inserts: list[tuple[Method, Role, str]] = [(method, "insert", key) for method, key in keys if key]
        if inserts:
            yield Asked(inserts, container)


def _locks(methods: Sequence[Method], vocabulary: Vocabulary) -> Iterator[Asked]:
    """Whoever takes one of them may stand in the way of who holds one and wants another."""
    taken = {one.node.name: frozenset(filter(vocabulary.is_lock, one.entered)) for one in methods}
    locks = tuple(sorted(frozenset().union(*taken.values())))
    if any(one.takes_while_it_holds(lock, taken) for one in methods for lock in taken[one.node.name]):
        yield Asked([(one, "scope", "") for one in methods if taken[one.node.name]], more=More(locks))


def _collectives(methods: Sequence[Method], vocabulary: Vocabulary) -> Iterator[Asked]:
    for method in methods:
        found = [vocabulary.collective(callee) for callee in method.callees]
        if any(one is not None and one.kind in ("collective", "barrier") for one in found):
            yield Asked([(method, "scope", "")])


def _blocking(methods: Sequence[Method], vocabulary: Vocabulary) -> Iterator[Asked]:
    """A loop that stands still in several calls, and not only in those that set something up, does so for requests."""
    for method in methods:
        if method.may_block:
            yield Asked([(method, "scope", "")], more=More(options={"anywhere": True}, needs={"stalls": 3}))


TEMPLATES = {
    "request-lifecycle": Template("request-state-leak", _lives_of_requests),
    "resets": Template("restore-leaves-state", _resets),
    "caches": Template("unbounded-cache", _caches),
    "locks": Template("lock-order", _locks),
    "blocking": Template("blocking-in-async", _blocking),
    "collectives": Template("rank-divergent-collective", _collectives),
}
