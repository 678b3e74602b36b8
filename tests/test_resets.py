"""What a reset owes and what it does not: LLM801, LLM802 and LLM807 on cases too fine for their pages."""

from __future__ import annotations

from textwrap import dedent

import pytest

from llmlint.findings import Finding
from llmlint.scan import check_sources

QUEUES = """
from queue import Queue


class Controller:
    def __init__(self):
        self.backup_queue = Queue()
        self.prefetch_queue = Queue()
        self.release_queue = Queue()

    def submit(self, job):
        self.backup_queue.put(job)
        self.prefetch_queue.put(job)
        self.release_queue.put(job)

    def reset(self):
        self.backup_queue.queue.clear()
        self.prefetch_queue.queue.clear()
"""

OCCUPANCY = """
class Pool:
    def __init__(self):
        self.waiting = []
        self.placed = []
        self.blocks_taken = 0

    def take(self, request):
        self.waiting.append(request)
        self.blocks_taken += request.blocks

    def give_back(self, request):
        self.placed.append(request)
        self.blocks_taken -= request.blocks

    def reset(self):
        self.waiting.clear()
        self.placed.clear()
"""

GENERATIONS = """
class Sender:
    def __init__(self):
        self.sent = {}
        self.cached = {}
        self.loading = {}
        self.generation = 0

    def send(self, request):
        self.sent[request.request_id] = request
        self.cached[request.request_id] = request
        self.loading[request.request_id] = request

    def reset(self):
        self.sent.clear()
        self.cached.clear()
        self.generation += 1
"""

REFUSING = """
class Pool:
    def reset_prefix_cache(self) -> bool:
        if self.used:
            return False
        self.cached.clear()
        return True


class Engine:
    def __init__(self, pool: Pool):
        self.pool = pool

    def pause(self):
        {call}
"""


def found(code: str, *rules: str) -> list[Finding]:
    return check_sources({"case.py": dedent(code).encode()}, list(rules))


def test_clearing_what_lies_in_a_queue_clears_the_queue() -> None:
    (finding,) = found(QUEUES, "LLM801")
    assert "leaves self.release_queue" in finding.message


def test_a_count_of_what_is_cleared_is_owed_too() -> None:
    (finding,) = found(OCCUPANCY, "LLM801")
    assert "self.blocks_taken" in finding.message
    assert finding.runtime is not None
    assert list(finding.runtime["watch"]) == [{"attribute": "blocks_taken", "owner": "Pool"}]


def test_a_count_that_the_reset_reads_may_have_its_reasons() -> None:
    looked_at = OCCUPANCY.replace(
        "self.placed.clear()\n", "self.placed.clear()\n        assert self.blocks_taken == 0\n"
    )
    assert looked_at != OCCUPANCY
    assert found(looked_at, "LLM801") == []


def test_a_count_that_only_goes_up_is_no_occupancy() -> None:
    assert found(OCCUPANCY.replace("-=", "+="), "LLM801") == []


def test_what_a_generation_tells_apart_is_left_with_low_confidence() -> None:
    (counted,) = found(GENERATIONS, "LLM801")
    (plain,) = found(GENERATIONS.replace("self.generation += 1", "pass"), "LLM801")
    assert (counted.confidence, plain.confidence) == ("low", "medium")


@pytest.mark.parametrize(
    "call", ["self.pool.reset_prefix_cache()", "self.pool.reset_prefix_cache(); self.paused = True"]
)
def test_dropping_the_answer_of_a_reset_that_may_refuse(call: str) -> None:
    (finding,) = found(REFUSING.format(call=call), "LLM802")
    assert finding.symbol == "Engine.pause"


@pytest.mark.parametrize(
    "call",
    [
        "assert self.pool.reset_prefix_cache()",
        "return self.pool.reset_prefix_cache()",
        "self.pool.reset_prefix_cache(True)",
    ],
)
def test_an_answer_that_is_heard_or_a_reset_that_is_forced(call: str) -> None:
    assert found(REFUSING.format(call=call), "LLM802") == []


SLOT = """
class Slot:
    def __init__(self):
        self.prompt = []
        self.generated = []
        self.probabilities = {}

    def push(self, token, probability):
        self.prompt.append(token)
        self.generated.append(token)
        self.probabilities[token] = probability

    def NAME(self):
        self.prompt.clear()
        self.generated.clear()
"""


