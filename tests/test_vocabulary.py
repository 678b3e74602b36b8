"""The domain's words: what names promise, what they stand for, which calls belong together."""

from __future__ import annotations

import tomllib
from itertools import chain
from typing import Any

import pytest

from llmlint.protocols import PROTOCOLS_FILE, Protocol
from llmlint.vocabulary import words
from llmlint.vocabulary_file import WORDS_FILE, VocabularyError, load_vocabulary

WORDS = load_vocabulary()


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("reset_prefixCache", ("reset", "prefix", "cache")),
        ("__getstate__", ("getstate",)),
        ("HTTPServer", ("http", "server")),
        ("_tp8Rank", ("tp", "8", "rank")),
        ("", ()),
    ],
)
def test_identifiers_are_split_into_words(identifier: str, expected: tuple[str, ...]) -> None:
    assert words(identifier) == expected


@pytest.mark.parametrize(
    "name",
    ["free", "abort_requests", "_handle_abort_req", "maybe_free", "request_finished", "on_disconnect", "cleanUp"],
)
def test_a_name_that_ends_a_request(name: str) -> None:
    assert WORDS.is_terminal(name)


@pytest.mark.parametrize(
    "name", ["get_num_free_blocks", "is_finished", "has_finished_requests", "add_request", "schedule", ""]
)
def test_a_name_that_only_asks_or_works_ends_nothing(name: str) -> None:
    assert not WORDS.is_terminal(name)


@pytest.mark.parametrize(
    ("name", "owes"),
    [
        ("reset", ()),
        ("clear_all", ()),
        ("reset_state", ()),
        ("restore_checkpoint_state", ()),
        ("wake_up", ()),
        ("_do_reset", ()),
        ("reset_for_new_request", ()),
        ("restore_from_snapshot", ()),
        ("__setstate__", ()),
        ("reset_encoder_cache", ("encoder", "cache")),
        ("flush_cache", ("cache",)),
        ("abort_all_requests", ("requests",)),
        ("kv_cache_clear", ("kv", "cache")),
        ("resetSlot", ("slot",)),
        ("is_reset", None),
        ("abort", None),
        ("get_reset_count", None),
        ("preset", None),
    ],
)
def test_what_a_reset_owes(name: str, owes: tuple[str, ...] | None) -> None:
    assert WORDS.is_reset(name) == owes


@pytest.mark.parametrize("name", ["can_reuse", "allow_reuse", "is_same_batch", "is_graph_compatible"])
def test_a_name_that_asks_whether_what_is_there_will_do(name: str) -> None:
    assert WORDS.asks_reuse(name)
    assert not WORDS.asks_reuse("set_params")


@pytest.mark.parametrize(
    "name", ["abort_request", "is_fully_idle", "flush_cache", "_is_no_request", "has_unfinished_requests"]
)
def test_a_name_that_promises_to_look_at_every_request(name: str) -> None:
    assert WORDS.is_sweep(name)


@pytest.mark.parametrize(
    "name", ["add_request", "_log_idle_metrics", "_abort_on_waiting_timeout", "get_num_free_blocks"]
)
def test_a_name_that_promises_less_than_to_look_at_every_request(name: str) -> None:
    assert not WORDS.is_sweep(name)


def test_methods_are_paired_with_their_way_back() -> None:
    methods = [
        "state_write_meta",
        "state_read_meta",
        "__getstate__",
        "__setstate__",
        "to_dict",
        "from_dict",
        "load",
        "state_read",
    ]
    assert WORDS.save_restore_pairs(methods) == [
        ("state_write_meta", "state_read_meta"),
        ("__getstate__", "__setstate__"),
        ("to_dict", "from_dict"),
    ]


def test_saving_one_thing_is_not_the_way_back_of_another() -> None:
    assert WORDS.restores("save_kv", "load_kv")
    assert not WORDS.restores("save_kv", "load_weights")


@pytest.mark.parametrize(
    "path", ["rid", "req.request_id", "self.slots[].id_slot", "kv_request_id", "bootstrap_room", "reqId"]
)
def test_the_names_of_one_request(path: str) -> None:
    assert WORDS.is_request_id(path)


@pytest.mark.parametrize("path", ["req_ids", "layer_id", "grid", "override", "token_id", "requests"])
def test_lists_of_ids_and_other_ids_are_not_a_request(path: str) -> None:
    assert not WORDS.is_request_id(path)


@pytest.mark.parametrize(
    "path", ["tp_rank", "self.is_driver_worker", "get_tensor_model_parallel_rank()", "group.is_first_rank"]
)
def test_what_differs_from_rank_to_rank(path: str) -> None:
    assert WORDS.is_rank(path) and not WORDS.is_equal_on_ranks(path)


@pytest.mark.parametrize("path", ["kv_lora_rank", "max_lora_rank", "num_ranks", "rerank"])
def test_ranks_of_matrices_and_counts_of_ranks_are_not_ranks(path: str) -> None:
    assert not WORDS.is_rank(path)


@pytest.mark.parametrize(
    "path", ["tp_size", "self.config.use_mla", "server_args.enable_dp_attention", "get_world_size()"]
)
def test_what_all_ranks_agree_on(path: str) -> None:
    assert WORDS.is_equal_on_ranks(path)


