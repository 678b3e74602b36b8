"""Which locks are held where."""

from __future__ import annotations

import pytest
from linking import call, function, link

from llmlint.code.domain.locks import UNNAMED, Locks
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
    effect = call(of, callee)
    return Locks(program).held(of, effect.region, effect.line)


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