def test_a_released_object_lives_on_and_owes_what_a_reset_owes() -> None:
    (finding,) = found(SLOT.replace("NAME", "release"), "LLM801")
    assert "leaves self.probabilities" in finding.message


def test_an_object_that_is_closed_does_not_live_on() -> None:
    assert found(SLOT.replace("NAME", "close"), "LLM801") == []


def test_a_count_that_another_reset_sets_back_before_each_use_is_not_left() -> None:
    rewound = OCCUPANCY + "\n    def reset_split(self):\n        self.blocks_taken = 0\n"
    assert found(rewound, "LLM801") == []


OVERRIDDEN = """
class Pool:
    def alloc(self, size):
        self.used[size] = True
        self.released.append(size)

    def clear(self):
        self.used = {}
        self.released = []


class IndexlessPool(Pool):
    def alloc(self, size):
        raise NotImplementedError

    def clear(self):
        pass
"""


def test_an_empty_reset_is_enough_where_nothing_is_filled_any_more() -> None:
    assert found(OVERRIDDEN, "LLM802") == []
    still_filling = OVERRIDDEN.replace("    def alloc(self, size):\n        raise NotImplementedError\n\n", "")
    assert [finding.symbol for finding in found(still_filling, "LLM802")] == ["IndexlessPool.clear"]


JOBS = """
class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = []
        self.seen = {}

    def add(self, request):
        self.waiting.append(request)
        self.running.append(request)
        self.seen[request.id] = request

    def forget(self, request):
        self.seen.pop(request.id)

    def reset(self, hard=False):
        self.waiting.clear()
        self.running.clear()
        BODY
"""


def reset_with(body: str) -> list[Finding]:
    return found(JOBS.replace("BODY", body.replace("\n", "\n        ")), "LLM801")


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "print('left', len(self.seen))",
        "logger.info('%d left', len(self.seen))",
        "if hard:\n    self.seen.clear()",
        "if self.fast:\n    return\nself.seen.clear()",
    ],
)
def test_what_a_log_line_reads_or_a_branch_skips_is_left(body: str) -> None:
    (finding,) = reset_with(body)
    assert "leaves self.seen" in finding.message


@pytest.mark.parametrize(
    "body",
    [
        "self.seen.clear()",
        "if self.seen:\n    self.seen.clear()",
        "q = self.seen\nq.clear()",
        "for request in list(self.seen):\n    self.seen.pop(request)",
        "try:\n    self.flush()\nfinally:\n    self.seen.clear()",
        "if hard:\n    self.seen.clear()\nelse:\n    self.seen = {}",
    ],
)
def test_what_every_way_clears_is_not_left(body: str) -> None:
    assert reset_with(body) == []


def test_a_reset_that_leaves_at_once_skips_all_alike() -> None:
    assert (
        found(
            JOBS.replace("self.waiting.clear()", "if not self.ready: return\n        self.waiting.clear()").replace(
                "BODY", "self.seen.clear()"
            ),
            "LLM801",
        )
        == []
    )


GRAMMAR = """
class Grammar:
    def __init__(self, matcher):
        self.matcher = matcher
        self.count = 0
        self.terminated = False

    def accept(self, tokens):
        self.matcher.consume(tokens)
        self.count += 1
        self.terminated = True

    def is_terminated(self):
        return self.terminated

    def reset(self):
        self.matcher.reset()
        self.count = 0
        {body}
"""


@pytest.mark.parametrize("body", ["pass", "print(self.terminated)", "self.log(self.matcher)"])
def test_a_flag_that_is_raised_with_what_is_set_back_and_stays_raised(body: str) -> None:
    (finding,) = found(GRAMMAR.format(body=body), "LLM801")
    assert "leaves self.terminated" in finding.message


@pytest.mark.parametrize(
    "body", ["self.terminated = False", "self.__init__(self.matcher)", "if self.terminated: return"]
)
def test_a_flag_that_is_lowered_or_looked_at_is_not_left(body: str) -> None:
    assert found(GRAMMAR.format(body=body), "LLM801") == []


def test_a_flag_that_something_else_raises_as_well_does_not_go_with_the_rest() -> None:
    elsewhere = GRAMMAR.format(body="pass") + "\n    def give_up(self):\n        self.terminated = True\n"
    assert found(elsewhere, "LLM801") == []