@pytest.mark.parametrize(
    ("callee", "what"),
    [
        ("self.pool.alloc", "memory of a pool"),
        ("tree.inc_lock_ref", "lock on a radix-tree node"),
        ("shared_memory.SharedMemory", "shared memory"),
        ("open", "file"),
        ("ggml_init", "ggml context"),
        ("~ggml_init", "ggml context"),
        ("ggml_backend_cuda_init", "backend"),
        ("std::fopen", "file"),
    ],
)
def test_what_a_call_lends(callee: str, what: str) -> None:
    assert what in [row.name for row in WORDS.entered_by(callee)]


@pytest.mark.parametrize("callee", ["self.session.open", "alloc", "ggml_backend_cuda_init_devices", "reopen"])
def test_calls_that_only_look_like_lending(callee: str) -> None:
    assert WORDS.entered_by(callee) == ()


def test_a_release_names_the_pairs_it_closes() -> None:
    assert "lock" in [row.name for row in WORDS.left_by("self._mutex.release")]
    assert [row.name for row in WORDS.left_by("ggml_free")] == ["ggml context"]


@pytest.mark.parametrize("callee", ["torch.distributed.all_reduce", "dist.all_reduce"])
def test_a_collective_of_torch_with_its_group_argument(callee: str) -> None:
    found = WORDS.collective(callee)
    assert found is not None and (found.kind, found.group, found.group_at) == ("collective", "group", 2)


@pytest.mark.parametrize(
    ("callee", "kind"),
    [
        ("self.tp_group.broadcast_object", "collective"),
        ("get_world_group().barrier", "barrier"),
        ("dist.new_group", "create"),
        ("self.store.wait", "wait"),
        ("TCPStore", "store"),
        ("ncclAllReduce", "collective"),
        ("dist.recv", "point"),
    ],
)
def test_kinds_of_meeting(callee: str, kind: str) -> None:
    found = WORDS.collective(callee)
    assert found is not None and found.kind == kind


@pytest.mark.parametrize(
    "callee", ["websocket.broadcast", "self.sock.send", "threading.Barrier", "event.wait", "asyncio.gather"]
)
def test_methods_of_the_same_name_elsewhere_are_no_meeting(callee: str) -> None:
    assert WORDS.collective(callee) is None


def test_a_blocking_call_names_the_argument_that_bounds_it() -> None:
    (found,) = WORDS.blocking_calls("future.result")
    assert (found.timeout, found.timeout_at) == ("timeout", 0)
    assert WORDS.blocking_calls("asyncio.sleep") == ()


def test_whose_method_it_is_says_what_a_call_waits_for() -> None:
    assert {row.kind for row in WORDS.blocking_calls("self.worker.join")} == {"peer", "process"}
    assert all(row.made_by for row in WORDS.blocking_calls("self.worker.join"))


def test_a_copy_to_the_host_syncs_the_gpu() -> None:
    assert WORDS.syncs_gpu("logits.argmax().item") and not WORDS.syncs_gpu("d.items")


def test_a_project_adds_its_own_words_and_protocols() -> None:
    own = load_vocabulary(
        {"terminal": ["sunset"]}, [Protocol(name="page", enter=(".borrow_page",), leave=(".return_page",))]
    )
    assert own.is_terminal("sunset_request") and own.is_terminal("abort")
    assert [row.name for row in own.entered_by("arena.borrow_page")] == ["page"]


def test_the_digest_changes_with_the_words_and_with_nothing_else() -> None:
    assert load_vocabulary().digest == WORDS.digest == load_vocabulary({}).digest
    assert load_vocabulary({"terminal": ["abort"]}).digest == WORDS.digest
    assert load_vocabulary({"terminal": ["sunset"]}).digest != WORDS.digest


@pytest.mark.parametrize(
    ("extra", "key", "problem"),
    [
        ({"terminals": ["sunset"]}, "terminals", "nearest: terminal"),
        ({"terminal": "sunset"}, "terminal", "expected `array`"),
        ({"collectives": [{"kind": "barrier"}]}, "collectives[0]", "calls"),
        ({"collectives": [{"kind": "party", "calls": {}}]}, "collectives[0].kind", "party"),
    ],
)
def test_wrong_words_are_refused_with_the_key_at_fault(extra: dict[str, Any], key: str, problem: str) -> None:
    with pytest.raises(VocabularyError, match=problem.replace("[", r"\[")) as refusal:
        load_vocabulary(extra)
    assert refusal.value.key == key


def test_every_shipped_row_says_where_it_comes_from() -> None:
    for file in (WORDS_FILE, PROTOCOLS_FILE):
        groups = tomllib.loads(file.read_text(encoding="utf-8"))
        assert all(row.get("source") for row in chain.from_iterable(groups.values()))


@pytest.mark.parametrize("name", ["request.mm_hashes", "lora_request", "self.cache_salt"])
def test_what_makes_a_requests_kv_its_own_stands_beside_its_tokens(name: str) -> None:
    assert WORDS.tells_requests_apart(name)
    assert not WORDS.names_tokens(name)


@pytest.mark.parametrize("name", ["request.prompt_token_ids", "input_ids"])
def test_the_tokens_of_a_request_are_known_by_name(name: str) -> None:
    assert WORDS.names_tokens(name)
    assert not WORDS.tells_requests_apart(name)
