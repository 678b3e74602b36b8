"""Lines of descent, cut where they are longer than any that people write.

A class has all that its ancestors have, so a chain of N classes would cost N squared. Cut into stretches, it costs N;
the base at a cut counts as one that is not known, of which rules assume nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmlint.code.link.entities import ClassInfo

GENERATIONS = 24


def where_cut(
    classes: Iterable[ClassInfo], bases_of: Callable[[ClassInfo], tuple[ClassInfo, ...]]
) -> frozenset[ClassInfo]:
    """The classes that begin a stretch of their own, though they have bases."""
    generation: dict[ClassInfo, int] = {}
    entered: set[ClassInfo] = set()
    cut: set[ClassInfo] = set()
    for cls in classes:
        waiting = [cls]
        while waiting:
            one = waiting[-1]
            if one in entered:
                waiting.pop()
                if one not in generation:
                    count = 1 + max((generation.get(base, 0) for base in bases_of(one)), default=-1)
                    generation[one] = count % GENERATIONS
                    cut.update((one,) if count == GENERATIONS else ())
            else:
                entered.add(one)
                waiting.extend(base for base in bases_of(one) if base not in entered)
    return frozenset(cut)
