"""Entries made under a request's id, and whether a method takes them out again."""

from __future__ import annotations

from linking import cls, link

from llmlint.code.domain.registered import forgets, registrations

SOURCE = """
class Manager:
    def __init__(self):
        self.states = {}
        self.seen = {}

    def _enter(self, request):
        self.states[request.rid] = request
        self.seen[request.rid] = True
        self.by_layer[request.layer] = request

    def generate(self, request):
        self._enter(request)

    def finish(self, rid):
        self._drop(rid)

    def _drop(self, rid):
        del self.states[rid]
"""


def test_an_entry_is_found_where_it_is_made_and_where_the_helper_is_called() -> None:
    program = link({"a.py": SOURCE})
    made = [(r.function.name, r.attribute, r.holder.name) for r in registrations(program, cls(program, "Manager"))]
    assert made == [("_enter", "states", "_enter"), ("generate", "states", "_enter")]


def test_a_method_forgets_an_entry_through_its_helpers() -> None:
    program = link({"a.py": SOURCE})
    manager = cls(program, "Manager")
    assert forgets(program, manager.methods["finish"], manager, "states")
    assert not forgets(program, manager.methods["generate"], manager, "states")


def test_an_entry_is_found_through_helpers_that_run_here_and_not_in_a_task() -> None:
    source = (
        SOURCE
        + """
    def submit(self, request):
        self.generate(request)

    async def serve(self, request):
        self._enter(request)

    async def start(self, request):
        await self.serve(request)

    async def spawn(self, request):
        create_task(self.serve(request))
"""
    )
    program = link({"a.py": source})
    made = {r.function.name for r in registrations(program, cls(program, "Manager"))}
    assert made == {"_enter", "generate", "submit", "serve", "start"}
