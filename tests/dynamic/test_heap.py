"""Objects that were there before, also those that `gc.freeze` has put aside."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

from llmlint.dynamic.heap import objects_of

PROGRAM = """
import gc, sys, threading
from llmlint.dynamic.heap import objects_of

class Engine: pass
class Pool: pass

def serve(ready, done):
    engine = Engine()
    engine.pools = {"a": [Pool(), Pool()]}
    ready.set()
    done.wait()

ready, done = threading.Event(), threading.Event()
threading.Thread(target=serve, args=(ready, done)).start()
ready.wait()
cyclic = [Pool()]
cyclic.append(cyclic)
if "freeze" in sys.argv:
    gc.collect()
    gc.freeze()
    assert not [one for one in gc.get_referrers(Engine) if type(one) is Engine]
later = Pool()
found = [type(one).__name__ for one in {id(one): one for one in objects_of({Engine, Pool})}.values()]
done.set()
print(found.count("Engine"), found.count("Pool"))
"""


def found(*arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_objects_held_by_threads_and_variables_are_found() -> None:
    assert found() == "1 4"


def test_they_are_found_as_well_when_the_program_has_frozen_them() -> None:
    assert found("freeze") == "1 4"


class Batch:
    pass


def test_what_a_function_lets_go_of_is_gone_though_its_variables_were_looked_at() -> None:
    batch = Batch()
    way = weakref.ref(batch)
    gc.collect()
    gc.freeze()
    try:
        assert any(one is batch for one in list(objects_of({Batch})))
        del batch
        assert way() is None
        mine = locals()
        list(objects_of({Batch}))
        assert mine["way"] is way, "the program's own look at its variables stays as it was"
    finally:
        gc.unfreeze()


class Odd:
    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise AssertionError("nobody but the program may ask")


def test_no_code_of_the_program_runs_for_it() -> None:
    odd = [Odd()]
    gc.collect()
    gc.freeze()
    try:
        assert list(objects_of({Batch})) == []
    finally:
        gc.unfreeze()
    assert len(odd) == 1
