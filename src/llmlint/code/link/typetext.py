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
    "ReferenceType SkipValidation".split()
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


@lru_cache(maxsize=65536)
def part_of(text: str, at: int) -> str:
    """The type text of one place of a tuple; of any other Python container that of its elements."""
    for option in options_in_text(text):
        head, arguments = _subscript(option)
        if head.rpartition(".")[2] in ("tuple", "Tuple") and arguments[1:] != ["..."]:
            return arguments[at] if at < len(arguments) else ""
    return element_of(text, "python")


# ---------------------------------------------------------------- Python


@lru_cache(maxsize=65536)
def options_in_text(text: str) -> tuple[str, ...]:
    """The types that a Python type text offers: `Pool` and `list[int]` of `Optional["Pool | list[int]"]`."""
    text = _unquoted(text)
    options = split_top(text, "|")
    if len(options) > 1:
        return tuple(dict.fromkeys(found for option in options for found in options_in_text(option)))
    head, arguments = _subscript(text)
    last = head.rpartition(".")[2]
    if arguments and last in _TRANSPARENT:
        parts = arguments[-1:] if last == "Coroutine" else arguments[:1] if last == "Annotated" else arguments
        return tuple(dict.fromkeys(found for part in parts for found in options_in_text(part)))
    return (text,) if text and text != "None" else ()


def head_of(text: str) -> str:
    """The last name of a type without its arguments: `dict` of `typing.dict[str, int]`."""
    return _subscript(text)[0].rpartition(".")[2]


def written_head(text: str) -> str:
    """A type without its arguments: `typing.Dict` of `typing.Dict[str, int]`."""
    return _subscript(text)[0]


def arguments_of(text: str) -> list[str]:
    return _subscript(text)[1]


@lru_cache(maxsize=65536)
def literal_type(source: str) -> str:
    """The Python type of a literal as written."""
    if source in ("True", "False"):
        return "bool"
    first = source.lstrip("-+").lstrip("rRbBuUfF") if source[:1].isalpha() else source.lstrip("-+")
    if first[:1] in ("'", '"'):
        return "bytes" if "b" in source.partition(first[0])[0].lower() else "str"
    if first[:1].isdigit() or first[:1] == ".":
        return "float" if any(mark in first for mark in ".eE") and not first.startswith("0x") else "int"
    return ""


def _python_names(text: str) -> tuple[str, ...]:
    heads = (_subscript(option)[0] for option in options_in_text(text))
    return tuple(head for head in heads if head.replace(".", "").isidentifier())


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


def bare_cpp(text: str) -> str:
    """A C++ type without qualifiers, references, pointers and arguments: `std.vector` of `const std::vector<int> &`."""
    return plain_cpp_name("".join(_template(_CPP_WORDS.sub(" ", text).strip())[0].split()))


def is_smart_pointer(text: str) -> bool:
    return _template(_CPP_WORDS.sub(" ", text).strip())[0].rpartition("::")[2] in _CPP_TRANSPARENT


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
