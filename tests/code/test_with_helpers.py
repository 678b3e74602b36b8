"""A function read together with the small helpers that it calls."""

from __future__ import annotations

from linking import function, link

from llmlint.code.flow.functions import paths_of
from llmlint.code.flow.graph import ENTRY, EXIT
from llmlint.code.flow.with_helpers import helped_at, is_helped, is_of_a_helper, is_own_region, read_with_callers, whole
from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.program import Program

POOL = """
class Pool:
    def serve(self, request):
        self._enter(request.id, 1)
        for item in request.items:
            if item.bad:
                _drop(item, request.items)
        return self._leave(request.id)

    def _enter(self, key, by):
        count = by
        self.running[key] = count

    def _leave(self, key):
        if key in self.running:
            self.running.pop(key)
        return key

    def large(self):
        self._early()
        self._various()
        self._decorated()

    def _early(self):
        if self.idle:
            return
        self.tick()

    def _various(self):
        self.tock()

    @timed
    def _decorated(self):
        self.tack()


class Other(Pool):
    def _various(self):
        self.tick()


def _drop(one, every):
    every.remove(one)
"""


def joined(program: Program, name: str) -> FunctionInfo:
    return whole(program, function(program, name))


def steps(of: FunctionInfo) -> list[tuple[str, str, str, int]]:
    changing = ("insert", "remove", "bind")
    return [(effect.op, effect.path, effect.key, effect.line) for effect in of.effects if effect.op in changing]


def test_what_helpers_do_stands_at_their_calls_in_the_callers_names() -> None:
    serve = joined(link({"pool.py": POOL}), "serve")
    assert steps(serve) == [
        ("bind", "_enter__count", "", 3),
        ("insert", "self.running", "request.id", 3),
        ("bind", "item", "", 4),
        ("remove", "request.items", "request.items[]", 6),
        ("remove", "self.running", "request.id", 7),
    ]
    assert [effect.callee for effect in serve.effects if is_helped(serve, effect)] == [
        "self._enter",
        "_drop",
        "self._leave",
    ]


def test_branches_of_helpers_are_branches_of_the_whole() -> None:
    serve = joined(link({"pool.py": POOL}), "serve")
    leaving = next(
        at for at, effect in enumerate(serve.effects) if effect.op == "remove" and effect.key == "request.id"
    )
    region = serve.regions[serve.effects[leaving].region]
    assert (region.kind, region.text, region.reads) == (
        "if",
        "request.id in self.running",
        ("request.id", "self.running"),
    )
    assert not is_own_region(serve, serve.effects[leaving].region)
    paths = paths_of(serve)
    nodes = set(paths.graph.nodes_of(leaving))
    assert nodes and paths.find([ENTRY], nodes, lambda node: False) is not None
    assert paths.find([ENTRY], {EXIT}, nodes.__contains__) is not None, "the branch may be passed by"


def test_it_is_known_what_comes_from_which_helper() -> None:
    serve = joined(link({"pool.py": POOL}), "serve")
    by = [helped.helper.name if (helped := helped_at(serve, at)) else "" for at in range(len(serve.effects))]
    assert [name for name in dict.fromkeys(by) if name] == ["_enter", "_drop", "_leave"]
    first, last = by.index("_enter"), len(by) - 1 - by[::-1].index("_enter")
    assert is_of_a_helper(serve, first, last) and not is_of_a_helper(serve, first, by.index("_leave"))


def test_what_leaves_early_is_overridden_or_decorated_stays_a_call() -> None:
    program = link({"pool.py": POOL})
    assert joined(program, "large") is function(program, "large")


def test_an_effect_of_a_helper_is_met_again_in_its_callers() -> None:
    program = link({"pool.py": POOL})
    drop = function(program, "_drop")
    met = list(read_with_callers(program, drop, drop.effects[0]))
    assert [(at.function.name, at.effect.path, at.effect.line) for at in met] == [
        ("_drop", "every", 42),
        ("serve", "request.items", 6),
    ]


def test_in_cpp_a_copy_stays_the_helpers_own() -> None:
    source = """
struct pool {
    std::vector<int> free;
    void take(int n) { shrink(n, free); raise(n); }
    void raise(int & by) { by = 2; }
    void shrink(int by, std::vector<int> & from) { by = 3; from.pop_back(); }
};
"""
    take = joined(link({"pool.cpp": source}), "take")
    assert [(op, path) for op, path, _, _ in steps(take)] == [
        ("bind", "shrink__by"),
        ("remove", "self.free"),
        ("bind", "n"),
    ]
