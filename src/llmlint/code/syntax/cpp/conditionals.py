"""Conditional groups (`#if` … `#endif`) that cut through a statement, made plain code before parsing.

The grammar knows such a group where whole statements, members or enumerators stand in it. A branch that opens a brace
which another closes, that ends in `else` or begins with an operator is no such thing: there the directives become
blanks. Of several branches that each hold a piece the first stays; the others are told as lines that nobody read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from llmlint.code.syntax.cpp.neutral import Span, blanked

_DIRECTIVE = re.compile(
    rb"^[ \t]*\#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif)\b(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE
)
_OTHER_LINES = re.compile(rb"^[ \t]*\#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_BRACKETS = re.compile(rb"[(){}\[\]]")
_WHOLE = b";}:{)"
_OPEN_END = re.compile(rb"\b(?:else|do|return|template|static|inline)\Z|\)\s*(?:const|noexcept|override)\Z")
_UNFINISHED = re.compile(rb"[<>=,(?|&+*/-]\s*\Z")
_CONTINUES = re.compile(rb"\s*(?:else\b|[-+*/%|&<>=?,.)\]^]|:(?!:)|!=)")


@dataclass
class _Group:
    """`directives` are one more than `branches`."""

    directives: list[Span] = field(default_factory=list)
    branches: list[list[_Group]] = field(default_factory=list)

    def span(self, branch: int) -> Span:
        return self.directives[branch][1], self.directives[branch + 1][0]


def cutting(code: bytes) -> tuple[list[Span], list[Span]]:
    """The directives of such groups, and the branches to be left out; `code` is neutral."""
    cuts = _Cuts(_OTHER_LINES.sub(lambda match: blanked(match[0]), code))
    for group in _groups(code):
        cuts.group(group)
    return cuts.directives, cuts.left_out


def _groups(code: bytes) -> list[_Group]:
    """The outermost groups that are closed."""
    found: list[_Group] = []
    waiting: list[_Group] = []
    for directive in _DIRECTIVE.finditer(code):
        kind = directive[1]
        if kind.startswith(b"if"):
            waiting.append(_Group([directive.span()], [[]]))
        elif waiting:
            waiting[-1].directives.append(directive.span())
            if kind == b"endif":
                group = waiting.pop()
                (waiting[-1].branches[-1] if waiting else found).append(group)
            else:
                waiting[-1].branches.append([])
    return found


class _Cuts:
    """`plain` is the code without any directives."""

    def __init__(self, plain: bytes) -> None:
        self.plain = plain
        self.directives: list[Span] = []
        self.left_out: list[Span] = []

    def group(self, group: _Group) -> None:
        if self._cuts(group):
            self._join(group)
        else:
            for inner in (inner for branch in group.branches for inner in branch):
                self.group(inner)

    def _join(self, group: _Group) -> None:
        self.directives += group.directives
        kept = self._kept(group)
        for number, inner in enumerate(group.branches):
            if number in kept:
                for below in inner:
                    self.group(below)
            elif self._text(group, number):
                self.left_out.append(group.span(number))

    def _kept(self, group: _Group) -> set[int]:
        """The first branch that holds anything; all of them where each is a list of whole elements."""
        texts = [self._text(group, number) for number in range(len(group.branches))]
        filled = [number for number, text in enumerate(texts) if text]
        if all(texts[number].endswith(b",") and self._balance(group, number) == _EVEN for number in filled):
            return set(filled)
        return set(filled[:1])

    def _text(self, group: _Group, branch: int) -> bytes:
        start, end = group.span(branch)
        return self.plain[start:end].strip()

    def _cuts(self, group: _Group) -> bool:
        after = self.plain[group.directives[-1][1] : group.directives[-1][1] + 200]
        texts = [self._text(group, number) for number in range(len(group.branches))]
        if not any(texts):
            return False
        begin = group.directives[0][0]
        if _UNFINISHED.search(self.plain, max(0, begin - 200), begin):
            return True
        if _CONTINUES.match(after) or any(_CONTINUES.match(text) for text in texts if text):
            return True
        if any(text[-1:] not in _WHOLE or _OPEN_END.search(text, max(0, len(text) - 80)) for text in texts if text):
            return True
        return any(self._balance(group, number) != _EVEN for number in range(len(group.branches)))

    def _balance(self, group: _Group, branch: int) -> tuple[int, int]:
        """What a branch leaves open, and how deep it reaches below where it began."""
        depth = lowest = 0
        for piece in self._pieces(group, branch):
            for bracket in _BRACKETS.findall(piece):
                depth += 1 if bracket in b"([{" else -1
                lowest = min(lowest, depth)
        return depth, lowest

    def _pieces(self, group: _Group, branch: int) -> list[bytes]:
        """The text of a branch; of groups inside their first branch."""
        start, end = group.span(branch)
        pieces = []
        for inner in group.branches[branch]:
            pieces.append(self.plain[start : inner.directives[0][0]])
            pieces += self._pieces(inner, 0)
            start = inner.directives[-1][1]
        return [*pieces, self.plain[start:end]]


_EVEN = (0, 0)
