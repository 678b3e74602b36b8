"""What does not parse is mended and parsed again: by the forms that macros have, then by where the parser stumbled.

An edit never moves a byte: it turns macros, or the part of one that is no C++, into blanks, ends a macro's statement,
or puts a number where a type stands among a macro's arguments. Names and texts are read from the file as it is. A
mended reading is kept only if it loses fewer lines.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import tree_sitter

from llmlint.code.syntax.cpp.conditionals import cutting
from llmlint.code.syntax.cpp.neutral import Span, blanked, closing, commas, neutral

_ROUNDS = 4
_LINES_AROUND = 3
_FAR = 2000

_MACRO = rb"(?:__\w+|[A-Z_][A-Z0-9_]*[A-Z][A-Z0-9_]*)\b"
_CALL = re.compile(rb"\b" + _MACRO + rb"\s*\(")
_NO_CODE = (
    re.compile(rb'(?<=")\s*\b([A-Z_]\w*)(?=\s*["),;:])'),  # "text" MARK
    re.compile(rb"(?<=[(,=])\s*\b(" + _MACRO + rb')(?=\s*")'),  # (MARK "text"
    re.compile(rb"(?<=[;{}:)])\s*\n[ \t]*(" + _MACRO + rb")[ \t]*(?=\n\s*[A-Za-z_~}#\[])"),  # alone on its line
    re.compile(rb"\bnew\s+[\w:]+\s*(\*+)(?=\s*\[)"),  # new T *[n]
    re.compile(rb"\bdelete\s*(\[\s*\])(?=\s*\()"),  # delete[] (p), where the parser sees a lambda
    re.compile(rb"\b(extern)\s+(?=" + _MACRO + rb"\s*\()"),  # extern DECLARE(a, b);
)
_MARK_OF_MEMBER = re.compile(rb"(?<=[\w)\]>])\s+([A-Z][A-Z0-9_]*\s*\([^()]*\))(?=\s*(?:[;{=]|[a-z_]\w*\s*[;{=]))")
_NO_MARK_AFTER = re.compile(rb"\b(?:return|else|case|throw|new|delete|goto|co_return|do)\Z")
_EMPTY_DEFAULT = re.compile(rb"(?<=[\w>&*])\s+\w+\s*=\s*(\{\s*\})(?=\s*[,)])")
_LIST_IN_BRACKETS = re.compile(rb"(?<=,)\s*\(\s*(\{[^{};()]*\})(?=\s*[,)])")  # MAKE(name, ({n, m}, type))
_ASSIGNED_AND = re.compile(rb"\(\s*[\w.\->:\[\]]+\s*=(?!=)")
_ENDS_BEFORE = re.compile(rb"(?:[;{}:)]|\belse|\bdo|\A)\s*\Z")
_GOES_ON = re.compile(rb'\s*(?:[-+*/%|&<>=?.,;)\]^{:"]|!=|\Z)')
_TYPE_ARGUMENT = re.compile(
    rb"\s*(?:const\s+)?(?:(?:void|bool|char|int|long|short|float|double|unsigned|signed|s?size_t|u?int\d+_t|u?intptr_t"
    rb"|ptrdiff_t)\b\s*)+[\s*&]*(?:\w+\s*)?\Z|\s*auto[\s*&]+\w+\s*\Z"
)
_NEWLINE = re.compile(rb"\n")
_WORD = re.compile(rb"[A-Za-z_]\w*")
_LOUD = re.compile(rb"\b" + _MACRO)
_OPENING = re.compile(rb"[ \t]*\(")
_THEN_A_WORD = re.compile(rb"[ \t\n]+[A-Za-z_]")
_MORE_THAN_A_MARK = re.compile(rb"\(.*[(=]|\n", re.DOTALL)
_KEYWORDS = frozenset(
    b"if else for while do switch case return struct class enum union namespace template typename static const "
    b"constexpr inline void int char bool float double long short unsigned signed auto using typedef public private "
    b"protected virtual operator sizeof new delete this throw try catch extern volatile mutable explicit friend "
    b"noexcept override final default break continue goto nullptr true false".split()
)


def mended(parser: tree_sitter.Parser, data: bytes, parsed: tree_sitter.Tree) -> tuple[tree_sitter.Node, list[Span]]:
    """A better reading of bytes that did not parse whole, and the spans that it leaves out."""
    best, lost, left_out, before = parsed.root_node, lines_lost(parsed.root_node), list[Span](), -1
    edits = _Edits(data, lost_rows(best))
    edits.branches()
    edits.forms()
    for _ in range(_ROUNDS):
        parsed = parser.parse(bytes(edits.data), edits.told_to(parsed))
        now = parsed.root_node
        count = lines_lost(now) + sum(data.count(b"\n", *span) + 1 for span in edits.left_out)
        if count < lost:
            best, lost, left_out = now, count, list(edits.left_out)
        if not now.has_error or count == before or not edits.where_it_stumbled(now):
            break
        before = count
    return best, left_out


def lines_lost(root: tree_sitter.Node) -> int:
    return sum(last - first + 1 for first, last in lost_rows(root))


def lost_rows(root: tree_sitter.Node) -> list[Span]:
    """The first and last row of each stretch that did not parse."""
    return [(node.start_point.row, node.end_point.row) for node in stumbles(root)]


def stumbles(root: tree_sitter.Node, innermost: bool = False) -> Iterator[tree_sitter.Node]:
    """The nodes that did not parse, the outermost or the innermost ones. A semicolon made up loses nothing."""
    waiting = [root] if root.has_error else []
    while waiting:
        node = waiting.pop()
        below = [child for child in node.children if child.has_error]
        is_lost = node.type == "ERROR" or (node.is_missing and node.type != ";")
        if is_lost and not (innermost and below):
            yield node
        else:
            waiting.extend(below)


class _Edits:
    """The bytes as they are edited; `code` is the same with strings and comments neutral."""

    def __init__(self, data: bytes, rows: list[Span]) -> None:
        self.data = bytearray(data)
        self.code = bytearray(neutral(data))
        self._starts = [0, *(match.end() for match in _NEWLINE.finditer(self.code))]
        self.windows = self._around(rows)
        self.left_out: list[Span] = []
        self._loud_words: list[Span] = []
        self._edited: list[Span] = []

    def _around(self, rows: list[Span]) -> list[Span]:
        """The bytes of these rows and of some lines around them: where forms are looked for."""
        starts = self._starts + [len(self.code)] * (_LINES_AROUND + 2)
        windows: list[Span] = []
        for first, last in sorted(rows):
            begin, end = starts[max(0, first - _LINES_AROUND)], starts[last + 1 + _LINES_AROUND]
            if windows and begin <= windows[-1][1]:
                begin, end = windows[-1][0], max(end, windows.pop()[1])
            windows.append((begin, end))
        return windows

    def told_to(self, parsed: tree_sitter.Tree) -> tree_sitter.Tree:
        """A copy of a reading that knows what was edited since, so that the parser reads no more than that again."""
        old = parsed.copy()
        for start, end in self._edited:
            here, there = self._point(start), self._point(end)
            old.edit(start, end, end, here, there, there)
        self._edited = []
        return old

    def _point(self, at: int) -> tuple[int, int]:
        row = bisect_right(self._starts, at) - 1
        return row, at - self._starts[row]

    def _blank(self, start: int, end: int) -> None:
        self._edited.append((start, end))
        self.data[start:end] = self.code[start:end] = blanked(bytes(self.code[start:end]))

    def _put(self, at: int, text: bytes) -> None:
        self._edited.append((at, at + len(text)))
        self.data[at : at + len(text)] = self.code[at : at + len(text)] = text

    def branches(self) -> None:
        directives, left_out = cutting(bytes(self.code))
        for span in (*directives, *left_out):
            self._blank(*span)
        self.left_out += left_out

    # ------------------------------------------------------------ by form

    def forms(self) -> None:
        """Mends what can be told without the parser."""
        for start, end in self.windows:
            for pattern in _NO_CODE:
                for match in pattern.finditer(self.code, start, end):
                    self._blank(*match.span(1))
            for match in _MARK_OF_MEMBER.finditer(self.code, start, end):
                if not _NO_MARK_AFTER.search(self.code, max(0, match.start() - 20), match.start()):
                    self._blank(*match.span(1))
            for pattern in (_EMPTY_DEFAULT, _LIST_IN_BRACKETS):
                for match in pattern.finditer(self.code, start, end):
                    self._put(match.start(1), b"0" + blanked(match[1][1:]))
            for match in _ASSIGNED_AND.finditer(self.code, start, end):
                self._comma_behind_assignment(match.start())
            for match in _CALL.finditer(self.code, start, end):
                self._macro_call(match.start(), match.end() - 1)

    def _comma_behind_assignment(self, opening: int) -> None:
        """`((error = call(), error))`: the grammar has none there."""
        before = bytes(self.code[max(0, opening - 1) : opening])
        end = closing(self.code, opening)
        found = commas(self.code, opening, end) if end > 0 else []
        if found and not (before.isalnum() or before in (b"_", b">")):
            self._blank(found[0], end)

    def _macro_call(self, start: int, opening: int) -> None:
        line = self.code.rfind(b"\n", 0, start) + 1
        end = closing(self.code, opening)
        if end < 0 or self.code[line:start].lstrip().startswith(b"#"):
            return
        self._arguments(opening, end)
        if _ENDS_BEFORE.search(self.code, max(0, start - 200), start) and not _GOES_ON.match(self.code, end + 1):
            self._end_statement(start, end)

    def _arguments(self, opening: int, end: int) -> None:
        """Types, and nothing at all, are arguments of macros only."""
        begins = [opening, *commas(self.code, opening, end)]
        for begin, finish in zip(begins, [*begins[1:], end], strict=True):
            piece = bytes(self.code[begin + 1 : finish])
            room = len(piece) - len(piece.lstrip(b"\n"))  # a line stays a line
            if piece.strip() and _TYPE_ARGUMENT.match(piece):
                self._put(begin + 1 + room, b"0" + blanked(piece[room + 1 :]))
            elif len(begins) > 1 and not piece.strip():
                if piece[room:]:
                    self._put(begin + 1 + room, b"0")
                elif begin != opening:
                    self._blank(begin, begin + 1)

    def _end_statement(self, start: int, end: int) -> None:
        """A semicolon behind the call, where there is room for it; else the whole call becomes blank."""
        at = end + 1
        while self.code[at : at + 1] == b"\n":
            at += 1
        if bytes(self.code[at : at + 1]) in (b" ", b"\t"):
            self._put(at, b";")
        else:
            self._blank(start, end + 1)

    # ------------------------------------------------------------ by where the parser stumbled

    def where_it_stumbled(self, root: tree_sitter.Node) -> bool:
        """Blanks the words to blame; one that holds more than a mark counts as left out. Was anything done?"""
        done = False
        self._loud_words = [match.span() for match in _LOUD.finditer(self.code)]
        for node in stumbles(root, innermost=True):
            for start, end in self._suspects(node):
                if self.code[start:end].strip():
                    self.left_out += [(start, end)] if _MORE_THAN_A_MARK.search(self.code, start, end) else []
                    self._blank(start, end)
                    done = True
                    break
        return done

    def _suspects(self, node: tree_sitter.Node) -> Iterator[Span]:
        """The likeliest first: macros in the stretch, then those just before it, else its only word."""
        start, end = node.start_byte, min(node.end_byte, node.start_byte + _FAR)
        yield from map(self._with_arguments, self._loud(start, end))
        line, far = self.code.rfind(b"\n", 0, start), start - _FAR
        borders = ((b"\n", line), (b" ", far), *((mark, start) for mark in _ENDS))
        begin = max(self.code.rfind(mark, 0, max(0, at)) for mark, at in borders)
        yield from map(self._with_arguments, reversed(self._loud(begin + 1, start)))
        words = [match for match in _WORD.finditer(self.code, start, end) if match[0] not in _KEYWORDS]
        if len(words) == 1 and _THEN_A_WORD.match(self.code, words[0].end()):
            yield words[0].span()

    def _loud(self, start: int, end: int) -> Sequence[Span]:
        """Words that look like macros."""
        return self._loud_words[bisect_left(self._loud_words, (start, 0)) : bisect_left(self._loud_words, (end, 0))]

    def _with_arguments(self, word: Span) -> Span:
        start, end = word
        opening = _OPENING.match(self.code, end)
        closed = closing(self.code, opening.end() - 1) if opening else -1
        return start, closed + 1 if closed > 0 else end


_ENDS = (b";", b"{", b"}")
