"""Names that say nothing, and which of a case's own names may not be replaced by them."""

import tomllib
from collections.abc import Iterable

from llmlint.phrases import contains, words
from llmlint.protocols import shipped_protocols
from llmlint.vocabulary_file import WORDS_FILE

_POOL = (
    "apple birch cedar daisy elder fern grape hazel iris juniper kale larch maple nettle olive pear quince "
    "rowan sorrel thyme umber violet willow yarrow acorn basil clover dahlia endive fennel ginger holly indigo "
    "jasmine lemon mint oak poppy rose sage tulip vine walnut aster beech carrot dill elm fig garlic heather "
    "ivy lilac melon myrtle orchid parsley radish spruce turnip anise barley cherry cypress lotus mango nutmeg "
    "onion papaya peach plum saffron"
).split()

_NOT_VERBS = (
    "joint lead_in question whole not_state finite_keys requests request_ids ranks not_ranks equal_on_ranks "
    "tokens content_ids recency locks local_errors starts_threads thread_settings "
    "number_types host_sizes"
).split()
"""Groups of the vocabulary that hold nouns, and particles that mean nothing alone."""


_EXCUSES = ("not_state", "finite_keys", "optional_hooks", "equal_on_ranks", "not_ranks")
"""Groups whose words say that something that looks wrong is meant: good code is good by them."""


def _vocabulary() -> dict[str, list[dict[str, object]]]:
    return tomllib.loads(WORDS_FILE.read_text("utf-8"))


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _last(call: str) -> str:
    return call.lstrip(".=").replace("::", ".").rpartition(".")[2]


_VERBS = (
    frozenset(
        _last(text)
        for group, rows in _vocabulary().items()
        if group not in _NOT_VERBS
        for row in rows
        for key, value in row.items()
        if key in ("words", "pairs", "calls")
        for text in _texts(value)
    )
    | {"hash", "key"}
    | {_last(call) for row in shipped_protocols() for call in (*row.entering_calls, *row.leaving_calls)}
)
_RANKS = frozenset(text for row in _vocabulary()["ranks"] for text in _texts(row["words"]))
_EXCUSING = frozenset(text for group in _EXCUSES for row in _vocabulary()[group] for text in _texts(row["words"]))


def carries_a_verb(function: str) -> bool:
    """Whether the function's name holds a verb of the field, by which a reader knows what it is for."""
    return contains(words(function), _VERBS)


def tells_the_rank(name: str) -> bool:
    """That a value differs between ranks is told by nothing but its name."""
    return contains(words(name), _RANKS)


def excuses(name: str) -> bool:
    """That a thing is a statistic, a key one of few or a value equal on all ranks is told by its name alone."""
    return contains(words(name), _EXCUSING)


def neutral(names: Iterable[str], taken: Iterable[str], types: Iterable[str] = ()) -> dict[str, str]:
    """A name that says nothing for each, with the underscores in front kept; types get capitals."""
    used, types = set(taken), set(types)
    free = (word for word in (*_POOL, *(f"{one}_{two}" for one in _POOL for two in _POOL)) if word not in used)
    renamed = {}
    for name in sorted(names):
        word = next(free)
        plain = name.lstrip("_")
        shaped = word.title().replace("_", "") if name in types and plain[:1].isupper() else word
        renamed[name] = name[: len(name) - len(plain)] + shaped
    return renamed
