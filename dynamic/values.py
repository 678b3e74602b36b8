"""Looking at the program's objects without keeping them, copying them or changing them: ids, contents, digests."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from .paths import Path, elements

ID_NAMES = ("request_id", "req_id", "rid", "seq_id", "slot_id", "task_id", "session_id", "block_id", "uid", "id")
LIMIT = 4096
"""How many elements of one container are looked at."""

_PLAIN = (str, int, bytes, float)
_HASHED = frozenset((str, int, bytes, float, bool, type(None)))


IdNames = dict[type, tuple[str, ...]]


def identify(value: object, known: IdNames | None = None) -> Hashable:
    """What a thing is called: itself when it is an id, its id attribute, or else which object it is.

    What `known` says of a type, it may have; who asks about many things keeps that for a while.
    """
    if isinstance(value, _PLAIN) or value is None:
        return value
    if isinstance(value, tuple):
        return tuple(identify(part, known) for part in value[:8])
    return _called(value, ID_NAMES if known is None else _id_names(value, known))


def _called(value: object, names: tuple[str, ...]) -> Hashable:
    for name in names:
        try:
            found = getattr(value, name, None)
        except Exception:  # a property of the program's that raises is no id
            continue
        if isinstance(found, (str, int)):
            return found
    return (type(value).__qualname__, id(value))


def _id_names(value: object, known: IdNames) -> tuple[str, ...]:
    """Of objects that have slots and no dictionary only those that the class names can be there. Of containers, whose
    elements are asked as well, nothing is kept."""
    kind = type(value)
    if kind not in known:
        if is_container(value):
            return ID_NAMES
        is_fixed = not kind.__dictoffset__ and not hasattr(kind, "__getattr__")
        known[kind] = tuple(name for name in ID_NAMES if not is_fixed or hasattr(kind, name))
    return known[kind]


IDS = frozenset((str, int))
"""Types of values that are ids themselves."""


def ids_in(value: object) -> list[Hashable]:
    """Of what a call is about: what it holds is called, where it is a container, or what it is called itself."""
    if is_container(value):
        return [identify(element) for element in elements(value) if element is not None]
    return [] if value is None else [identify(value)]


def names_an_id(path: Path | None) -> bool:
    """Whether what a path leads to is an id by its name: a small value, for which looking it up costs little."""
    if path is None:
        return False
    name = str(path.steps[-1][1]) if path.steps else path.root
    return name in ID_NAMES or name.endswith("_id")


def is_container(value: object) -> bool:
    return isinstance(value, (Mapping, list, set, frozenset, deque, tuple)) and not isinstance(value, str)


def is_weak(value: object) -> bool:
    """Whether entries go by themselves with what they name."""
    return isinstance(value, (weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet))


def names_in(value: object, depth: int = 2, known: IdNames | None = None) -> set[Hashable]:
    """Every id that a container holds: keys, elements, parts of tuples, ids of the objects in it, one level down."""
    found: set[Hashable] = set()
    known = {} if known is None else known
    if is_weak(value):
        return found
    for element in elements(value)[: 16 * LIMIT]:
        if isinstance(element, _PLAIN):
            found.add(element)
            continue
        if type(element) in known:
            found.add(_called(element, known[type(element)]))
            continue
        found |= _names_of(element, known)
        if depth > 1 and is_container(element):
            found |= names_in(element, depth - 1, known)
    if isinstance(value, Mapping):
        for element in _copied_values(value):
            if type(element) in known:
                found.add(_called(element, known[type(element)]))
            elif is_container(element):
                if depth > 1:
                    found |= names_in(element, depth - 1, known)
            else:
                found |= _names_of(element, known) if not isinstance(element, _PLAIN) else set()
    elif not is_container(value) and depth > 1:
        for inner in list(getattr(value, "__dict__", {}).values()):
            if is_container(inner):
                found |= names_in(inner, depth - 1, known)
    return found


def _names_of(element: object, known: IdNames) -> set[Hashable]:
    if isinstance(element, tuple):
        return {identify(element, known), *(identify(part, known) for part in element[:8])}
    return set() if is_container(element) else {identify(element, known)}


def _copied_values(value: Mapping[Any, Any]) -> list[object]:
    for _ in range(3):
        try:
            return list(value.values())[: 16 * LIMIT]
        except RuntimeError:  # changed by another thread while it was copied
            continue
    return []


def size_of(value: object) -> int | None:
    """How much something holds; a cached function tells it itself."""
    info = getattr(value, "cache_info", None)
    if callable(info):
        return int(info().currsize)
    if is_container(value) or hasattr(type(value), "__len__"):
        try:
            return len(value)  # type: ignore[arg-type]
        except Exception:  # the program's own __len__
            return None
    return None


class Contents:
    """What an attribute held at one moment: how much, and marks of its elements. Nothing of it is kept alive."""

    __slots__ = ("kind", "marks", "place", "size")

    def __init__(self, kind: str, size: int, marks: frozenset[int], place: int = 0) -> None:
        self.place = place
        """Which container it was, by id; 0 for what is none."""
        self.kind = kind
        self.size = size
        self.marks = marks

    @property
    def empty(self) -> bool:
        return not self.marks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contents) and (self.kind, self.size, self.marks) == (
            other.kind,
            other.size,
            other.marks,
        )

    __hash__ = None  # type: ignore[assignment]

    def without(self, marks: set[int]) -> Contents:
        return Contents(self.kind, self.size, self.marks - marks, self.place) if marks else self

    def within(self, other: Contents) -> Contents:
        return Contents(self.kind, self.size, self.marks & other.marks, self.place)

    def kept_from(self, before: Contents) -> int:
        """How many elements of `before` are still here."""
        return len(self.marks & before.marks)


def contents(value: object) -> Contents:
    if is_container(value):
        marks = {_mark(element) for element in elements(value)[:LIMIT]}
        return Contents(type(value).__name__, len(value), frozenset(marks), id(value))  # type: ignore[arg-type]
    if value is None:
        return Contents("nothing", 0, frozenset())
    if isinstance(value, (bool, int, float, str, bytes)):
        return Contents("scalar", 1, frozenset({hash((type(value).__name__, value))} if value else ()))
    inner = getattr(value, "__dict__", None)
    if isinstance(inner, dict):
        marks = {hash((name, _mark(part))) for name, held in list(inner.items()) for part in elements(held)[:LIMIT]}
        return Contents(type(value).__name__, len(marks), frozenset(marks))
    return Contents("object", 1, frozenset({hash((id(value), getattr(value, "_version", 0)))}))


def _mark(value: object) -> int:
    try:
        return hash(identify(value))
    except TypeError:
        return id(value)


def state_of(thing: object, depth: int = 3) -> int:
    """One number for all that an object holds, a few levels down; tensors count by where they are and their version."""
    return hash(tuple(_state(thing, depth, set())))


def _state(value: object, depth: int, seen: set[int]) -> Iterator[Hashable]:
    if isinstance(value, _PLAIN) or value is None:
        yield value
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    yield type(value).__name__
    if hasattr(value, "data_ptr"):
        yield from (id(value), getattr(value, "_version", 0), str(getattr(value, "shape", "")))
    elif depth == 0:
        yield id(value)
    elif isinstance(value, Mapping):
        yield len(value)
        for key, held in zip(elements(value)[:LIMIT], _copied_values(value)[:LIMIT], strict=False):
            yield _mark(key)
            yield from _state(held, depth - 1, seen)
    elif is_container(value):
        yield len(value)  # type: ignore[arg-type]
        held_elements = elements(value)[:LIMIT]
        if isinstance(value, (set, frozenset)):
            yield hash(frozenset(_mark(element) for element in held_elements))
        else:
            for element in held_elements:
                yield from _state(element, depth - 1, seen)
    else:
        yield id(value)
        for name, held in list(getattr(value, "__dict__", {}).items()):
            yield name
            yield from _state(held, depth - 1, seen)


Mark = int | str
"""What stands for a value within this process: cheap for plain values, a digest of what they say for others."""


def mark(value: object) -> Mark:
    return hash(value) if _is_plain(value) else digest(value)


def _is_plain(value: object) -> bool:
    """Whether equal content has equal hashes: numbers, texts, and tuples of nothing else."""
    kind = type(value)
    if kind is tuple:
        return all(map(_is_plain, value))  # type: ignore[call-overload]
    return kind in _HASHED


def digest(value: object, depth: int = 4) -> str:
    """A digest of a value by what it says, the same in every process; of tensors only shape, type and place."""
    import hashlib  # takes as long as half of the tracer, and few probes need it

    text = hashlib.sha256()
    for part in _said(value, depth):
        text.update(part)
        text.update(b"\0")
    return text.hexdigest()[:16]


def _said(value: object, depth: int) -> Iterator[bytes]:
    yield type(value).__name__.encode()
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, (str, int, float)) or value is None:
        yield repr(value).encode("utf-8", "surrogatepass")
    elif hasattr(value, "data_ptr") or hasattr(value, "__array_interface__"):
        yield from _said_array(value)
    elif depth == 0:
        return
    elif isinstance(value, Mapping):
        for key, held in zip(elements(value)[:LIMIT], _copied_values(value)[:LIMIT], strict=False):
            yield from _said(key, depth - 1)
            yield from _said(held, depth - 1)
    elif isinstance(value, (set, frozenset)):
        yield from sorted(digest(element, depth - 1).encode() for element in elements(value)[:LIMIT])
    elif is_container(value):
        for element in elements(value)[:LIMIT]:
            yield from _said(element, depth - 1)
    else:
        for name, held in sorted(getattr(value, "__dict__", {}).items()):
            yield name.encode()
            yield from _said(held, depth - 1)


def _said_array(value: Any) -> Iterator[bytes]:
    yield f"{getattr(value, 'shape', '')}{getattr(value, 'dtype', '')}".encode()
    tobytes = getattr(value, "tobytes", None)
    if callable(tobytes) and getattr(value, "nbytes", 1 << 30) <= 1 << 20:
        yield tobytes()
    elif hasattr(value, "data_ptr"):
        yield str(value.data_ptr()).encode()


class Instances:
    """The objects of one class that were seen, held weakly."""

    def __init__(self) -> None:
        self._seen: MutableMapping[int, weakref.ref[object]] = {}
        self.unheld = 0

    def see(self, thing: object) -> None:
        key = id(thing)
        known = self._seen.get(key)
        if known is not None and known() is thing:
            return
        try:
            self._seen[key] = weakref.ref(thing)
        except TypeError:
            self.unheld += 1

    def __contains__(self, key: int) -> bool:
        """Whether the object with this id was seen and lives."""
        known = self._seen.get(key)
        return known is not None and known() is not None

    def __iter__(self) -> Iterator[object]:
        for key, held in list(self._seen.items()):
            thing = held()
            if thing is None:
                self._seen.pop(key, None)
            else:
                yield thing

    def __bool__(self) -> bool:
        return any(True for _ in self)


def has_class(thing: object, qualname: str) -> bool:
    return any(base.__qualname__ == qualname for base in type(thing).__mro__)


def told(values: Iterable[object], secret: bytes, raw: bool, limit: int = 3) -> list[str]:
    """Ids as they go into a record: hashed with a secret of the run, unless the user asked to see them."""
    found = sorted(str(value) for value in values)[:limit]
    if raw:
        return found
    import hashlib

    return [hashlib.sha256(secret + text.encode("utf-8", "surrogatepass")).hexdigest()[:10] for text in found]
