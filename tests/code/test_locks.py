"""Which locks are held where."""

from __future__ import annotations

import pytest
from linking import call, function, link

from llmlint.code.domain.lock_steps import UNNAMED
from llmlint.code.domain.locks import Locks
from llmlint.code.link.program import Program

POOL = """
import threading


class Pool:
    def __init__(self):
        self.lock = threading.Lock()
        self.fill()

    def take(self):
        with self.lock:
            return self.pop()

    def put(self, block):
        self.lock.acquire()
        self.push(block)
        self.lock.release()
        self.notify()

    def pop(self):
        return self.check()

    def push(self, block):
        return self.check()

    def fill(self):
        self.grow()

    def drop_locked(self):
        self.check()

    def grow(self):
        "Called while the object is made; others must hold the lock."
        self.check()
"""

QUEUE = """
struct queue {
    std::mutex mutex;
    std::mutex other;

    void step() {
        std::unique_lock<std::mutex> lock(mutex);
        first();
        lock.unlock();
        second();
        lock.lock();
        third();
    }

    void leave_early(bool empty) {
        std::unique_lock<std::mutex> lock(mutex);
        if (empty) {
            lock.unlock();
            first();
            return;
        }
        second();
    }

    void both() {
        std::scoped_lock guard(mutex, other);
        first();
    }

    void given(std::unique_lock<std::mutex> & lock) {
        first();
    }

    void first();
    void second();
    void third();
};
"""


def held(program: Program, name: str, callee: str) -> frozenset[str]:
    of = function(program, name)
    return Locks(program).held(of, call(of, callee))


def test_a_with_statement_holds_its_lock() -> None:
    assert held(link({"pool.py": POOL}), "Pool.take", "self.pop") == {"self.lock"}


def test_a_lock_taken_by_hand_is_held_until_it_is_let_go() -> None:
    program = link({"pool.py": POOL})
    assert held(program, "Pool.put", "self.push") == {"self.lock"}
    assert held(program, "Pool.put", "self.notify") == frozenset()


def test_what_all_callers_hold_is_held() -> None:
    program = link({"pool.py": POOL})
    assert held(program, "Pool.pop", "self.check") == {"self.lock"}
    assert held(program, "Pool.push", "self.check") == {"self.lock"}


def test_one_caller_without_the_lock_is_enough_for_it_not_to_be_held() -> None:
    source = POOL + "\n    def steal(self):\n        return self.pop()\n"
    assert held(link({"pool.py": source}), "Pool.pop", "self.check") == frozenset()


@pytest.mark.parametrize("promising", ["drop_locked", "grow"])
def test_a_name_or_a_comment_may_promise_a_lock(promising: str) -> None:
    assert held(link({"pool.py": POOL}), f"Pool.{promising}", "self.check") == {UNNAMED}


def test_the_lock_of_another_object_is_the_callees_own() -> None:
    source = POOL + "\n\ndef steal(pool: Pool):\n    with pool.lock:\n        pool.pop()\n"
    assert held(link({"pool.py": source}), "Pool.pop", "self.check") == {"self.lock"}


def test_constructors_and_what_only_they_call_run_in_one_thread() -> None:
    program = link({"pool.py": POOL})
    locks = Locks(program)
    assert locks.is_single_threaded(function(program, "Pool.__init__"))
    assert locks.is_single_threaded(function(program, "Pool.fill"))
    assert not locks.is_single_threaded(function(program, "Pool.pop"))


def test_a_guard_may_be_unlocked_and_locked_again() -> None:
    program = link({"queue.cpp": QUEUE})
    assert held(program, "queue.step", "self.first") == {"self.mutex"}
    assert held(program, "queue.step", "self.second") == frozenset()
    assert held(program, "queue.step", "self.third") == {"self.mutex"}


def test_a_branch_that_unlocks_and_leaves_says_nothing_about_what_follows() -> None:
    program = link({"queue.cpp": QUEUE})
    assert held(program, "queue.leave_early", "self.first") == frozenset()
    assert held(program, "queue.leave_early", "self.second") == {"self.mutex"}


def test_one_guard_may_hold_several_locks() -> None:
    assert held(link({"queue.cpp": QUEUE}), "queue.both", "self.first") == {"self.mutex", "self.other"}


def test_who_is_given_a_guard_holds_a_lock() -> None:
    assert held(link({"queue.cpp": QUEUE}), "queue.given", "self.first") == {UNNAMED}


def test_what_a_constructor_leaves_to_a_lambda_runs_later() -> None:
    source = """
    struct server {
        server() { queue.on_task([this](int task) { run(task); }); prepare(); }
        void run(int task) { tasks.push_back(task); }
        void prepare() { tasks.reserve(8); }
        std::vector<int> tasks;
        task_queue queue;
    };
    """
    program = link({"server.cpp": source})
    locks = Locks(program)
    assert locks.is_single_threaded(function(program, "server.prepare"))
    assert not locks.is_single_threaded(function(program, "server.run"))


