"""Neighbouring copies of a block of lines, aligned word by word: what the second renames, and what it forgot to.

Lines are compared by their shape, that is with every name and number taken for the same: one pass over the text, no
tree, so that it costs little in any language. A block and its neighbour of the same shape, or of the same shape but for
their first lines, are a pair of clones. A part of a name (`bos` of `add_bos_token`) that the second clone consistently
replaces by another is a renaming.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

_SHAPE = re.compile(r"\w+")
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\S")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAME = re.compile(r"(?<!\w)[A-Za-z_]")
"""A line without one is a row of numbers, of which a table has thousands alike."""
_HIGHEST = 12
_SHORTEST = 12
"""Lines of a shorter shape (`}`, `else:`) say nothing of whether blocks are alike."""

_FEWEST = 2
"""One other name is no renaming."""


class Pair(NamedTuple):
    """Two blocks of `height` lines, the first beginning at line `first` and the second right behind it, from 0."""

    first: int
    height: int


class Kept(NamedTuple):
    """A name that the second clone did not rename.

    `line` counts from 0 in the file. `mapped` occurrences of `old` became `new` around it; `name` is what is written
    and `expected` what the renaming would make of it.
    """

    line: int
    column: int
    name: str
    expected: str
    old: str
    new: str
    mapped: int


def pairs_in(lines: Sequence[str], text: str) -> Iterator[Pair]:
    """All pairs of neighbouring clones, in source order."""
    shapes = _SHAPE.sub("x", text).split("\n")
    last: dict[str, int] = {}
    seen: dict[int, int] = {}  # height: where the stretch that was looked at last ends
    for at, shape in enumerate(shapes):
        if len(shape) < _SHORTEST or not _NAME.search(lines[at]):
            continue
        before = last.get(shape, -_HIGHEST - 1)
        last[shape] = at
        height = at - before
        if height <= _HIGHEST and before >= seen.get(height, 0):
            start, run = _run(shapes, before, height)
            seen[height] = start + run
            yield from _blocks(shapes, lines, start, height, run)


def _run(shapes: Sequence[str], at: int, height: int) -> tuple[int, int]:
    """Where the stretch of lines that repeat `height` lines further on begins, and how long it is."""
    start = end = at
    while start > 0 and shapes[start - 1] == shapes[start - 1 + height]:
        start -= 1
    while end + height < len(shapes) and shapes[end] == shapes[end + height]:
        end += 1
    return start, end - start


def _blocks(shapes: Sequence[str], lines: Sequence[str], start: int, height: int, run: int) -> Iterator[Pair]:
    if run == height - 1 and height > 3 and start > 0:  # alike but for the line that opens them
        start, run = start - 1, height
    for first in range(start, start + run - height + 1, height):
        if _stands_alone(lines[first : first + height]) and not _repeats(shapes[first : first + height]):
            yield Pair(first, height)


def _stands_alone(block: Sequence[str]) -> bool:
    """Begins where it is indented least, and closes every bracket that it opens."""
    text = "".join(block)
    depths = [len(line) - len(line.lstrip()) for line in block if line.strip()]
    whole = all(text.count(opening) == text.count(closing) for opening, closing in ("()", "[]", "{}"))
    return whole and bool(block[0].strip()) and depths[0] == min(depths) and not block[0].lstrip().startswith(_PROSE)


_PROSE = ("#", "//", "*", "/*", '"', "'", "-")


def _repeats(block: Sequence[str]) -> bool:
    """Made of smaller blocks, so that where one begins is a guess."""
    return any(block[step:] == block[:-step] for step in range(1, len(block)))


class _Word(NamedTuple):
    text: str
    line: int
    column: int


def kept_name(lines: Sequence[str], pair: Pair) -> Kept | None:
    """The one name that the second of two clones kept though it renamed the others."""
    middle = pair.first + pair.height
    if not _may_rename(lines[pair.first : middle], lines[middle : middle + pair.height]):
        return None
    before = _words(lines, pair.first, middle)
    after = _words(lines, middle, middle + pair.height)
    aligned = _aligned(before, after)
    renamings = _renamings(aligned)
    for (old, new), mapped in renamings.items():
        if (
            mapped >= _FEWEST
            and _is_clear(old, new, renamings)
            and not any(new in parts_of(word.text) for word in before)
        ):
            kept = [b for a, b in aligned if a.text == b.text and old in parts_of(b.text)]
            begun = min(b.line for a, b in aligned if a.text != b.text and (new in parts_of(b.text) or b.text == new))
            if len(kept) == 1 and begun <= kept[0].line:  # else the first lines still belong to the block above
                word = kept[0]
                return Kept(word.line, word.column, word.text, _renamed(word.text, old, new), old, new, mapped)
    return None


def _may_rename(before: Sequence[str], after: Sequence[str]) -> bool:
    """Nearly all clones are the same, or differ in a word or two."""
    changed = [pair for pair in zip(before, after, strict=False) if pair[0] != pair[1]]
    if not changed:
        return False
    first, second = ([word for pair in changed for word in _TOKEN.findall(pair[at])] for at in (0, 1))
    return len(first) != len(second) or sum(a != b for a, b in zip(first, second, strict=True)) >= _FEWEST


def _words(lines: Sequence[str], first: int, stop: int) -> list[_Word]:
    return [_Word(found[0], row, found.start()) for row in range(first, stop) for found in _TOKEN.finditer(lines[row])]


def _aligned(before: list[_Word], after: list[_Word]) -> list[tuple[_Word, _Word]]:
    """Word by word where both are as long; else by the longest stretches of one shape."""
    if len(before) == len(after):
        return list(zip(before, after, strict=True))
    first, second = ([_SHAPE.sub("x", word.text) for word in words] for words in (before, after))
    matches = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return [(before[m.a + i], after[m.b + i]) for m in matches for i in range(m.size)]


def _renamings(aligned: list[tuple[_Word, _Word]]) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for a, b in aligned:
        if a.text != b.text:
            found[_difference(a.text, b.text)] += 1
    return found


def _difference(a: str, b: str) -> tuple[str, str]:
    """The one part in which two names differ, or both whole."""
    first, second = parts_of(a), parts_of(b)
    if len(first) == len(second):
        differing = [(x, y) for x, y in zip(first, second, strict=True) if x != y]
        if len(differing) == 1:
            return differing[0]
    return a, b


def _is_clear(old: str, new: str, renamings: Counter[tuple[str, str]]) -> bool:
    """A name for a name, and no other name takes part."""
    if old.isdigit() or new.isdigit() or not (old[:1].isalpha() and new[:1].isalpha()) or old in new or new in old:
        return False
    return sum(1 for x, y in renamings if x == old or y == new) == 1


def parts_of(name: str) -> list[str]:
    """`get_add_bos` and `GetAddBos` as get, add, bos."""
    return [part.lower() for part in _PART.findall(name)]


def _renamed(name: str, old: str, new: str) -> str:
    def replaced(part: re.Match[str]) -> str:
        text = part[0]
        if text.lower() != old:
            return text
        if text.isupper() and (len(text) > 1 or name.isupper()):
            return new.upper()
        return new.capitalize() if text[0].isupper() else new

    return _PART.sub(replaced, name)
