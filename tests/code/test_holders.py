"""Which attributes can hold requests, told by what is done with them."""

from __future__ import annotations

from linking import cls, function, link

from llmlint.code.domain.holders import Holders, among

SOURCE = """
class Prealloc:
    def __init__(self):
        self.queue = []
        self.sizes = []

    def add(self, req):
        self.queue.append(req)
        self.sizes.append(len(req.input_ids))


class Scheduler:
    def __init__(self):
        self.prealloc = Prealloc()
        self.ready = []
        self.slots = [None, None]
        self.tokens = []
        self.running = Batch()
        self.waiting = make_queue()

    def step(self, i):
        self.slots[i] = self.running
        return [entry.rid for entry in self.ready] + [req for req in self.running.reqs]

    def add(self, request):
        self.waiting.prepend_request(request)
        self.tokens.append(request.num_tokens)
"""


def test_what_is_put_in_read_or_moved_tells_what_holds_requests() -> None:
    program = link({"m.py": SOURCE})
    assert Holders(program).own(cls(program, "Scheduler")) == {
        "self.ready",
        "self.running",
        "self.slots",
        "self.waiting",
    }


def test_the_holders_of_an_owned_object_are_reached_through_it() -> None:
    program = link({"m.py": SOURCE})
    reached = Holders(program).of(cls(program, "Scheduler"))
    assert "self.prealloc.queue" in reached
    assert "self.prealloc.sizes" not in reached


def test_what_a_function_puts_a_request_into() -> None:
    program = link({"m.py": SOURCE})
    puts = [path for path, _ in Holders(program).puts(function(program, "Prealloc.add"))]
    assert puts == ["self.queue"]


def test_a_path_through_a_holder_goes_to_it() -> None:
    holders = frozenset({"self.queue", "self.prealloc.queue"})
    assert among(["self.queue[].req.rid", "self.prealloc.size"], holders) == {"self.queue"}


def test_what_is_put_beside_a_request_or_walked_with_it_holds_requests_too() -> None:
    source = """
class Plain:
    def __init__(self):
        self.one = []
        self.two = []
        self.three = []
        self.sizes = []

    def take(self, thing):
        if thing.large:
            self.two.append(thing)
        else:
            self.one.append(thing)
        self.sizes.append(thing.size)

    def drop(self, key):
        self.one = [kept for kept in self.one if kept.rid != key]

    def each(self):
        return [each.size for each in [*self.one, *self.sizes]]

    def find(self, key):
        for each in [*self.one, *self.three]:
            if each.rid == key:
                return each
"""
    program = link({"m.py": source})
    holders, plain = Holders(program), cls(program, "Plain")
    assert holders.own(plain) == {"self.one", "self.two", "self.three"}
    puts = [path for path, _ in holders.puts_of(plain, function(program, "take"))]
    assert sorted(puts) == ["self.one", "self.two"]
