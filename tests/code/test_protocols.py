"""What is entered is left on every way out: a way that forgets it is told, and one that hands it over is not."""

from __future__ import annotations

from textwrap import indent

import pytest
from linking import facts

from llmlint.checkers.memory import exception_path_state, leak_on_error_path
from llmlint.code.link.program import Program
from llmlint.findings import Report
from llmlint.protocols import Protocol, shipped_protocols
from llmlint.vocabulary_file import load_vocabulary

PYTHON = """
from contextlib import closing

def drop(pool, b):
    pool.free(b)

def look(b):
    return len(b)

def f(pool, x, y):
"""
CPP = """
static void drop(FILE * f) {{ fclose(f); }}
static int look(FILE * f) {{ return fgetc(f); }}

struct Closer {{
    FILE * file;
    Closer(FILE * f) : file(f) {{}}
    ~Closer() {{ fclose(file); }}
}};

static pthread_mutex_t m;

int f(const char * p, int x) {{
    {}
}}
"""


def program(path: str, source: str, *protocols: Protocol) -> Program:
    return Program({path: facts(path, source)}, load_vocabulary(None, protocols))


def leaks(path: str, source: str, *protocols: Protocol) -> list[Report]:
    return list(leak_on_error_path.check_program(program(path, source, *protocols)))


@pytest.mark.parametrize(
    ("body", "forgets"),
    [
        ("b = pool.alloc(1)\nif x.bad:\n    return\npool.free(b)", True),
        ("b = pool.alloc(1)\nif x.bad:\n    drop(pool, b)\n    return\npool.free(b)", False),
        ("b = pool.alloc(1)\nif x.bad:\n    look(b)\n    return\npool.free(b)", True),
        ("b = pool.alloc(1)\nif b is None:\n    return\npool.free(b)", False),
        ("b = pool.alloc(1)\nif not b:\n    return\npool.free(b)", False),
        ("b = pool.alloc(1)\nif x:\n    if y:\n        pool.free(b)\n    return\npool.free(b)", True),
        ("if x:\n    b = pool.alloc(1)\nif not x:\n    return\npool.free(b)", False),
        ("b = pool.alloc(1)\ng = lambda: 1\npool.free(b)", False),
        ("b = pool.alloc(1)\ntry:\n    if x:\n        return\nfinally:\n    pool.free(b)", False),
        ("b = pool.alloc(1)\nmatch x:\n    case 1:\n        return\n    case _:\n        pool.free(b)", True),
        ("b = pool.alloc(1)\nwith b:\n    if x:\n        return\npool.free(b)", False),
        ("b = pool.alloc(1)\nif x:\n    return\nwith b:\n    look(b)\npool.free(b)", True),
        ("with pool.alloc(1) as b:\n    if x:\n        return\n    pool.free(b)", False),
        ("b = pool.alloc(1)\nwith closing(b):\n    if x:\n        return\n    pool.free(b)", False),
    ],
)
def test_ways_out_in_python(body: str, forgets: bool) -> None:
    assert bool(leaks("a.py", PYTHON + indent(body, "    ") + "\n")) is forgets


@pytest.mark.parametrize(
    ("body", "forgets"),
    [
        ("FILE * f = fopen(p, 0); if (!f) return 1; if (x) goto fail; fclose(f); return 0; fail: return 1;", True),
        ("FILE * f = fopen(p, 0); if (!f) return 1; if (x) goto out; x = 2; out: fclose(f); return x;", False),
        ("FILE * f = fopen(p, 0); switch (x) { case 1: fclose(f); return 1; default: return 0; }", True),
        ("FILE * f = fopen(p, 0); switch (x) { case 1: return 1; default: break; } fclose(f); return 0;", True),
        ("FILE * f = fopen(p, 0); if (x) { drop(f); return 1; } fclose(f); return 0;", False),
        ("FILE * f = fopen(p, 0); if (x) { look(f); return 1; } fclose(f); return 0;", True),
        ("FILE * f = fopen(p, 0); Closer all(f); if (x) return 1; fclose(f); return 0;", False),
        ("FILE * f = fopen(p, 0); if (x) { Unknown all(f); return 1; } fclose(f); return 0;", False),
        ("FILE * f = fopen(p, 0); auto all = Closer{f}; if (x) return 1; fclose(f); return 0;", False),
        ("void * q; int err = cudaMalloc(&q, x); if (err != cudaSuccess) return err; cudaFree(q); return 0;", False),
        ("void * q; int err = cudaMalloc(&q, x); if (err) return err; if (x) return 2; cudaFree(q); return 0;", True),
        ("void * q = malloc(x); if (q == NULL) return 1; if (x) { free(q); return 2; } free(q); return 0;", False),
        ("pthread_mutex_lock(&m); if (x) return 1; pthread_mutex_unlock(&m); return 0;", True),
        ("pthread_mutex_lock(&m); if (x) goto out; x = 1; out: pthread_mutex_unlock(&m); return 0;", False),
        ("std::unique_lock<std::mutex> l(m); l.lock(); if (x) return 1; l.unlock(); return 0;", False),
    ],
)
def test_ways_out_in_cpp(body: str, forgets: bool) -> None:
    assert bool(leaks("a.cpp", CPP.format(body))) is forgets


# ---------------------------------------------------------------- what a row says