GUARDS = """
struct Guard {
    std::mutex & kept;
    Guard(std::mutex & m) : kept(m) { kept.lock(); }
    ~Guard() { kept.unlock(); }
};

struct Held {
    std::unique_lock<std::mutex> inner;
    Held(std::mutex & m) : inner(m) {}
};

struct Note {
    std::mutex & kept;
    Note(std::mutex & m) : kept(m) {}
};

struct queue {
    std::mutex mutex;
    std::map<int, int> items;

    void f(bool empty) { BODY }
    void first();
    void second();
};
"""


@pytest.mark.parametrize(
    ("body", "first", "second"),
    [
        ("Guard all(mutex); first(); second();", True, True),
        ("{ Guard all(mutex); first(); } second();", True, False),
        ("Held all(mutex); first(); second();", True, True),
        ("Note all(mutex); first(); second();", False, False),
        ("if (empty) { std::lock_guard<std::mutex> l(mutex); first(); } second();", True, False),
        ("while (true) { second(); std::lock_guard<std::mutex> l(mutex); first(); }", True, False),
        ("for (int i : items) { second(); std::lock_guard l(mutex); if (i) continue; first(); }", True, False),
        ("std::unique_lock<std::mutex> l(mutex, std::defer_lock); second(); l.lock(); first();", True, False),
        (
            "std::unique_lock<std::mutex> l(mutex, std::defer_lock); l.lock(); first(); l.unlock(); second();",
            True,
            False,
        ),
        ("auto later = [this] { std::lock_guard<std::mutex> l(mutex); first(); }; second();", True, False),
        (
            "pthread_mutex_lock(&mutex); if (empty) goto out; first(); out: pthread_mutex_unlock(&mutex); second();",
            True,
            False,
        ),
        (
            "mutex.lock(); switch (items.size()) { case 0: first(); break; default: mutex.unlock(); second(); }",
            True,
            False,
        ),
        ("try { std::lock_guard<std::mutex> l(mutex); first(); } catch (...) { second(); }", True, False),
    ],
)
def test_an_object_of_any_type_holds_its_lock_until_its_scope_ends(body: str, first: bool, second: bool) -> None:
    program = link({"queue.cpp": GUARDS.replace("BODY", body)})
    assert bool(held(program, "queue.f", "self.first")) is first
    assert bool(held(program, "queue.f", "self.second")) is second


@pytest.mark.parametrize(
    ("body", "first", "second"),
    [
        ("with self.lock:\n    self.first()\nself.second()", True, False),
        ("self.lock.acquire()\ntry:\n    self.first()\nfinally:\n    self.lock.release()\nself.second()", True, False),
        ("with self.lock:\n    self.first()\n    self.lock.release()\n    self.second()", True, False),
        (
            "for x in self.all:\n    self.second()\n    self.lock.acquire()\n    self.first()\n    self.lock.release()",
            True,
            False,
        ),
        ("if self.all:\n    self.lock.acquire()\nself.first()", True, False),
        ("if self.all:\n    return self.second()\nwith self.lock, self.cond:\n    self.first()", True, False),
    ],
)
def test_python_holds_a_lock_from_its_taking_to_its_letting_go(body: str, first: bool, second: bool) -> None:
    lines = "".join(f"        {line}\n" for line in f"{body}\nself.other()".split("\n"))
    program = link({"pool.py": f"class Pool:\n    def f(self):\n{lines}"})
    effects = {effect.callee: effect for effect in function(program, "Pool.f").effects if effect.callee}
    taken = {name: bool(Locks(program).taken(function(program, "Pool.f"), e)) for name, e in effects.items()}
    assert (taken["self.first"], taken.get("self.second", False)) == (first, second)


@pytest.mark.parametrize(
    ("made", "is_held"), [("threading.RLock()", True), ("asyncio.Lock()", False), ("Basket()", False)]
)
def test_what_an_attribute_is_made_of_tells_a_lock_whatever_its_name(made: str, is_held: bool) -> None:
    source = f"""
    import asyncio, threading

    class Pool:
        def __init__(self):
            self.apple = {made}

        def f(self):
            with self.apple:
                self.first()
    """
    assert bool(held(link({"pool.py": source}), "Pool.f", "self.first")) is is_held


def test_a_global_is_a_lock_by_what_it_is_made_of() -> None:
    source = """
import threading

_guard = threading.RLock()
_trace = open("trace")

def put(item):
    with _guard:
        note(item)

def show(item):
    with _trace:
        note(item)

def keep(item, _guard):
    _guard = item.scope
    with _guard:
        note(item)
"""
    program = link({"globals.py": source})
    locks = Locks(program)
    users = [function(program, name) for name in ("put", "show", "keep")]
    held = {user.name: locks.held(user, call(user, "note")) for user in users}
    assert held == {"put": {"_guard"}, "show": frozenset(), "keep": frozenset()}
