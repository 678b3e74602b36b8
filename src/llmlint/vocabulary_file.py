"""The words as they are written: `rules/vocabulary.toml`, and what a project adds in `[tool.llmlint.vocabulary]`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from llmlint.flows import Flow, shipped_flows
from llmlint.protocols import Protocol, shipped_protocols
from llmlint.vocabulary import Blocking, Collective, DeviceCopy, Vocabulary

WORDS_FILE = Path(__file__).parent / "rules" / "vocabulary.toml"


class VocabularyError(ValueError):
    """Words that cannot be read. `key` is the setting at fault, as in `terminal` or `collectives[0].kind`."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{key}: {problem}" if key else problem)
        self.key = key
        self.problem = problem


class _Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: tuple[str, ...]
    source: str = "configuration"


class _Beside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: Literal["test", "benchmark", "setup", "example", "command line tool"]
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
    kind: Literal["sleep", "process", "network", "peer", "gpu", "model", "inference", "work", "file"] = "peer"
    timeout: str = ""
    limited_by: str = ""
    made_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = "configuration"

    def rows(self) -> Iterable[Blocking]:
        for call, at in self.calls.items():
            yield Blocking(
                call, self.kind, self.timeout, at, self.limited_by, self.made_by, self.receivers, self.source
            )


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
    pooled_ids: _Group = []
    fresh_ids: _Group = []
    requests: _Group = []
    submits: _Group = []
    not_state: _Group = []
    finite_keys: _Group = []
    optional_hooks: _Group = []
    operators: _Group = []
    coroutines: _Group = []
    begins_a_loop: _Group = []
    zero_counts: _Group = []
    zero_ids: _Group = []
    ranks: _Group = []
    not_ranks: _Group = []
    equal_on_ranks: _Group = []
    makes_equal: _Group = []
    syncs: _Group = []
    offload: _Group = []
    local_answers: _Group = []
    local_memory: _Group = []
    local_errors: _Group = []
    unmaps: _Group = []
    reuse: _Group = []
    content_ids: _Group = []
    request_data: _Group = []
    tokens: _Group = []
    empties: _Group = []
    advances: _Group = []
    refuses_by_answer: _Group = []
    locks: _Group = []
    starts_threads: _Group = []
    thread_settings: _Group = []
    number_types: _Group = []
    only_uses: _Group = []
    answers_first: _Group = []
    gives_only: _Group = []
    raises: _Group = []
    serves: _Group = []
    copied: _Group = []
    nullable: _Group = []
    tensor_makers: _Group = []
    sets_up: _Group = []
    steps: _Group = []
    host_memory: _Group = []
    host_sizes: _Group = []
    stream_orders: _Group = []
    self_ordered: _Group = []
    started_elsewhere: _Group = []
    cancels_elsewhere: _Group = []
    sending_ends: _Group = []
    gpu_calls: _Group = []
    gpu_memory: _Group = []
    block_barriers: _Group = []
    warp_barriers: _Group = []
    pool_barriers: _Group = []
    block_groups: _Group = []
    thread_ids: _Group = []
    thread_id_calls: _Group = []
    keeps_apart: _Group = []
    sets_device: _Group = []
    on_current_device: _Group = []
    on_default_device: _Group = []
    capture_refuses: _Group = []
    reaches_through: _Group = []
    python_modules: _Group = []
    frees_python: _Group = []
    translates: _Group = []
    configures: _Group = []
    beside: list[_Beside] = []
    save_restore: list[_WordPairs] = []
    give_back: list[_WordPairs] = []
    collectives: list[_Collectives] = []
    blocking: list[_Blocking] = []
    pins_memory: _Group = []
    device_copies: list[DeviceCopy] = []


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


def _joined(parts: Sequence[_Written], protocols: tuple[Protocol, ...], flows: tuple[Flow, ...]) -> Vocabulary:
    groups = {
        name: frozenset(word for part in parts for word in _flat(getattr(part, name)))
        for name in _Written.__struct_fields__
        if name not in ("save_restore", "give_back", "collectives", "blocking", "beside", "device_copies")
    }
    return Vocabulary(
        save_restore=tuple(pair for part in parts for row in part.save_restore for pair in row.pairs),
        give_back=tuple(pair for part in parts for row in part.give_back for pair in row.pairs),
        collectives=tuple(row for part in parts for group in part.collectives for row in group.rows()),
        blocking=tuple(row for part in parts for group in part.blocking for row in group.rows()),
        device_copies=tuple(row for part in parts for row in part.device_copies),
        beside=tuple((row.kind, frozenset(row.words)) for part in parts for row in part.beside),
        protocols=protocols,
        flows=flows,
        **groups,
    )


@lru_cache(maxsize=1)
def _shipped() -> _Written:
    return _read(tomllib.loads(WORDS_FILE.read_text(encoding="utf-8")))


def load_vocabulary(
    extra: Mapping[str, Any] | None = None, protocols: Iterable[Protocol] = (), flows: Iterable[Flow] = ()
) -> Vocabulary:
    """The shipped words, protocols and flows, with a project's own added; where two name one call, the project's is
    meant."""
    if not (extra or protocols or flows):
        return _shipped_vocabulary()
    parts = [_shipped(), *([_read(extra)] if extra else [])]
    return _joined(parts, (*protocols, *shipped_protocols()), (*flows, *shipped_flows()))


@lru_cache(maxsize=1)
def _shipped_vocabulary() -> Vocabulary:
    """One for all that add nothing to it, with what it has worked out of its words."""
    return _joined([_shipped()], shipped_protocols(), shipped_flows())
