"""The domain's words: `vocabulary.toml`, `protocols.toml` and `flows.toml` of `rules/`, and what a project adds.

Checkers ask questions of a `Vocabulary` (is this a terminal verb, which call gives back what this one took); how words
and calls are written down is explained at the heads of the TOML files, which `vocabulary_file.py` reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property

import msgspec

from llmlint.calls import CallIndex, is_call, names_call
from llmlint.flows import Flow, Flows
from llmlint.phrases import contains, ends, last_name, starts, words
from llmlint.protocols import Protocol

__all__ = ["Blocking", "Collective", "DeviceCopy", "Vocabulary", "words"]


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

    `kind`: sleep, process (a child), network, peer (another thread, process or rank), gpu, model (the answer of one
    that a server runs), inference (one that runs here), work (it computes for long) or file. `timeout` names the
    argument that bounds the wait, "" where none does; `limited_by` names a call that limits all such waits of a
    process. Where given, the object that the method is called on must come from one of `made_by` (calls and types), and
    have one of the `receivers` in its name.
    """

    call: str
    kind: str = "peer"
    timeout: str = ""
    timeout_at: int = -1
    limited_by: str = ""
    made_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    source: str = "configuration"


class DeviceCopy(msgspec.Struct, frozen=True):
    """A call of C that comes back while a copy between the host's memory and a device's is under way.

    `leaves` and `arrives` are the positions of the host's side where it is read from and where it is written to, -1
    where the call copies one way only; `told_at` that of the argument whose name says which (`cudaMemcpyHostToDevice`).
    `pinned`: only memory that is pinned is copied behind one's back.
    """

    call: str
    leaves: int = -1
    arrives: int = -1
    told_at: int = -1
    pinned: bool = False
    source: str = "configuration"


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
    pooled_ids: frozenset[str] = frozenset()
    fresh_ids: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()
    request_data: frozenset[str] = frozenset()
    submits: frozenset[str] = frozenset()
    not_state: frozenset[str] = frozenset()
    finite_keys: frozenset[str] = frozenset()
    optional_hooks: frozenset[str] = frozenset()
    operators: frozenset[str] = frozenset()
    coroutines: frozenset[str] = frozenset()
    begins_a_loop: frozenset[str] = frozenset()
    zero_counts: frozenset[str] = frozenset()
    zero_ids: frozenset[str] = frozenset()
    ranks: frozenset[str] = frozenset()
    not_ranks: frozenset[str] = frozenset()
    equal_on_ranks: frozenset[str] = frozenset()
    makes_equal: frozenset[str] = frozenset()
    syncs: frozenset[str] = frozenset()
    offload: frozenset[str] = frozenset()
    local_answers: frozenset[str] = frozenset()
    local_memory: frozenset[str] = frozenset()
    local_errors: frozenset[str] = frozenset()
    unmaps: frozenset[str] = frozenset()
    reuse: frozenset[str] = frozenset()
    content_ids: frozenset[str] = frozenset()
    tokens: frozenset[str] = frozenset()
    empties: frozenset[str] = frozenset()
    advances: frozenset[str] = frozenset()
    refuses_by_answer: frozenset[str] = frozenset()
    locks: frozenset[str] = frozenset()
    starts_threads: frozenset[str] = frozenset()
    thread_settings: frozenset[str] = frozenset()
    number_types: frozenset[str] = frozenset()
    only_uses: frozenset[str] = frozenset()
    answers_first: frozenset[str] = frozenset()
    gives_only: frozenset[str] = frozenset()
    raises: frozenset[str] = frozenset()
    serves: frozenset[str] = frozenset()
    copied: frozenset[str] = frozenset()
    nullable: frozenset[str] = frozenset()
    tensor_makers: frozenset[str] = frozenset()
    sets_up: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    host_memory: frozenset[str] = frozenset()
    host_sizes: frozenset[str] = frozenset()
    stream_orders: frozenset[str] = frozenset()
    self_ordered: frozenset[str] = frozenset()
    started_elsewhere: frozenset[str] = frozenset()
    cancels_elsewhere: frozenset[str] = frozenset()
    sending_ends: frozenset[str] = frozenset()
    gpu_calls: frozenset[str] = frozenset()
    gpu_memory: frozenset[str] = frozenset()
    block_barriers: frozenset[str] = frozenset()
    warp_barriers: frozenset[str] = frozenset()
    pool_barriers: frozenset[str] = frozenset()
    block_groups: frozenset[str] = frozenset()
    thread_ids: frozenset[str] = frozenset()
    thread_id_calls: frozenset[str] = frozenset()
    keeps_apart: frozenset[str] = frozenset()
    sets_device: frozenset[str] = frozenset()
    on_current_device: frozenset[str] = frozenset()
    on_default_device: frozenset[str] = frozenset()
    capture_refuses: frozenset[str] = frozenset()
    reaches_through: frozenset[str] = frozenset()
    python_modules: frozenset[str] = frozenset()
    frees_python: frozenset[str] = frozenset()
    translates: frozenset[str] = frozenset()
    configures: frozenset[str] = frozenset()
    beside: tuple[tuple[str, frozenset[str]], ...] = ()
    save_restore: tuple[tuple[str, str], ...] = ()
    give_back: tuple[tuple[str, str], ...] = ()
    protocols: tuple[Protocol, ...] = ()
    flows: tuple[Flow, ...] = ()
    collectives: tuple[Collective, ...] = ()
    blocking: tuple[Blocking, ...] = ()
    pins_memory: frozenset[str] = frozenset()
    device_copies: tuple[DeviceCopy, ...] = ()

    @cached_property
    def native_flows(self) -> Flows:
        """What is known of values from outside in C, C++ and CUDA."""
        return Flows(self.flows, "cpp")

    @cached_property
    def python_flows(self) -> Flows:
        """The same in Python."""
        return Flows(self.flows, "python")

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

    def is_copy(self, name: str) -> bool:
        return starts(words(name), self.copies) > 0

    def is_optional_hook(self, name: str) -> bool:
        return not self.optional_hooks.isdisjoint(words(name)) or contains(words(name), self.optional_hooks)

    def is_for_operators(self, route: str) -> bool:
        """Is a route, by its path or by what is said of it, for whoever runs the service or for another part of it:
        `/admin/x`, `ADMIN_ONLY`, `/worker_status`?"""
        return contains(words(route), self.operators)

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
        return contains(words(name), self._ways_of_restoring)

    @cached_property
    def _ways_of_restoring(self) -> frozenset[str]:
        return frozenset("_".join(back) for _, back in self._save_restore_words)

    def _ways_back(self, save: tuple[str, ...]) -> set[tuple[str, ...]]:
        found = set()
        for out, back in self._save_restore_words:
            if out[0] not in save:
                continue
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

    def is_pooled_id(self, path: str) -> bool:
        """Is it the id of a place, which the next request gets again: `req_pool_idx`, `id_slot`?"""
        return ends(words(last_name(path)), self.pooled_ids)

    def makes_fresh_id(self, callee: str) -> bool:
        """Does a call give an id that nobody had before: `uuid.uuid4`?"""
        return last_name(callee.removesuffix("()")) in self.fresh_ids

    def is_request_data(self, path: str) -> bool:
        """Is it something that requests bring and that differs from one to the next: `prompt`, `image_url`?"""
        return ends(words(last_name(path)), self.request_data)

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

    def names_tokens(self, path: str) -> bool:
        """Is it the tokens of a request: `prompt_token_ids`, `input_ids`?"""
        return ends(words(last_name(path)), self.tokens)

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

    def is_lock(self, path: str) -> bool:
        """Does the name say that it is a lock: `self._lock`, `queue.mutex`, `cv`?"""
        return not self.locks.isdisjoint(words(last_name(path)))

    def is_count(self, path: str) -> bool:
        """Is this a number of references: `block.ref_cnt`, `node.lock_ref`?"""
        return ends(words(last_name(path)), self._counts)

    # ------------------------------------------------------------ what a call does

    def entered_by(self, callee: str) -> tuple[Protocol, ...]:
        """The protocols whose state this call enters."""
        return self._entering.find(callee)

    def may_raise(self, callee: str) -> bool:
        """Does a library say of this call that it raises where what comes from outside is not as expected?"""
        return bool(self._raising.find(callee))

    @cached_property
    def _raising(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in sorted(self.raises))

    def may_enter(self, name: str) -> bool:
        """Could a call whose last part is this name enter a state?"""
        return self._entering.may_find(name)

    def left_by(self, callee: str) -> tuple[Protocol, ...]:
        """The protocols whose state this call leaves."""
        return self._leaving.find(callee)

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

    def starts_child(self, callee: str) -> bool:
        """Does this call start another process: one whose end can be waited for?"""
        return any(is_call(callee, by) for row in self.blocking if row.kind == "process" for by in row.made_by)

    def is_local_answer(self, callee: str) -> bool:
        """Does each rank answer this call for itself: a clock, a queue, a file?"""
        return bool(self._local_calls.find(callee)) or self.is_local_memory(callee)

    def is_local_memory(self, callee: str) -> bool:
        """Does it tell how much memory this rank's device has left?"""
        return bool(self._memory_calls.find(callee))

    def is_local_error(self, raised: str) -> bool:
        """Is this exception about one machine, and not about what every rank was given?"""
        return last_name(raised) in self.local_errors

    def syncs_gpu(self, callee: str) -> bool:
        return bool(self._sync_calls.find(callee))

    def makes_tensor(self, callee: str) -> bool:
        """Does the call make a tensor of its own: on the host, unless it is told otherwise?"""
        return bool(self._tensor_calls.find(callee))

    def orders_streams(self, callee: str) -> bool:
        """Does the call make one stream wait for another, or the host for one?"""
        return bool(self._stream_orders.find(callee))

    def names_gpu_call(self, name: str) -> bool:
        """Is this a call of a GPU's runtime that answers with an error code?"""
        return bool(self._gpu_calls.find(name))

    def selects_device(self, callee: str) -> bool:
        """Does the call say which device this thread works on?"""
        return names_call(self._sets_device, callee)

    def works_on_current(self, callee: str, with_arguments: bool) -> bool:
        """Does the call work on whichever device the thread has selected? Some are told another by an argument."""
        return names_call(self._on_current_device, callee) or (
            not with_arguments and names_call(self._on_default_device, callee)
        )

    @cached_property
    def _sets_device(self) -> tuple[str, ...]:
        return tuple(sorted(self.sets_device))

    @cached_property
    def _on_current_device(self) -> tuple[str, ...]:
        return tuple(sorted(self.on_current_device))

    @cached_property
    def _on_default_device(self) -> tuple[str, ...]:
        return tuple(sorted(self.on_default_device))

    def gives_gpu_memory(self, name: str) -> bool:
        """Does what follows work on no memory, or on old data, when this call has failed?"""
        return name in self.gpu_memory

    def is_refused_by_capture(self, callee: str) -> bool:
        """Does a stream that records a graph not allow the call: it waits, or takes or gives back memory at once?"""
        return bool(self._capture_refuses.find(callee))

    def unmaps_memory(self, callee: str) -> bool:
        return bool(self._unmap_calls.find(callee))

    def empties_allocator(self, callee: str) -> bool:
        return ends(words(last_name(callee)), self.empties)

    @cached_property
    def _entering(self) -> CallIndex[Protocol]:
        return CallIndex((call, row) for row in self.protocols for call in row.entering_calls)

    @cached_property
    def _leaving(self) -> CallIndex[Protocol]:
        return CallIndex((call, row) for row in self.protocols for call in row.leaving_calls)

    @cached_property
    def _counts(self) -> frozenset[str]:
        counts = (row for row in self.protocols if row.kind == "count")
        return frozenset(change.name for row in counts for change in row.entering_changes)

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
    def _stream_orders(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.stream_orders)

    @cached_property
    def _capture_refuses(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.capture_refuses)

    @cached_property
    def _gpu_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.gpu_calls)

    @cached_property
    def _tensor_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.tensor_makers)

    @cached_property
    def _local_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in sorted(self.local_answers))

    @cached_property
    def _memory_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in sorted(self.local_memory))

    @cached_property
    def _sync_calls(self) -> CallIndex[str]:
        return CallIndex((call, call) for call in self.syncs)
