"""What a probe keeps does not grow with the time that a service runs."""

from __future__ import annotations

import time

from blocks import BLOCKS
from tracing import NO_PAGES, finding

from llmlint.dynamic.oracles.growth import KEYS, LONG, GrowthLedger
from llmlint.dynamic.oracles.ledger import RECENT, EntityLedger
from llmlint.dynamic.oracles.pairs import BALANCED, PairLedger
from llmlint.dynamic.plan import Finding
from llmlint.runtime.plan import _watched

REQUESTS = 3 * RECENT


class Scheduler:
    """Only its name and its container count here."""

    def __init__(self) -> None:
        self.progress: dict[str, int] = {}


def planned(name: str) -> Finding:
    return Finding(_watched(finding(name, BLOCKS[name][1]), NO_PAGES))


def serve(ledger: EntityLedger, scheduler: Scheduler, leaks: range) -> None:
    """So many requests come and end; looks come as the tracer's thread would make them."""
    enter, leave = ledger.begins(), ledger.ends_by("abort")
    for number in range(REQUESTS):
        name = f"r{number}"
        scheduler.progress[name] = 1
        enter(name)
        if number not in leaks:
            del scheduler.progress[name]
        leave(name)
        if number % 512 == 511:
            time.sleep(0.001)
            ledger.look(False)


def test_requests_that_ended_and_went_are_forgotten_and_those_that_stayed_are_not() -> None:
    ledger, scheduler = EntityLedger(planned("request-state-leak"), lambda ids: [str(one) for one in ids]), Scheduler()
    ledger.see(scheduler)
    serve(ledger, scheduler, leaks=range(100, 105))
    assert len(ledger.ended) <= 2 * RECENT
    assert len(ledger.seen_left) <= 2 * RECENT
    assert ledger.state()["ended"] == {"abort": REQUESTS}
    assert ledger.state()["left"] == {"progress": 5}
    for number in range(100, 105):
        del scheduler.progress[f"r{number}"]
    ledger.look(False)
    ledger.look(False)
    assert sum((*ledger.late_by.values(), *ledger.swept_by.values())) + ledger.state()["left"].get("progress", 0) == 5


def test_keys_are_so_many_at_most_and_long_ones_are_not_kept() -> None:
    ledger = GrowthLedger(planned("unbounded-cache"), lambda ids: [])
    prompts = {f"{number} {'why ' * LONG}": 1 for number in range(3)}
    ledger.globals = {"PREFIXES": prompts}
    for prompt in prompts:
        ledger._insert([prompt])
    ledger.look(True)
    assert not any(isinstance(key, str) for key in ledger.keys)
    assert (ledger.state()["keys"], ledger.state()["kept"]) == (3, 3)
    for number in range(KEYS + 10):
        ledger._insert([number])
    assert len(ledger.keys) == KEYS


def test_what_was_given_back_is_forgotten_and_what_was_not_is_not() -> None:
    ledger = PairLedger(planned("leak-on-error-path"), lambda ids: [])
    ledger._acquire("held")
    for number in range(3 * BALANCED):
        ledger._acquire(number)
        ledger._release(number)
    assert len(ledger.balance) <= BALANCED + 1
    assert ledger.balance["held"] == 1


def judged(inserts: int, size: int) -> str:
    """What is said of a list that got so many entries without a key, and has so many at the end."""
    state = {"inserts": inserts, "keys": 0, "kept": 0, "size": size, "shrunk": 0, "bounded": "", "objects": 1}
    return GrowthLedger.judge(planned("unbounded-cache"), [state]).status


def test_a_list_that_holds_all_that_was_ever_put_in_is_confirmed_past_the_bound() -> None:
    assert judged(inserts=1344, size=1344) == "confirmed"
    assert judged(inserts=60, size=60) == "suspicious"
    assert judged(inserts=1344, size=1200) == "suspicious"
