"""Objects and functions that pass through a library, or are handed over as values, are still known behind it."""

from __future__ import annotations

import pytest

from tests.code.test_types import runs

POOLS = """
    import copy, dataclasses, itertools, typing, weakref
    class Held:
        pool: Pool
        def go(self): ...
"""


@pytest.mark.parametrize(
    "value",
    [
        "cast(Pool, x)",
        'typing.cast("Pool", x)',
        "copy.copy(pool)",
        "dataclasses.replace(pool, size=1)",
        "weakref.proxy(pool)",
        'getattr(held, "pool")',
        'getattr(held, "pool", None)',
        'getattr(x, "unknown", pool)',
        "max(pools, key=len)",
        "min(pool, pool)",
    ],
)
def test_a_call_that_hands_on_an_argument_gives_that(value: str) -> None:
    body = (
        POOLS
        + f"    def use(x, pool: Pool, pools: list[Pool], held: Held):\n        one = {value}\n        one.free()\n"
    )
    assert runs(body, "one.free") == ["Pool.free"]
    inline = POOLS + f"    def use(x, pool: Pool, pools: list[Pool], held: Held):\n        {value}.free()\n"
    assert runs(inline, f"{value.partition('(')[0]}().free") == ["Pool.free"]


@pytest.mark.parametrize(
    "value",
    [
        "itertools.islice(pools, 3)",
        "itertools.chain(pools, more)",
        "filter(None, pools)",
    ],
)
def test_a_loop_over_what_hands_on_elements_goes_over_those(value: str) -> None:
    body = POOLS + f"    def use(pools: list[Pool], more: list[Pool]):\n        for one in {value}: one.free()\n"
    assert runs(body, "one.free") == ["Pool.free"]


def test_what_a_name_is_called_by_counts_and_not_its_last_part() -> None:
    body = """
        class Shelf:
            def copy(self, pool) -> Ring: ...
        def use(shelf: Shelf, pool: Pool):
            one = shelf.copy(pool)
            one.free()
    """
    assert runs(body, "one.free") == ["Ring.free"]


@pytest.mark.parametrize("made", ["type(self)", "self.__class__"])
def test_the_class_of_an_object_makes_objects_of_it(made: str) -> None:
    body = f"""
        class Made:
            def __init__(self): ...
            def use(self):
                other = {made}()
                other.use()
    """
    assert runs(body, "other.use", "Made.use") == ["Made.use"]


def test_a_weak_reference_that_is_called_gives_its_object() -> None:
    body = """
        import weakref
        class Engine:
            def __init__(self, pool: Pool): self.pool = weakref.ref(pool)
            def use(self):
                self.pool().free()
    """
    assert runs(body, "self.pool().free", "Engine.use") == ["Pool.free"]


def test_a_class_in_a_class_is_found_through_an_object() -> None:
    body = """
        class Base:
            class Slot:
                def __init__(self): ...
                def free(self): ...
        class Engine(Base):
            def use(self):
                slot = self.Slot()
                slot.free()
    """
    assert runs(body, "self.Slot", "Engine.use") == ["Base.Slot.__init__"]
    assert runs(body, "slot.free", "Engine.use") == ["Base.Slot.free"]


# ------------------------------------------------------------ functions as values


@pytest.mark.parametrize("annotation", ["", ": Callable", ": Callable[[], None]", ": Callable[[], None] | None = None"])
def test_a_callback_is_what_callers_hand_over(annotation: str) -> None:
    body = f"""
        def start(done{annotation}): done()
        def main(pool: Pool): start(pool.free)
    """
    assert runs(body, "done", "start") == ["Pool.free"]


def test_a_callback_that_is_stored_is_what_callers_hand_over() -> None:
    body = """
        class Watch:
            def __init__(self, ended: Callable[[], None]): self.ended = ended
            def use(self): self.ended()
        def main(pool: Pool): Watch(ended=pool.free)
    """
    assert runs(body, "self.ended", "Watch.use") == ["Pool.free"]


def test_what_a_callback_is_declared_to_give_stays_known() -> None:
    body = """
        def start(make: Callable[[], Pool]): make().free()
        def made(): ...
        def main(): start(made)
    """
    assert runs(body, "make", "start") == ["made"]
    assert runs(body, "make().free", "start") == ["Pool.free"]


@pytest.mark.parametrize("annotation", ["", ": dict[str, Callable[[], None]]"])
def test_a_table_of_functions_runs_any_of_them(annotation: str) -> None:
    body = f"""
        class Engine:
            def __init__(self, pool: Pool, ring: Ring):
                self.on{annotation} = {{"free": pool.free, "turn": ring.turn}}
            def use(self, name):
                self.on[name]()
                handler = self.on.get(name)
                handler()
    """
    assert runs(body, "self.on[]", "Engine.use") == ["Pool.free", "Ring.turn"]


def test_a_function_that_gives_one_of_many_functions_may_run_each() -> None:
    names = [f"f{at}" for at in range(6)]
    defined = "".join(f"def {name}(): ...\n" for name in names)
    chosen = "".join(f"    if name == '{name}': return {name}\n" for name in names)
    assert (
        runs(f"{defined}def chosen(name):\n{chosen}def use(name):\n    run = chosen(name)\n    run()\n", "run") == names
    )