REACHED_INTO = """
class Batch:
    def __init__(self):
        self.rows = []
        self.names = {}
        self.marks = []

    def add(self, row, name):
        self.rows.append(row)
        self.names[name] = row

    def mark(self, row):
        FILL

    def reset(self):
        self.rows.clear()
        self.names.clear()


def note(marks, row):
    marks.append(row)


class Runner:
    def __init__(self):
        self.batch = Batch()

    def run(self, row):
        REACH
"""


@pytest.mark.parametrize(
    ("fill", "reach"),
    [("note(self.marks, row)", "pass"), ("pass", "self.batch.marks.append(row)"), ("self.marks.append(row)", "pass")],
)
def test_what_a_helper_or_another_object_fills_is_left_as_well(fill: str, reach: str) -> None:
    (finding,) = found(REACHED_INTO.replace("FILL", fill).replace("REACH", reach), "LLM801")
    assert "leaves self.marks" in finding.message


def test_what_nobody_fills_is_not_left() -> None:
    assert found(REACHED_INTO.replace("FILL", "note([], row)").replace("REACH", "pass"), "LLM801") == []


PAIR = """
class Pair:
    def __init__(self):
        self.rows = []
        self.names = {}

    def add(self, row, name):
        self.rows.append(row)
        self.names[name] = row

    def reset(self):
        self.rows.clear()
"""


def test_one_container_is_enough_where_the_other_is_filled_with_it() -> None:
    (finding,) = found(PAIR, "LLM801")
    assert "leaves self.names" in finding.message
    apart = PAIR.replace("    def reset", "    def name(self, name):\n        self.names[name] = None\n\n    def reset")
    assert found(apart, "LLM801") == []


PAINTER = """
#include <string>

enum class Mode { TEXT, ESCAPE, CODE, CODE_MARK };

class Painter {
    Mode mode_ = Mode::TEXT;
    std::string word_;
    bool at_start_ = true;
    int left_ = 0;
    bool open_ = false;

  public:
    void feed(std::string & out, char c) {
        switch (mode_) {
        case Mode::TEXT:
            at_start_ = false;
            word_ += c;
            if (c == '#') {
                mode_ = Mode::CODE;
            } else if (c == '\\\\') {
                mode_ = Mode::ESCAPE;
            }
            break;
        case Mode::ESCAPE:
            left_ = c == 'u' ? 4 : 8;
            mode_ = Mode::CODE;
            break;
        case Mode::CODE:
            at_start_ = false;
            word_ += c;
            if (c == '-') {
                mode_ = Mode::CODE_MARK;
            } else if (c == '{') {
                ++left_;
            } else if (!--left_) {
                mode_ = Mode::TEXT;
            }
            break;
        case Mode::CODE_MARK:
            word_ += c;
            mode_ = Mode::CODE;
            break;
        }
    }

    void flush(std::string & out) {
        out += word_;
        word_.clear();
        at_start_ = true;
        mode_ = Mode::TEXT;
    }

    bool is_begun() const {
        return !at_start_ || !word_.empty();
    }
};
"""


@pytest.mark.parametrize(("entering", "told"), [("", True), ("left_ = 1; ", False)])
def test_what_every_way_into_a_mode_sets_is_not_owed(entering: str, told: bool) -> None:
    text = PAINTER.replace("if (c == '#') {", f"if (c == '#') {{ {entering}")
    found_in = check_sources({"painter.cpp": text.encode()}, ["LLM801"])
    assert bool(found_in) == told


def test_a_property_that_the_reset_reads_is_no_place_of_its_own() -> None:
    """What it does for the reset is done where the line begins."""
    code = """
    class Cache:
        def __init__(self, source):
            self.kept = {}
            self.order = []
            self.pinned = {}
            self.source = source
            self.opened = None

        def add(self, key, value):
            self.kept[key] = value
            self.order.append(key)
            self.pinned[key] = value

        @property
        def folder(self):
            if self.opened is None:
                self.opened = self.source() if callable(self.source) else self.source
            return self.opened

        def clear(self):
            print(self.folder)
            self.kept.clear()
            self.order.clear()
            for child in self.folder.iterdir():
                child.unlink()
    """
    (finding,) = found(code, "LLM801")
    assert "leaves self.pinned" in finding.message
