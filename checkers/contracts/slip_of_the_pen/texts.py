"""Texts that are cut or joined in another way than it looks."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence

from llmlint.checkers.contracts.slip_of_the_pen.known import Known
from llmlint.checkers.contracts.slips import Slip
from llmlint.code.syntax import tree
from llmlint.code.syntax.tree_index import nodes

_CUT = ("strip", "lstrip", "rstrip")
_WORD = re.compile(r"[A-Za-z]{2}")
_AFFIX = re.compile(r"[\W_][A-Za-z]{2}.*|\w*[A-Za-z]{2}\w*[\W_]+")
_VOWEL = re.compile(r"[aeiouyAEIOUY]")
_ONE_WORD = re.compile(r"[\w.:@+/-]+")
_GOES_ON = ("/", "-", "_", ".", ":", "@", "+")
_ROOM = 100
"""What is written in one line by most: a longer text may be split on purpose."""
_ALIKE = 4
_FEWEST = 3
_NUMBERS = {"int", "float"}


def cut(node: tree.Node, file: Known) -> Iterator[Slip]:
    """A beginning or an end that is handed to what takes single letters off."""
    match node:
        case tree.Call(function=tree.Attribute(value=of, name=name), args=[tree.Literal(kind="string", text=text)]) if (
            name in _CUT and _is_a_whole(text, name)
        ):
            readers = set(_read_by(node, file))
            if readers & _NUMBERS and not any(letter.isdigit() for letter in text):
                return
            says = f"{name} takes single letters off, any of {text[:40]!r} in any order, and not this text as a whole"
            how = {"lstrip": "removeprefix", "rstrip": "removesuffix"}.get(name, "removeprefix or removesuffix")
            typed = "dtype" in tree.path_of(of.args[0] if isinstance(of, tree.Call) and of.args else of)
            doubts = "few types are named with these letters" if typed else "JSON neither begins nor ends with letters"
            sure = "low" if typed or "json.loads" in readers else "medium"
            yield Slip(node, says, f"use {how}", sure, doubts)


def _read_by(node: tree.Node, file: Known) -> Iterator[str]:
    """What the rest is handed to at once, be it cut further before."""
    for call in nodes(file.module, tree.Call):
        made = call.args[0] if len(call.args) == 1 else None
        while isinstance(made, tree.Call) and made is not node and isinstance(made.function, tree.Attribute):
            made = made.function.value
        if made is node:
            yield tree.path_of(call.function)


def _is_a_whole(text: str, name: str) -> bool:
    """Is it written as a word, and not as a set of letters: does one stand twice, or a mark before or behind a word?"""
    if not _WORD.search(text):
        return False
    if len(set(text)) < len(text):
        return True
    if any(letter.isspace() for letter in text) or len(set(text.lower())) < len(text):
        return False
    if not text.isalpha():
        return _AFFIX.fullmatch(text) is not None
    is_sorted = list(text) == sorted(text, key=str.lower)
    return len(text) >= _FEWEST and not is_sorted and (name == "lstrip" or bool(_VOWEL.search(text)))


def joined(node: tree.Node, file: Known) -> Iterator[Slip]:
    """Two of the words of a list that no comma stands between."""
    assert isinstance(node, tree.Collection)
    if node.kind == "dict" or len(node.items) < _FEWEST:
        return
    texts = [item for item in node.items if isinstance(item, tree.Literal) and item.kind == "string"]
    longer = [item for item in texts if _is_written_longer(item)]
    if not longer or len(longer) * 2 >= len(texts) or len(texts) < len(node.items):
        return
    several = [(item, parts) for item in longer if (parts := _parts(item, file))]
    if several and not all(_ONE_WORD.fullmatch(item.text) for item in texts):
        return
    for item, parts in several:
        if not _is_split_on_purpose(item, parts):
            says = f"no comma stands between {parts[0]!r} and {parts[1]!r}: they are one text"
            yield Slip(item, says, "write the comma")


def _is_written_longer(item: tree.Literal) -> bool:
    """Over several lines, or with more than one pair of quotes around it."""
    return item.end_line > item.line or item.end_column - item.column > len(item.text) + 2


def _parts(item: tree.Literal, file: Known) -> list[str]:
    """The texts that one is written of, where they are several."""
    rows = file.lines[item.line - 1 : item.end_line]
    if not rows:
        return []
    rows[-1] = rows[-1][: item.end_column - 1]
    rows[0] = rows[0][item.column - 1 :]
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(f"({chr(10).join(rows)})").readline))
        parts = [str(ast.literal_eval(token.string)) for token in tokens if token.type == tokenize.STRING]
    except (SyntaxError, ValueError, tokenize.TokenError):
        return []
    return parts if len(parts) > 1 else []


def _is_split_on_purpose(item: tree.Literal, parts: Sequence[str]) -> bool:
    if any(part.endswith(_GOES_ON) for part in parts[:-1]) or any(part.startswith(_GOES_ON) for part in parts[1:]):
        return True
    too_long = item.column + len(item.text) > _ROOM
    return too_long and len({part[:_ALIKE] for part in parts}) > 1
