"""The domain's words: `rules/vocabulary.toml`, plus what a project adds in `[tool.llmlint.vocabulary]`.

Checkers ask questions of a `Vocabulary` (is this a terminal verb, which call gives back what this one took); how words
and calls are written down is explained at the head of the TOML file.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from llmlint.calls import CallIndex
from llmlint.phrases import contains, ends, last_name, starts, words

__all__ = ["Blocking", "Collective", "Pair", "Vocabulary", "VocabularyError", "load_vocabulary", "words"]

WORDS_FILE = Path(__file__).parent / "rules" / "vocabulary.toml"


class VocabularyError(ValueError):
    """Words that cannot be read. `key` is the setting at fault, as in `terminal` or `pairs[0].held`."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.key = key
        self.problem = problem


class Pair(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calls that must balance. `held` says what is lent: the call's "result", an "argument" or the "receiver".

    `collected` things give themselves back when nothing refers to them any more; a `counted` one is lent by a count.
    Of C functions, `out` says which argument points to where the thing lent is written, and `taken_at` which one is
    given back where that is not the first; the first is 1. A struct lent by value is told from others by the pointer
    that stands `within` it, so many bytes from its start. What is `lasting` is often kept until the program ends.
    """

    acquire: tuple[str, ...]
    release: tuple[str, ...]
    held: Literal["result", "argument", "receiver"] = "result"
    what: str = "resource"
    collected: bool = False
    counted: bool = False
    lasting: bool = False
    out: int = 0
    taken_at: tuple[tuple[str, int], ...] = ()
    within: int = 0
    source: str = "configuration"


class Collective(msgspec.Struct, frozen=True):
    """A call every rank of a group must make.

    `kind`: collective, barrier, point (send or receive), create (of a group), store (made or joined), wait (on one).
    `group` and `timeout` name arguments, `group_at` and `timeout_at` are their positions, -1 where there is none.
    `receivers`, where given, are words one of which must be in the name of the object the method is called on.
    """

    call: str
    kind: str
    group: str = ""
    group_at: int = -1
    timeout: str = ""
    timeout_at: int = -1
    modules: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = "configuration"

    @property
    def name(self) -> str:
        return self.call.lstrip(".=").rpartition(".")[2]


class Blocking(msgspec.Struct, frozen=True):
    """A call that does not come back for a while.

    `kind`: sleep, process (a child), network, peer (another thread, process or rank), gpu, work (it computes for long)
    or file. `timeout` names the argument that bounds the wait, "" where none does. Where given, the object that the
    method is called on must come from one of `made_by` (calls and types), and have one of the `receivers` in its name.
    """

    call: str
    kind: str = "peer"
    timeout: str = ""
    timeout_at: int = -1
    made_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = "configuration"


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: tuple[str, ...]
    source: str = "configuration"


class _Beside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["test", "benchmark", "setup"]
    words: tuple[str, ...]
    source: str = "configuration"


class _WordPairs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pairs: tuple[tuple[str, str], ...]
    source: str = "configuration"


class _Collectives(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["collective", "barrier", "point", "create", "store", "wait"]
    calls: dict[str, int]
    group: str = ""
    timeout: str = ""
    timeout_at: int = -1
    modules: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = "configuration"

    def rows(self) -> Iterable[Collective]:
        for call, at in self.calls.items():
            yield Collective(
                call=f"{self.modules[0]}.{call}" if self.modules else call,
                kind=self.kind,
                group=self.group,
                group_at=at,
                timeout=self.timeout,
                timeout_at=self.timeout_at,
                modules=self.modules,
                receivers=self.receivers,
                source=self.source,
            )


class _Blocking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    calls: dict[str, int]
    kind: Literal["sleep", "process", "network", "peer", "gpu", "work", "file"] = "peer"
    timeout: str = ""
    made_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = "configuration"

    def rows(self) -> Iterable[Blocking]:
        for call, at in self.calls.items():
            yield Blocking(call, self.kind, self.timeout, at, self.made_by, self.receivers, self.source)


_Group = list[str | _Words]


class _Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words as they are written in TOML; what each group means is said in the file."""

    terminal: _Group = []
    ended: _Group = []
    lead_in: _Group = []
    question: _Group = []
    sweeps: _Group = []
    reset: _Group = []
    whole: _Group = []
    joint: _Group = []
    copies: _Group = []
    request_ids: _Group = []
    requests: _Group = []
    submits: _Group = []
    not_state: _Group = []
    finite_keys: _Group = []
    optional_hooks: _Group = []
    ranks: _Group = []
    not_ranks: _Group = []
    equal_on_ranks: _Group = []
    makes_equal: _Group = []
    syncs: _Group = []
    offload: _Group = []
    counts: _Group = []
    local_answers: _Group = []
    local_errors: _Group = []
    unmaps: _Group = []
    reuse: _Group = []
    content_ids: _Group = []
    lost_peers: _Group = []
    tokens: _Group = []
    recency: _Group = []
    empties: _Group = []
    advances: _Group = []
    only_uses: _Group = []
    serves: _Group = []
    beside: list[_Beside] = []
    save_restore: list[_WordPairs] = []
    give_back: list[_WordPairs] = []
    undone: list[_WordPairs] = []
    pairs: list[Pair] = []
    collectives: list[_Collectives] = []
    blocking: list[_Blocking] = []


class Vocabulary(msgspec.Struct, frozen=True, dict=True):
    """The words, grouped by what they say. A phrase of several words is written with underscores: `wake_up`."""

    terminal: frozenset[str] = frozenset()
    ended: frozenset[str] = frozenset()
    lead_in: frozenset[str] = frozenset()
    question: frozenset[str] = frozenset()
    sweeps: frozenset[str] = frozenset()
    reset: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    joint: frozenset[str] = frozenset()
    copies: frozenset[str] = frozenset()
    request_ids: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    submits: frozenset[str] = frozenset()
    not_state: frozenset[str] = frozenset()
    finite_keys: frozenset[str] = frozenset()
    optional_hooks: frozenset[str] = frozenset()
    ranks: frozenset[str] = frozenset()
    not_ranks: frozenset[str] = frozenset()
    equal_on_ranks: frozenset[str] = frozenset()
    makes_equal: frozenset[str] = frozenset()
    syncs: frozenset[str] = frozenset()
    offload: frozenset[str] = frozenset()
    counts: frozenset[str] = frozenset()
    local_answers: frozenset[str] = frozenset()
    local_errors: frozenset[str] = frozenset()
    unmaps: frozenset[str] = frozenset()
    reuse: frozenset[str] = frozenset()
    content_ids: frozenset[str] = frozenset()
    lost_peers: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    recency: frozenset[str] = frozenset()
    empties: frozenset[str] = frozenset()
    advances: frozenset[str] = frozenset()
    only_uses: frozenset[str] = frozenset()
    serves: frozenset[str] = frozenset()
    beside: tuple[tuple[str, frozenset[str]], ...] = ()
    save_restore: tuple[tuple[str, str], ...] = ()
    give_back: tuple[tuple[str, str], ...] = ()
    undone: tuple[tuple[str, str], ...] = ()
    pairs: tuple[Pair, ...] = ()
    collectives: tuple[Collective, ...] = ()
    blocking: tuple[Blocking, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The same for equal words in any order: part of the cache's key."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]

    # ------------------------------------------------------------ what a method's name promises

    def is_terminal(self, name: str) -> bool:
        """Does a method of this name end a request's life: `_handle_abort_req`, `free`, `request_finished`?"""
        verb = self._without_lead_in(words(name))
        if not verb or verb[0] in self.question:
            return False
        return starts(verb, self.terminal) > 0 or verb[-1] in self.ended

    def is_reset(self, name: str) -> tuple[str, ...] | None:
        """What a method of this name owes a reset to: () for the whole object, ("encoder", "cache") for
        `reset_encoder_cache`, None when it resets nothing."""
        verb = self._without_lead_in(words(name))
        if not verb or verb[0] in self.question:
            return None
        taken = starts(verb, self.reset)
        if taken:
            return self._object(verb[taken:])
        if len(verb) > 1 and verb[-1] in self.reset and verb[0] not in self.terminal:
            return self._object(verb[:-1])
        return None

    def is_offload(self, name: str) -> bool:
        """Does a method of this name give memory up for a while: `sleep`, `_offload_kv_cache`?"""
        return starts(self._without_lead_in(words(name)), self.offload) > 0

    def is_sweep(self, name: str) -> bool:
        """Must a method of this name look at every request, wherever it waits: `abort_request`, `is_fully_idle`?"""
        verb = self._without_lead_in(words(name))
        if not verb or not self.joint.isdisjoint(verb):
            return False  # `abort_on_timeout` is about some of them
        asks = verb[0] in self.question and contains(verb, self.sweeps)
        return asks or starts(verb, self.sweeps) > 0 or ends(verb, self.sweeps)

    def asks_reuse(self, name: str) -> bool:
        """Does a method of this name ask whether what is there will do: `can_reuse`, `is_same_batch`?"""
        return contains(words(name), self.reuse)

    def _without_lead_in(self, verb: tuple[str, ...]) -> tuple[str, ...]:
        while len(verb) > 1 and verb[0] in self.lead_in:
            verb = verb[1:]
        return verb

    def _object(self, rest: tuple[str, ...]) -> tuple[str, ...]:
        """The words that name a thing: without `all` and `state`, and up to `from`, `for`, `after`."""
        until = next((at for at, word in enumerate(rest) if word in self.joint), len(rest))
        return tuple(word for word in rest[:until] if word not in self.whole)

    def undone_by(self, name: str, names: Iterable[str]) -> list[str]:
        """Which of the methods undo what the first does: `clear_metadata` what `bind_metadata` does."""
        verb = words(name)
        ways = {(back, *verb[1:]) for out, back in self.undone if len(verb) > 1 and verb[0] == out}
        return [other for other in names if words(other) in ways]

    def is_copy(self, name: str) -> bool:
        return starts(words(name), self.copies) > 0

    def is_optional_hook(self, name: str) -> bool:
        return not self.optional_hooks.isdisjoint(words(name)) or contains(words(name), self.optional_hooks)

    def restores(self, save: str, restore: str) -> bool:
        """Is the second the way back from the first: `state_write_meta` and `state_read_meta`?"""
        return words(restore) in self._ways_back(words(save))

    def save_restore_pairs(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """Each method that saves together with each that restores the same, in the order of `names`."""
        by_words: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            by_words.setdefault(words(name), []).append(name)
        return [
            (save, restore)
            for key, saves in by_words.items()
            for way_back in sorted(self._ways_back(key))
            for save in saves
            for restore in by_words.get(way_back, ())
        ]

    def is_restore(self, name: str) -> bool:
        """Is this the way back of some save: `state_read_meta`, `set_data`?"""
        return any(contains(words(name), frozenset({"_".join(back)})) for _, back in self._save_restore_words)

    def _ways_back(self, save: tuple[str, ...]) -> set[tuple[str, ...]]:
        found = set()
        for out, back in self._save_restore_words:
            for at in range(len(save) - len(out) + 1):
                if save[at : at + len(out)] == out:
                    found.add(save[:at] + back + save[at + len(out) :])
        return found

    @cached_property
    def _save_restore_words(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        return tuple((words(out), words(back)) for out, back in self.save_restore)

    # ------------------------------------------------------------ what a name stands for

    def is_request_id(self, path: str) -> bool:
        """Is this one request's id: `rid`, `req.request_id`, `id_slot`? Lists of ids are not."""
        return ends(words(last_name(path)), self.request_ids)

    def submits_request(self, callee: str) -> bool:
        """Does a call give an engine a request of its own: `engine.generate`, `self.beam_search`?"""
        return contains(words(last_name(callee)), self.submits)

    def speaks_of_requests(self, path: str) -> bool:
        """Does the name mention requests at all: `self.running_reqs`, `slots`, `room_to_sender`?"""
        name = words(last_name(path))
        return contains(name, self.requests) or contains(name, self.request_ids)

    def is_not_state(self, path: str) -> bool:
        """Does the name say it lives as long as its owner: `self.metrics`, `_stop_event`, `model_config`?"""
        return contains(words(last_name(path)), self.not_state)

    def tells_requests_apart(self, path: str) -> bool:
        """Does it, beside its tokens, make a request's KV its own: `mm_hashes`, `lora_request`, `cache_salt`?"""
        return contains(words(last_name(path)), self.content_ids)

    def tells_a_peer_is_lost(self, name: str) -> bool:
        """Does a method of this name run when a peer has gone: `_handle_node_failure`, `on_disconnect`?"""
        return contains(words(name), self.lost_peers)

    def names_tokens(self, path: str) -> bool:
        """Is it the tokens of a request: `prompt_token_ids`, `input_ids`?"""
        return ends(words(last_name(path)), self.tokens)

    def is_recency(self, path: str) -> bool:
        """Does it say when something was last used: `t_last_used`, `last_access_time`?"""
        return contains(words(last_name(path)), self.recency)

    def is_finite_key(self, path: str) -> bool:
        """Are there only so many of these: layers, dtypes, ranks?"""
        return not self.is_request_id(path) and contains(words(last_name(path)), self.finite_keys)

    def is_rank(self, path: str) -> bool:
        """Does the value differ from rank to rank: `tp_rank`, `is_driver_worker`? `lora_rank` does not."""
        name = words(last_name(path))
        return contains(name, self.ranks) and not contains(name, self.not_ranks)

    def is_equal_on_ranks(self, path: str) -> bool:
        """Is any part of the path a thing all ranks agree on: `self.config.use_mla`, `tp_size`?"""
        parts = [words(part) for part in path.replace("()", "").replace("[]", "").split(".")]
        return not self.is_rank(path) and any(contains(part, self.equal_on_ranks) for part in parts)

    def equalises(self, callee: str) -> bool:
        """Is the result of this call the same on every rank?"""
        return ends(words(last_name(callee)), self.makes_equal)

    def is_count(self, path: str) -> bool:
        """Is this a number of references: `block.ref_cnt`, `node.lock_ref`?"""
        return ends(words(last_name(path)), self.counts)

    # ------------------------------------------------------------ what a call does

    def pairs_for(self, callee: str) -> tuple[Pair, ...]:
        """The pairs this call opens."""
        return self._acquires.find(callee)

    def may_acquire(self, name: str) -> bool:
        """Could a call whose last part is this name open a pair?"""
        return self._acquires.may_find(name)

    def released_by(self, callee: str) -> tuple[Pair, ...]:
        """The pairs this call closes."""
        return self._releases.find(callee)

    def collective(self, callee: str) -> Collective | None:
        receiver = set(words(last_name(callee.rpartition(".")[0])))
        for found in self._collective_calls.find(callee):
            if not found.receivers or not receiver.isdisjoint(found.receivers):
                return found
        return None

    def blocking_calls(self, callee: str) -> tuple[Blocking, ...]:
        """What this call may be, where it is one that waits: whose method it is says which."""
        return self._blocking_calls.find(callee)

    def may_block(self, name: str) -> bool:
        """Could a call whose last part is this name be one that waits? A sieve before calls are resolved."""
        return self._blocking_calls.may_find(name)

    def is_local_answer(self, callee: str) -> bool:
        """Does each rank answer this call for itself: a clock, a queue, a file?"""
        return bool(self._local_calls.find(callee))

    def is_local_error(self, raised: str) -> bool:
        """Is this exception about one machine, and not about what every rank was given?"""
        return last_name(raised) in self.local_errors

    def syncs_gpu(self, callee: str) -> bool:
        return bool(self._sync_calls.find(callee))

    def unmaps_memory(self, callee: str) -> bool:
        return bool(self._unmap_calls.find(callee))

    def empties_allocator(self, callee: str) -> bool:
        return ends(words(last_name(callee)), self.empties)

    @cached_property
    def _acquires(self) -> CallIndex[Pair]:
        return CallIndex((call, pair) for pair in self.pairs for call in pair.acquire)

    @cached_property
    def _releases(self) -> CallIndex[Pair]:
        return CallIndex((call, pair) for pair in self.pairs for call in pair.release)

    @cached_property
    def collective_names(self) -> frozenset[str]:
        """The last part of every collective's name: a cheap sieve before a call is resolved."""
        return frozenset(row.name for row in self.collectives)

    @cached_property
    def _collective_calls(self) -> CallIndex[Collective]:
        return CallIndex(
            (call, row)
            for row in self.collectives
            for call in ([f"{module}.{row.name}" for module in row.modules] or [row.call])
        )

    @cached_property
    def _blocking_calls(self) -> CallIndex[Blocking]:
        return CallIndex((row.call, row) for row in self.blocking)

    @cached_property
    def _unmap_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.unmaps)

    @cached_property
    def _local_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in sorted(self.local_answers))

    @cached_property
    def _sync_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.syncs)


_AT_KEY = re.compile(r" - at `\$\.?(?P<key>[^`]*)`$")
_UNKNOWN_FIELD = re.compile(r"unknown field `(?P<field>[^`]+)`")


def _read(written: Mapping[str, Any]) -> _Written:
    try:
        return msgspec.convert(written, _Written)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error


def _explained(problem: str) -> VocabularyError:
    """msgspec's complaint with the key in front and, for an unknown one, the nearest there is."""
    at = _AT_KEY.search(problem)
    key = at["key"] if at else ""
    text = _AT_KEY.sub("", problem)
    unknown = _UNKNOWN_FIELD.search(text)
    if unknown and not key:
        from difflib import get_close_matches

        near = get_close_matches(unknown["field"], _Written.__struct_fields__, n=1)
        return VocabularyError(unknown["field"], "no such group of words" + (f"; nearest: {near[0]}" if near else ""))
    return VocabularyError(key, text[0].lower() + text[1:])


def _flat(group: _Group) -> Iterable[str]:
    for row in group:
        yield from (row,) if isinstance(row, str) else row.words


def _joined(parts: Iterable[_Written]) -> Vocabulary:
    parts = list(parts)
    groups = {
        name: frozenset(word for part in parts for word in _flat(getattr(part, name)))
        for name in _Written.__struct_fields__
        if name not in ("save_restore", "give_back", "undone", "pairs", "collectives", "blocking", "beside")
    }
    return Vocabulary(
        save_restore=tuple(pair for part in parts for row in part.save_restore for pair in row.pairs),
        give_back=tuple(pair for part in parts for row in part.give_back for pair in row.pairs),
        undone=tuple(pair for part in parts for row in part.undone for pair in row.pairs),
        pairs=tuple(pair for part in parts for pair in part.pairs),
        collectives=tuple(row for part in parts for group in part.collectives for row in group.rows()),
        blocking=tuple(row for part in parts for group in part.blocking for row in group.rows()),
        beside=tuple((row.kind, frozenset(row.words)) for part in parts for row in part.beside),
        **groups,
    )


@lru_cache(maxsize=1)
def _shipped() -> _Written:
    return _read(tomllib.loads(WORDS_FILE.read_text(encoding="utf-8")))


def load_vocabulary(extra: Mapping[str, Any] | None = None) -> Vocabulary:
    """The shipped words, with a project's own added."""
    return _joined([_shipped(), *([_read(extra)] if extra else [])])
