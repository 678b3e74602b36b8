"""What a reset has put away, and one container goes on holding, alone.

That an entry stays behind a reset proves nothing: it may have nothing to do with what is reset, or be in use until
later. So the witness is an object that lay both in the container and in what the reset clears, that lies in this no
more, and that nothing else in the process leads to: were it not for the container, it would be gone.
"""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Collection, Iterable, Mapping, Sequence

from ..heap import leads_everywhere
from ..paths import elements

MOST = 10_000
"""So many objects are walked at the most; what lies further away is not judged."""
ENOUGH = 16
"""So many objects of a container are followed."""

Ref = weakref.ref[object]


def lying_in(container: object, beside: Sequence[object], not_into: Collection[int]) -> list[Ref]:
    """Objects of the container that lie in one of the others as well; some of them, where there are many."""
    wanted = {id(thing) for thing in _objects_in(container)}
    found, _ = _reached(beside, {*not_into, id(container)}, wanted, ENOUGH)
    return [weakref.ref(thing) for thing in _objects_in(container) if id(thing) in found]


def cut_off(refs: Sequence[Ref], container: object, beside: Sequence[object], not_into: Collection[int]) -> list[Ref]:
    """Those that are in the container still, and in none of the others; none, where that can't be told."""
    here = {id(thing) for thing in _objects_in(container)}
    wanted = {id(thing) for thing in _living(refs)} & here
    found, is_all = _reached(beside, {*not_into, id(container)}, wanted, len(wanted))
    return [ref for ref in refs if is_all and id(ref()) in wanted - found]


def held_alone(refs: Sequence[Ref], container: object, not_into: Collection[int]) -> int:
    """How many of them nothing leads to but the container. It is asked twice, as the program goes on meanwhile."""
    if not refs or not getattr(sys, "_is_gil_enabled", lambda: True)():
        return 0
    not_into = {*not_into, id(container), id(refs)}
    return len(_alone(refs, container, not_into) & _alone(refs, container, not_into))


def _alone(refs: Sequence[Ref], container: object, not_into: Collection[int]) -> set[int]:
    """As the collector of garbage tells it: who has more references than come from what these objects lead to is held
    from elsewhere, and so is all that it leads to."""
    objects = _living(refs)
    wanted = len(objects)
    edges = _edges(objects, not_into)
    objects.append(object())  # held by the list, and by nothing else
    counts = [sys.getrefcount(thing) for thing in objects]
    inward = [counts[-1]] * len(objects)
    for led_to in edges:
        for place in led_to:
            inward[place] += 1
    for place in _places_in(container, objects[:wanted]):
        inward[place] += 1
    held = [place for place, count in enumerate(counts[:-1]) if count > inward[place]]
    seen = set(held)
    while held:
        onward = [place for place in edges[held.pop()] if place not in seen]
        seen.update(onward)
        held += onward
    is_all = len(edges) == len(objects) - 1
    here = set(_places_in(container, objects[:wanted]))
    return {id(objects[place]) for place in here - seen} if is_all else set()


def _edges(objects: list[object], not_into: Collection[int]) -> list[list[int]]:
    """Of each object, the places of those that it refers to; the list grows by them. Fewer, where they are many."""
    places = {id(thing): place for place, thing in enumerate(objects)}
    edges: list[list[int]] = []
    while len(edges) < len(objects) <= MOST:
        led_to = []
        for thing in gc.get_referents(objects[len(edges)]):
            if not gc.is_tracked(thing) or id(thing) in not_into or leads_everywhere(thing):
                continue
            if id(thing) not in places:
                places[id(thing)] = len(objects)
                objects.append(thing)
            led_to.append(places[id(thing)])
        edges.append(led_to)
    return edges


def _places_in(container: object, objects: Sequence[object]) -> list[int]:
    places = {id(thing): place for place, thing in enumerate(objects)}
    return [places[id(thing)] for thing in gc.get_referents(container) if id(thing) in places]


def _reached(
    starts: Iterable[object], not_into: Collection[int], wanted: Collection[int], enough: int
) -> tuple[set[int], bool]:
    """Which of these are reached by id, up to so many; and whether there is nothing more to be reached."""
    found: set[int] = set()
    seen, level = set(not_into), list(starts)
    while level and len(found) < enough:
        onward = []
        for thing in level:
            if id(thing) in seen or not gc.is_tracked(thing) or leads_everywhere(thing):
                continue
            seen.add(id(thing))
            if id(thing) in wanted:
                found.add(id(thing))
            onward += gc.get_referents(thing)
        if len(seen) > MOST:
            return found, False
        level = onward
    return found, True


def _objects_in(container: object) -> list[object]:
    """What a container holds that is an object of its own, and no text or number that may be equal to another."""
    held = elements(container)
    if isinstance(container, Mapping):
        held += elements(list(container.values()))
    return [thing for thing in held if gc.is_tracked(thing) and type(thing).__weakrefoffset__]


def _living(refs: Sequence[Ref]) -> list[object]:
    return [thing for thing in (ref() for ref in refs) if thing is not None]
