"""Types as they are written: which names a type text offers, and what its elements are.

`Optional["Pool"]`, `Pool | None` and `std::unique_ptr<const kv::Pool>` all offer a pool; the elements of
`dict[str, Request]`, `std::unordered_map<int, Request *>` and `Request[]` are requests.
"""

from __future__ import annotations

import re
from functools import lru_cache

from llmlint.code.link.names import plain_cpp_name

_TRANSPARENT = frozenset(
    "Optional Union Final ClassVar Annotated Required NotRequired ReadOnly InitVar Awaitable Coroutine "
    "ReferenceType".split()
)
_FIRST_OF = frozenset(
    "tuple Tuple Iterator Iterable Generator AsyncIterator AsyncGenerator AsyncIterable Annotated".split()
)
_CPP_TRANSPARENT = frozenset(
    "unique_ptr shared_ptr weak_ptr optional atomic reference_wrapper ggml_backend_ptr not_null".split()
)
_CPP_MAPS = frozenset("map unordered_map multimap unordered_multimap pair".split())
_CPP_WORDS = re.compile(
    r"\b(?:const|volatile|struct|class|enum|typename|mutable|static|inline|constexpr|extern)\b|[&*]"
)
_CPP_ARRAY = re.compile(r"\[[^\[\]]*\]\s*$")


@lru_cache(maxsize=65536)
def names_in(text: str, language: str) -> tuple[str, ...]:
    """The dotted names of the classes an object of this type may be of, most telling first."""
    if language != "python":
        return _cpp_names(text)
    return _python_names(text)


@lru_cache(maxsize=65536)
def element_of(text: str, language: str) -> str:
    """The type text of what such a container holds (a map: its values), "" when that is not said."""
    return _python_element(text) if language == "python" else _cpp_element(text)


# ---------------------------------------------------------------- Python


def _python_names(text: str) -> tuple[str, ...]:
    text = _unquoted(text)
    options = split_top(text, "|")
    if len(options) > 1:
        return tuple(name for option in options for name in _python_names(option))
    head, arguments = _subscript(text)
    last = head.rpartition(".")[2]
    if arguments and last in _TRANSPARENT:
        parts = arguments[-1:] if last == "Coroutine" else arguments[:1] if last == "Annotated" else arguments
        return tuple(name for part in parts for name in _python_names(part))
    return (head,) if head and head != "None" and head.replace(".", "").isidentifier() else ()


def _python_element(text: str) -> str:
    for option in split_top(_unquoted(text), "|"):
        head, arguments = _subscript(_unquoted(option))
        last = head.rpartition(".")[2]
        if not arguments:
            continue
        if last in _TRANSPARENT:
            return next((found for found in map(_python_element, arguments) if found), "")
        return arguments[0] if last in _FIRST_OF else arguments[-1]
    return ""


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1].strip() if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0] else text


def _subscript(text: str) -> tuple[str, list[str]]:
    head, bracket, rest = text.partition("[")
    return head.strip(), split_top(rest.rstrip()[:-1], ",") if bracket and rest.rstrip().endswith("]") else []


def split_top(text: str, mark: str) -> list[str]:
    """Splits at `mark` outside of brackets."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        if char in "[(<{":
            depth += 1
        elif char in "])>}":
            depth -= 1
        elif char == mark and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    last = text[start:].strip()
    return [*parts, last] if last else parts


# ---------------------------------------------------------------- C++


def _cpp_names(text: str) -> tuple[str, ...]:
    text = _CPP_WORDS.sub(" ", text).strip()
    head, arguments = _template(text)
    if head.rpartition("::")[2] in _CPP_TRANSPARENT and arguments:
        return _cpp_names(arguments[0])
    name = plain_cpp_name("".join(text.split()))
    return (name,) if name.replace(".", "").isidentifier() and not name.startswith("std.") else ()


def _cpp_element(text: str) -> str:
    if _CPP_ARRAY.search(text):
        return _CPP_ARRAY.sub("", text)
    pointee = text.strip().endswith("*")
    text = _CPP_WORDS.sub(" ", text).strip()
    head, arguments = _template(text)
    last = head.rpartition("::")[2].strip()
    if arguments and last in _CPP_TRANSPARENT:
        return _cpp_element(arguments[0]) or arguments[0].removesuffix("[]")
    if arguments:
        return arguments[1] if last in _CPP_MAPS and len(arguments) > 1 else arguments[0]
    return text if pointee else ""


def _template(text: str) -> tuple[str, list[str]]:
    head, bracket, rest = text.partition("<")
    return head.strip(), split_top(rest.rstrip()[:-1], ",") if bracket and rest.rstrip().endswith(">") else []
