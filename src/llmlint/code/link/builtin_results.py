"""What the methods of Python's own types give, as far as it helps to follow an object through them."""

from __future__ import annotations

from llmlint.code.link.typetext import arguments_of, element_of, head_of

_STRINGS = frozenset(
    "capitalize casefold center expandtabs format join ljust lower lstrip removeprefix removesuffix replace rjust "
    "rstrip strip swapcase title translate upper zfill".split()
)
_LISTS_OF_STRINGS = frozenset("split rsplit splitlines".split())
_SAME = frozenset("copy union intersection difference symmetric_difference".split())
GETTERS = frozenset("get pop popleft setdefault get_nowait".split())
_MAPPINGS = frozenset("dict Dict defaultdict DefaultDict OrderedDict Mapping MutableMapping Counter".split())
_NUMBERS = frozenset("find rfind index count bit_length".split())


def result_of(text: str, method: str) -> str:
    """The type text of `value.method()` for a value of this type, "" when that is not known."""
    head = head_of(text)
    if head == "str" or head == "bytes":
        return _of_string(head, method)
    if method in _SAME:
        return text
    if method in GETTERS:
        return element_of(text, "python")
    if head in _MAPPINGS:
        return _of_mapping(arguments_of(text), method)
    return ""


def _of_string(head: str, method: str) -> str:
    if method in _STRINGS:
        return head
    if method in _LISTS_OF_STRINGS:
        return f"list[{head}]"
    if method in ("partition", "rpartition"):
        return f"tuple[{head}, {head}, {head}]"
    if method in _NUMBERS:
        return "int"
    return {"encode": "bytes", "decode": "str"}.get(method, "")


def _of_mapping(arguments: list[str], method: str) -> str:
    if len(arguments) != 2:
        return ""
    key, value = arguments
    return {"keys": f"list[{key}]", "values": f"list[{value}]", "items": f"list[tuple[{key}, {value}]]"}.get(method, "")
