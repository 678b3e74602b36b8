"""Where no type is written: mixins, generators, containers by a factory, parameters that say nothing."""

from __future__ import annotations

import pytest

from tests.code.test_types import runs

MIXIN = """
    class Mixin:
        def use(self):
            self.pool.free()
            self.made().turn()
    class Scheduler(Mixin):
        def __init__(self): self.pool = Paged()
        def made(self) -> Ring: ...
"""


@pytest.mark.parametrize(("callee", "ran"), [("self.pool.free", ["Paged.free"]), ("self.made().turn", ["Ring.turn"])])
def test_a_mixin_uses_what_the_classes_made_of_it_have(callee: str, ran: list[str]) -> None:
    assert runs(MIXIN, callee, "Mixin.use") == ran


def test_what_a_class_has_itself_is_not_taken_from_below() -> None:
    body = """
        class Base:
            def __init__(self): self.pool = Ring()
            def use(self): self.pool.free()
        class Below(Base):
            def more(self): self.pool = Pool()
    """
    assert runs(body, "self.pool.free", "Base.use") == ["Ring.free"]


@pytest.mark.parametrize("annotation", ["", ": Any", ": object", ": Any | None = None"])
def test_a_parameter_whose_type_says_nothing_is_what_callers_hand_over(annotation: str) -> None:
    body = f"""
        def use(pool{annotation}): pool.free()
        def main(ring: Ring): use(ring)
    """
    assert runs(body, "pool.free") == ["Ring.free"]


@pytest.mark.parametrize(
    ("made", "use"),
    [
        ("def make():\n    for at in range(3): yield Pool()", "for one in make(): one.free()"),
        ("async def make():\n    yield Pool()", "async for one in make(): one.free()"),
        ("@contextmanager\ndef make():\n    pool = Pool()\n    yield pool", "with make() as one: one.free()"),
    ],
)
def test_a_generator_that_declares_nothing_gives_what_it_yields(made: str, use: str) -> None:
    assert runs(f"{made}\nasync def use():\n    {use}\n", "one.free") == ["Pool.free"]


def test_a_generator_of_different_things_gives_nothing_that_is_known() -> None:
    body = "def make():\n    yield Pool()\n    yield Ring()\ndef use():\n    for one in make(): one.free()\n"
    assert runs(body, "one.free") == []


@pytest.mark.parametrize("made", ["return anything, Pool()", "yield anything\n    yield Pool()"])
def test_what_is_given_beside_something_unknown_is_not_taken_for_all_there_is(made: str) -> None:
    assert (
        runs(f"def make(anything):\n    {made}\ndef use():\n    one, two = make(x)\n    one.free()\n", "one.free") == []
    )


def test_a_default_dict_holds_what_its_factory_makes() -> None:
    body = """
        class Engine:
            def __init__(self): self.pools = defaultdict(Pool)
            def use(self, key): self.pools[key].free()
    """
    assert runs(body, "self.pools[].free", "Engine.use") == ["Pool.free"]


def test_a_slice_holds_what_the_list_holds() -> None:
    assert runs("def use(pools: list[Pool]):\n    for one in pools[1:]: one.free()", "pools[][].free") == ["Pool.free"]


def test_what_a_lambda_gives_is_no_result_of_the_function_around_it() -> None:
    body = """
        def make(names):
            names.sort(key=lambda name: Ring())
            return Paged()
        def use(names):
            made = make(names)
            made.free()
    """
    assert runs(body, "made.free") == ["Paged.free"]