ASYNC = """
async def f(hall, x):
    hall.enter_seat()
    await x.read()
    hall.leave_seat()
"""
SEAT = Protocol(name="seat", enter=(".enter_seat",), leave=(".leave_seat",), held="receiver")


@pytest.mark.parametrize(
    ("exits", "told"),
    [
        (
            ("return", "raise", "cancel"),
            ["f may be cancelled here without giving back hall (seat from hall.enter_seat)"],
        ),
        (("return", "raise"), []),
        (("cancel",), ["f may be cancelled here without giving back hall (seat from hall.enter_seat)"]),
    ],
)
def test_a_row_says_which_ways_out_count(exits: tuple[str, ...], told: list[str]) -> None:
    row = Protocol(name="seat", enter=SEAT.enter, leave=SEAT.leave, held="receiver", exits=exits)  # type: ignore[arg-type]
    assert [report.message for report in leaks("a.py", ASYNC, row)] == told


def test_a_cancelled_taking_has_taken_nothing() -> None:
    source = "async def f(hall, x):\n    await hall.enter_seat()\n    hall.leave_seat()\n"
    row = Protocol(name="seat", enter=SEAT.enter, leave=SEAT.leave, held="receiver", exits=("cancel",))
    assert leaks("a.py", source, row) == []


@pytest.mark.parametrize(
    ("more", "forgets"),
    [
        ({}, False),
        ({"use": (".show",)}, True),
        ({"keep": (".show",), "use": (".show",)}, False),
    ],
)
def test_a_row_says_which_calls_keep_a_thing_and_which_only_look(
    more: dict[str, tuple[str, ...]], forgets: bool
) -> None:
    row = Protocol(name="page", enter=("pool.lease",), leave=("pool.give",), **more)  # type: ignore[arg-type]
    source = "def f(pool, x):\n    p = pool.lease(1)\n    if x:\n        x.show(p)\n        return\n    pool.give(p)\n"
    assert bool(leaks("a.py", source, row)) is forgets


def test_a_row_of_the_project_goes_before_a_shipped_one() -> None:
    own = Protocol(name="page", enter=(".alloc",), leave=(".give",))
    assert load_vocabulary(None, [own]).entered_by("pool.alloc")[0] is own
    assert any(".alloc" in row.enter for row in shipped_protocols())


# ---------------------------------------------------------------- state that is changed and changed back


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        ("self.busy += 1\nawait x.read()\nself.busy -= 1", True),
        ("self.busy += 1\ntry:\n    await x.read()\nfinally:\n    self.busy -= 1", False),
        ("self.n += 1\ntry:\n    await x.read()\nexcept Exception:\n    self.n -= 1\n    raise\nself.n -= 1", True),
        ("self.all[x.rid] = x\nawait x.read()\nself.all.pop(x.rid)", True),
        ("try:\n    self.all[x.rid] = x\n    await x.read()\nfinally:\n    self.all.pop(x.rid)", False),
        ("self.all[x.rid] = x\nawait x.read()\nself.all.pop(x.other)", False),
        ("self.on = True\nawait x.read()\nself.on = False", True),
        ("was = self.mode\nself.mode = x\nawait x.read()\nself.mode = was", True),
        ("was = x.mode\nself.mode = x\nawait x.read()\nself.mode = was", False),
        ("self.busy += 1\nx.note()\nself.busy -= 1", False),
    ],
)
def test_an_await_may_be_cancelled_between_a_change_and_its_undoing(body: str, stays: bool) -> None:
    source = f"class Gate:\n    async def send(self, x):\n{indent(body, ' ' * 8)}\n"
    assert bool(list(exception_path_state.check_program(program("a.py", source)))) is stays


def test_a_change_that_is_named_must_also_be_undone_on_plain_ways() -> None:
    body = "self.seats += 1\nif x:\n    return\nself.seats -= 1"
    source = f"class Gate:\n    def send(self, x):\n{indent(body, ' ' * 8)}\n"
    row = Protocol(name="seat", enter=("+= seats",), leave=("-= seats",), kind="state", exits=("return", "raise"))
    assert not list(exception_path_state.check_program(program("a.py", source)))
    (report,) = exception_path_state.check_program(program("a.py", source, row))
    assert report.message == "send leaves self.seats as it is on one of its ways out"


WORKER = """
class Worker:
    def run(self):
        while True:
            self.handle(self.tasks.get())

    def handle(self, task):
        {}

    def drain(self):
        self.tasks.join()
"""


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("if task.is_old:\n    return\nself.keep(task)\nself.tasks.task_done()", [8]),
        ("try:\n    if task.is_old:\n        return\n    self.keep(task)\nfinally:\n    self.tasks.task_done()", []),
        ("if task.is_old:\n    self.tasks.task_done()\n    return\nself.keep(task)\nself.tasks.task_done()", []),
    ],
)
def test_a_task_is_said_to_be_done_on_every_way_out_of_what_the_loop_calls(body: str, lines: list[int]) -> None:
    source = WORKER.format(indent(body, "        ").lstrip())
    assert [report.at.line for report in leaks("worker.py", source)] == lines


def test_a_queue_of_another_class_that_is_called_alike_is_another_queue() -> None:
    body = "if task.is_old:\n    return\nself.keep(task)\nself.tasks.task_done()"
    source = WORKER.format(indent(body, "        ").lstrip())
    apart = source.replace("    def drain(self):", "\nclass Other:\n    def drain(self):")
    assert leaks("worker.py", apart) == []
