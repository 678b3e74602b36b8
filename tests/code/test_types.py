"""Which functions calls run, by what the language lets one know of the objects they are called on."""

from __future__ import annotations

from textwrap import dedent

import pytest

from llmlint.code.link.objects import Method
from tests.code.linking import call, called, cls, function, link

ENGINE = """
    from __future__ import annotations
    import asyncio
    from abc import ABC, abstractmethod
    from collections import defaultdict, deque
    from contextlib import contextmanager
    from copy import deepcopy
    from dataclasses import dataclass, field
    from enum import Enum
    from functools import partial
    from typing import TYPE_CHECKING, Any, Callable, ClassVar, Iterator, Literal, NamedTuple, Optional, Protocol
    from typing import Self, TypeAlias, TypedDict, TypeVar, Union, cast
    import msgspec
    from pydantic import BaseModel

    class Pool:
        def free(self): ...
        def twin(self) -> Self: ...
        def __enter__(self): return self
        def __exit__(self, *exc): ...
    class Paged(Pool):
        def free(self): ...
        def pages(self): ...
    class Ring:
        def free(self): ...
        def turn(self): ...
    class Other:
        def free(self): ...
"""


def runs(body: str, callee: str, of: str = "use") -> list[str]:
    """The names, without the module, of what a call in the function `use` runs."""
    program = link({"a.py": dedent(ENGINE) + dedent(body)})
    return sorted(name.removeprefix("a.") for name in called(program, of, callee))


# ------------------------------------------------------------ what is declared


@pytest.mark.parametrize(
    "annotation",
    [
        "Pool",
        '"Pool"',
        "Optional[Pool]",
        'Optional["Pool"]',
        "Pool | None",
        '"Pool | None"',
        "Union[Pool, None]",
        "ClassVar[Pool]",
        "Handle",
        "P",
        "Small",
    ],
)
def test_a_parameter_is_what_it_declares_however_it_is_written(annotation: str) -> None:
    body = f"""
        Handle: TypeAlias = Union["Pool", None]
        P = TypeVar("P", bound=Pool)
        Small = NewType("Small", Pool)
        def use(pool: {annotation}): pool.free()
    """
    assert runs(body, "pool.free") == ["Pool.free"]


def test_a_union_runs_the_method_of_each_class() -> None:
    assert runs("def use(pool: Pool | Ring): pool.free()", "pool.free") == ["Pool.free", "Ring.free"]


def test_a_union_of_many_classes_that_is_declared_is_kept_whole() -> None:
    names = [f"C{at}" for at in range(7)]
    classes = "".join(f"class {name}:\n    def run(self): ...\n" for name in names)
    body = f"{classes}def use(one: {' | '.join(names)}): one.run()\n"
    assert runs(body, "one.run") == [f"{name}.run" for name in names]


def test_a_class_as_a_value_makes_objects_and_has_class_methods() -> None:
    body = """
        class Made:
            def __init__(self): ...
            def run(self): ...
            @classmethod
            def known(cls): ...
        def use(kind: type[Made]):
            made = kind()
            made.run()
            kind.known()
    """
    assert runs(body, "kind") == ["Made.__init__"]
    assert runs(body, "made.run") == ["Made.run"]
    assert runs(body, "kind.known") == ["Made.known"]


def test_what_a_callable_gives_is_declared_with_it() -> None:
    assert runs("def use(make: Callable[[int], Pool]): make(1).free()", "make().free") == ["Pool.free"]


@pytest.mark.parametrize(
    ("fields", "decorator", "base"),
    [
        ("pool: Pool", "@dataclass", ""),
        ("pool: Pool = field(default_factory=Pool)", "@dataclass", ""),
        ("pool: Pool", "", "(BaseModel)"),
        ("pool: Pool", "", "(NamedTuple)"),
        ("pool: Pool", "", "(msgspec.Struct)"),
        ("pool: Optional[Pool] = None", "", "(Protocol)"),
        ("pool = Pool()", "", ""),
    ],
)
def test_the_fields_of_records_are_what_they_declare(fields: str, decorator: str, base: str) -> None:
    body = f"""
        {decorator}
        class Record{base}:
            {fields}
        def use(record: Record): record.pool.free()
    """
    assert runs(body, "record.pool.free") == ["Pool.free"]


def test_the_members_of_an_enum_are_objects_of_it() -> None:
    body = """
        class State(Enum):
            IDLE = 1
            def step(self): ...
        def use(): State.IDLE.step()
    """
    assert runs(body, "State.IDLE.step") == ["State.step"]


def test_an_attribute_is_declared_where_it_gets_no_value_yet() -> None:
    body = """
        class Engine:
            def __init__(self, which):
                self.pool: Pool | Ring
                if which:
                    self.pool = Pool()
            def use(self): self.pool.free()
    """
    assert runs(body, "self.pool.free", "Engine.use") == ["Pool.free", "Ring.free"]


def test_what_a_base_declares_holds_for_its_subclasses() -> None:
    body = """
        class Base:
            pool: Pool | None
        class Engine(Base):
            def __init__(self): self.pool = Paged()
            def use(self): self.pool.free()
    """
    assert runs(body, "self.pool.free", "Engine.use") == ["Pool.free"]


def test_a_variable_of_a_module_may_be_declared_for_the_type_checker_alone() -> None:
    files = {
        "serve/__init__.py": "if TYPE_CHECKING:\n    current: Platform\nfrom serve.platform import Platform\n",
        "serve/platform.py": "class Platform:\n    def is_cuda(self): ...\n",
        "serve/use.py": "from serve import current\ndef use(): current.is_cuda()\n",
    }
    assert called(link(files), "use", "current.is_cuda") == ["serve.platform.Platform.is_cuda"]


# ------------------------------------------------------------ what is assigned


@pytest.mark.parametrize(
    "value",
    [
        "Pool() if flag else Ring()",
        "given or Ring()",
        "given if flag else Ring()",
    ],
)
def test_a_value_with_a_choice_is_any_of_its_options(value: str) -> None:
    body = f"""
        class Engine:
            def __init__(self, flag, given: Pool): self.pool = {value}
            def use(self): self.pool.free()
    """
    assert runs(body, "self.pool.free", "Engine.use") == ["Pool.free", "Ring.free"]


def test_an_attribute_is_any_of_what_is_assigned_to_it() -> None:
    body = """
        class Engine:
            def __init__(self, flag):
                if flag:
                    self.pool = Pool()
                else:
                    self.pool = Ring()
            def use(self): self.pool.free()
    """
    assert runs(body, "self.pool.free", "Engine.use") == ["Pool.free", "Ring.free"]


def test_an_attribute_is_any_of_the_types_that_methods_declare_it_to_be_of() -> None:
    body = """
        class Engine:
            def near(self): self.pools: list[Pool] = []
            def far(self): self.pools: list[Ring] = []
            def again(self): self.pools: List[Pool] = []
            def use(self): self.pools[0].free()
    """
    assert runs(body, "self.pools[].free", "Engine.use") == ["Pool.free", "Ring.free"]


def test_more_than_four_classes_are_told_by_the_class_they_descend_from_or_not_at_all() -> None:
    kin = "".join(f"class K{at}(Pool):\n    def free(self): ...\n" for at in range(5))
    strangers = "".join(f"class S{at}:\n    def free(self): ...\n" for at in range(5))
    pick = "".join(f"    if flag == {at}:\n        pool = {{}}{at}()\n" for at in range(5))
    of_kin = f"{kin}def use(flag):\n{pick.replace('{}', 'K')}    pool.free()\n"
    of_strangers = f"{strangers}def use(flag):\n{pick.replace('{}', 'S')}    pool.free()\n"
    assert runs(of_kin, "pool.free") == ["Pool.free"]
    assert runs(of_strangers, "pool.free") == []


@pytest.mark.parametrize(
    "given",
    [
        "deepcopy(pool)",
        "cast(Pool, anything)",
        'cast("Pool", anything)',
        "pool.twin()",
        "await asyncio.shield(pool)",
    ],
)
def test_what_hands_back_what_it_is_handed_is_seen_through(given: str) -> None:
    assert runs(f"async def use(pool: Pool, anything):\n    it = {given}\n    it.free()\n", "it.free") == ["Pool.free"]


def test_a_partial_runs_its_function_and_gives_what_that_gives() -> None:
    body = """
        def make(size) -> Pool: ...
        def use():
            small = partial(make, 1)
            pool = small()
            pool.free()
    """
    assert runs(body, "small") == ["make"]
    assert runs(body, "pool.free") == ["Pool.free"]


def test_a_singleton_of_the_module_is_what_any_function_assigns_to_it() -> None:
    body = """
        _POOL = None
        def start():
            global _POOL
            _POOL = Pool()
        def use(): _POOL.free()
    """
    assert runs(body, "_POOL.free") == ["Pool.free"]


def test_an_import_inside_of_a_function_beats_the_modules_name() -> None:
    files = {
        "b.py": "def go(): ...\n",
        "c.py": "def go(): ...\n",
        "a.py": "from b import go\ndef use():\n    from c import go\n    go()\ndef other(): go()\n",
    }
    assert called(link(files), "use", "go") == ["c.go"]
    assert called(link(files), "other", "go") == ["b.go"]


def test_a_nested_function_sees_what_the_one_around_it_knows() -> None:
    body = """
        def outer(pool: Pool):
            ring = Ring()
            def use():
                pool.free()
                ring.turn()
    """
    assert runs(body, "pool.free", "outer.use") == ["Pool.free"]
    assert runs(body, "ring.turn", "outer.use") == ["Ring.turn"]


def test_what_the_classes_own_call_makes_is_an_object_of_it() -> None:
    body = """
        class Made:
            def __init__(self, size): ...
            def run(self): ...
            @classmethod
            def small(cls):
                made = cls(1)
                made.run()
                return made
        def use(): Made.small().run()
    """
    assert runs(body, "self", "Made.small") == ["Made.__init__"]
    assert runs(body, "made.run", "Made.small") == ["Made.run"]
    assert runs(body, "Made.small().run") == ["Made.run"]


# ------------------------------------------------------------ what is bound


def test_with_binds_what_entering_gives() -> None:
    body = """
        class Guard:
            def __enter__(self) -> Ring: ...
            def __exit__(self, *exc): ...
        @contextmanager
        def lent() -> Iterator[Pool]:
            yield Pool()
        def use():
            with Guard() as ring, Pool() as pool, lent() as other:
                ring.turn()
                pool.free()
                other.twin()
    """
    assert runs(body, "ring.turn") == ["Ring.turn"]
    assert runs(body, "pool.free") == ["Pool.free"]
    assert runs(body, "other.twin") == ["Pool.twin"]


def test_unpacking_takes_a_tuple_apart_by_place() -> None:
    body = """
        def both() -> tuple[Pool, Ring]: ...
        def use():
            pool, ring = both()
            pool.free()
            ring.turn()
    """
    assert runs(body, "pool.free") == ["Pool.free"]
    assert runs(body, "ring.turn") == ["Ring.turn"]


@pytest.mark.parametrize(
    "loop",
    [
        "for pool in pools():",
        "for at, pool in enumerate(pools()):",
        "for at, pool in zip(range(3), pools()):",
        "for key, pool in by_name().items():",
        "for pool in by_name().values():",
    ],
)
def test_a_loop_over_what_a_call_gives_binds_its_elements(loop: str) -> None:
    body = f"""
        def pools() -> list[Pool]: ...
        def by_name() -> dict[str, Pool]: ...
        def use():
            {loop}
                pool.free()
    """
    program = link({"a.py": dedent(ENGINE) + dedent(body)})
    use = function(program, "use")
    assert [f.full_name for f in program.callees(use, use.effects[-1])] == ["a.Pool.free"]


# ------------------------------------------------------------ what containers hold


@pytest.mark.parametrize(
    ("made", "filled"),
    [
        ("[]", "self.held.append(Pool())"),
        ("[Pool() for _ in range(4)]", "pass"),
        ("[Pool(), Pool()]", "pass"),
        ("tuple(Pool() for _ in range(4))", "pass"),
        ("{}", "self.held[1] = Pool()"),
        ("{}", "self.held.setdefault(1, Pool())"),
        ("{1: Pool()}", "pass"),
        ("deque()", "self.held.appendleft(Pool())"),
        ("set()", "self.held.add(Pool())"),
        ("[]", "self.held.insert(0, Pool())"),
        ("[]", "self.held += [Pool()]"),
        ("dict()", "self.held[1] = Pool()"),
    ],
)
def test_a_container_without_a_type_holds_what_is_put_into_it(made: str, filled: str) -> None:
    body = f"""
        class Engine:
            def __init__(self): self.held = {made}
            def fill(self): {filled}
            def use(self):
                self.held[0].free()
                for each in self.held:
                    each.free()
    """
    assert runs(body, "self.held[].free", "Engine.use") == ["Pool.free"]


def test_what_is_taken_out_is_what_was_put_in() -> None:
    body = """
        def use():
            waiting = deque()
            waiting.append(Pool())
            first = waiting.popleft()
            first.free()
    """
    assert runs(body, "waiting[].free") == ["Pool.free"]


def test_containers_in_containers_are_followed() -> None:
    body = """
        class Engine:
            def __init__(self): self.by_rank = defaultdict(list)
            def fill(self, rank): self.by_rank[rank].append(Pool())
            def use(self, rank):
                for pool in self.by_rank[rank]:
                    pool.free()
    """
    assert runs(body, "self.by_rank[][].free", "Engine.use") == ["Pool.free"]


def test_a_class_that_is_a_list_of_things_gives_them() -> None:
    assert runs("class Pools(list[Pool]): ...\ndef use(pools: Pools): pools[0].free()", "pools[].free") == ["Pool.free"]


# ------------------------------------------------------------ what callers hand over


def test_a_parameter_without_a_type_is_what_callers_hand_to_it() -> None:
    body = """
        def use(pool): pool.free()
        def one(): use(Pool())
        def two(ring: Ring): use(pool=ring)
    """
    assert runs(body, "pool.free") == ["Pool.free", "Ring.free"]


def test_what_is_handed_on_arrives_one_call_further() -> None:
    body = """
        def use(pool): pool.free()
        def between(pool): use(pool)
        def start(): between(Pool())
    """
    assert runs(body, "pool.free") == ["Pool.free"]


def test_an_attribute_that_stores_a_parameter_is_what_the_constructor_is_handed() -> None:
    body = """
        class Engine:
            def __init__(self, pool): self.pool = pool
            def use(self): self.pool.free()
        def start(): return Engine(Pool())
    """
    assert runs(body, "self.pool.free", "Engine.use") == ["Pool.free"]


def test_a_callback_that_is_handed_over_is_what_the_parameter_runs() -> None:
    body = """
        class Engine:
            def done(self): ...
            def start(self): use(self.done)
        def use(then): then()
    """
    assert runs(body, "then") == ["Engine.done"]


# ------------------------------------------------------------ what tests say


@pytest.mark.parametrize(
    "lines",
    [
        ["if isinstance(pool, Paged):", "    pool.pages()"],
        ["if flag and isinstance(pool, Paged):", "    pool.pages()"],
        ["if isinstance(pool, (Paged, Ring)) and pool.pages():", "    pass"],
        ["if not isinstance(pool, Paged):", "    return", "pool.pages()"],
        ["if flag or not isinstance(pool, Paged):", "    raise ValueError", "pool.pages()"],
        ["assert isinstance(pool, Paged)", "pool.pages()"],
        ["if not isinstance(pool, Paged):", "    flag = 1", "else:", "    pool.pages()"],
    ],
)
def test_isinstance_tells_what_an_object_is_where_it_has_passed(lines: list[str]) -> None:
    body = "def use(pool: Pool, flag):\n" + "".join(f"    {line}\n" for line in lines)
    assert runs(body, "pool.pages") == ["Paged.pages"]


def test_isinstance_tells_nothing_where_it_need_not_have_passed() -> None:
    body = """
        def use(one, flag):
            if flag or isinstance(one, Paged):
                one.pages()
    """
    assert runs(body, "one.pages") == []


def test_isinstance_of_a_base_does_not_make_less_known_what_is_known_better() -> None:
    body = """
        def use():
            pool = Paged()
            if isinstance(pool, Pool):
                pool.free()
    """
    assert runs(body, "pool.free") == ["Paged.free"]


def test_isinstance_in_a_loop_narrows_the_elements() -> None:
    body = """
        def use(pools: list[Pool]):
            for pool in pools:
                if isinstance(pool, Paged):
                    pool.pages()
    """
    assert runs(body, "pools[].pages") == ["Paged.pages"]


# ------------------------------------------------------------ what is not of the program


@pytest.mark.parametrize(
    ("line", "callee"),
    [
        ("anything.free()", "anything.free"),
        ("getattr(engine, name).free()", "getattr().free"),
        ("torch.empty(3).free()", "torch.empty().free"),
        ("name.strip().free()", "name.strip().free"),
    ],
)
def test_a_method_of_the_same_name_is_no_reason_to_know_an_object(line: str, callee: str) -> None:
    assert runs(f"import torch\ndef use(anything, engine: Any, name: str):\n    {line}\n", callee) == []


# ------------------------------------------------------------ abstract methods


def test_an_abstract_class_or_static_method_runs_its_overrides() -> None:
    body = """
        class Kind(ABC):
            @classmethod
            @abstractmethod
            def known(cls): ...
            @staticmethod
            @abstractmethod
            def size(): ...
            @classmethod
            def use(cls):
                cls.known()
                cls.size()
        class Small(Kind):
            @classmethod
            def known(cls): ...
            @staticmethod
            def size(): ...
    """
    assert runs(body, "self.known", "Kind.use") == ["Kind.known", "Small.known"]
    assert runs(body, "self.size", "Kind.use") == ["Kind.size", "Small.size"]


# ------------------------------------------------------------ whatever is asked first


def test_answers_do_not_depend_on_the_order_of_files_or_questions() -> None:
    files = {
        "a.py": "from b import take\nclass A:\n    def run(self): ...\ndef first(): take(A())\n",
        "b.py": "from c import Box\ndef take(it):\n    box = Box(it)\n    box.it.run()\n    return box\n",
        "c.py": "class Box:\n    def __init__(self, it): self.it = it\n    def use(self): self.it.run()\n",
    }
    seen = set()
    for order in (sorted(files), sorted(files, reverse=True)):
        for asked in (("take", "box.it.run"), ("Box.use", "self.it.run")):
            program = link({path: files[path] for path in order})
            called(program, *asked)
            answers = called(program, "take", "box.it.run"), called(program, "Box.use", "self.it.run")
            seen.add(str(answers))
    assert seen == {"(['a.A.run'], ['a.A.run'])"}


def test_the_callers_of_a_constructor_are_found_through_the_class_and_through_cls() -> None:
    body = """
        class Made:
            def __init__(self): ...
            @classmethod
            def small(cls): return cls()
        def use(): Made()
    """
    program = link({"a.py": dedent(ENGINE) + dedent(body)})
    made = cls(program, "Made").methods["__init__"]
    assert [c.function.name for c in program.callers(made)] == ["small", "use"]
    assert call(function(program, "use"), "Made").op == "call"


# ------------------------------------------------------------ C++

HEADER = """
    #pragma once
    #include <memory>
    #include <vector>
    namespace kv {
    struct slot { void release(); };
    class pool {
    public:
        void free() {}
        slot * take();
        std::unique_ptr<slot> lend();
        std::vector<std::shared_ptr<slot>> slots;
        slot & first();
    };
    class ring : public pool { public: void free() {} void turn() {} };
    }
    struct engine {
        std::unique_ptr<kv::pool> pool;
        kv::ring & ring;
        std::map<int, kv::slot> by_id;
        void use(kv::ring * given, const std::string & text);
    };
"""


@pytest.mark.parametrize(
    ("line", "callee", "ran"),
    [
        ("pool->free();", "self.pool.free", ["kv.pool.free"]),
        ("pool.get()->free();", "self.pool[].free", ["kv.pool.free"]),
        ("ring.turn();", "self.ring.turn", ["kv.ring.turn"]),
        ("given->turn();", "given.turn", ["kv.ring.turn"]),
        ("auto * s = pool->take(); s->release();", "s.release", ["kv.slot.release"]),
        ("auto s = pool->lend(); s->release();", "s.release", ["kv.slot.release"]),
        ("const auto & s = pool->first(); s.release();", "s.release", ["kv.slot.release"]),
        ("auto p = std::make_unique<kv::pool>(); p->free();", "p.free", ["kv.pool.free"]),
        ("auto * p = new kv::ring(); p->turn();", "p.turn", ["kv.ring.turn"]),
        ("for (auto & s : pool->slots) { s->release(); }", "self.pool.slots[].release", ["kv.slot.release"]),
        ("by_id[3].release();", "self.by_id[].release", ["kv.slot.release"]),
        ("auto q = static_cast<kv::ring *>(pool.get()); q->turn();", "q.turn", ["kv.ring.turn"]),
        ("text.free();", "text.free", []),
    ],
)
def test_cpp_objects_are_followed_through_pointers_references_and_auto(line: str, callee: str, ran: list[str]) -> None:
    source = f'#include "engine.h"\nvoid engine::use(kv::ring * given, const std::string & text) {{ {line} }}\n'
    program = link({"engine.h": HEADER, "engine.cpp": source})
    use = next(f for f in program.functions if f.facts.qualname == "engine.use" and f.facts.has_body)
    found = [f.full_name for f in program.callees(use, call(use, callee))]
    assert found == ran


def test_what_a_call_runs_outside_of_the_program_has_a_name() -> None:
    body = """
        import threading
        import torch
        def use(name: str, lock: threading.Lock, t: torch.Tensor, anything):
            name.strip()
            lock.acquire()
            t.view(1).copy_(t)
            threading.Thread().start()
            anything.go()
    """
    program = link({"a.py": dedent(body)})
    use = function(program, "use")
    names = {e.callee: program.name_called(use, e) for e in use.effects if e.callee}
    assert names["lock.acquire"] == "threading.Lock.acquire"
    assert names["t.view().copy_"] == "torch.Tensor.view().copy_"
    assert names["threading.Thread().start"] == "threading.Thread().start"
    assert names["anything.go"] == ""


def test_a_method_that_is_named_like_one_of_a_container_gives_what_it_says() -> None:
    body = """
        class Free:
            def pop(self) -> Paged: ...
        def use(free: Free): free.pop().pages()
    """
    assert runs(body, "free[].pages") == ["Paged.pages"]


def test_a_loop_that_awaits_gives_what_the_stream_says() -> None:
    body = """
        class Stream:
            def __aiter__(self): return self
            async def __anext__(self) -> Paged: ...
        async def use(stream: Stream):
            async for page in stream:
                page.pages()
    """
    assert runs(body, "stream[].pages") == ["Paged.pages"]


def test_iterators_that_give_themselves_and_each_other_end() -> None:
    body = """
        class Own:
            def __iter__(self): return self
            def __next__(self): return Pool()
        class Bare:
            def __iter__(self): return self
        class Here:
            def __iter__(self): return There()
        class There:
            def __iter__(self): return Here()
        def run(own: Own, bare: Bare, here: Here):
            for pool in own:
                pool.free()
            for one in bare:
                one.twin()
            for other in here:
                other.close()
    """
    program = link({"a.py": dedent(ENGINE) + dedent(body)})
    run = function(program, "run")
    ran = {ran.full_name for effect in run.effects for ran in program.callees(run, effect)}
    assert "a.Pool.free" in ran


def test_a_function_that_a_class_body_gives_a_name_is_bound_on_objects_and_plain_on_the_class() -> None:
    program = link(
        {
            "speech.py": "def detect(model, audio): ...\ndef score(audio): ...",
            "a.py": """
                from speech import detect as detect_language, score
                class Whisper:
                    detect = detect_language
                    def __init__(self): self.score = score
                    def run(self, audio):
                        self.detect(audio)
                        self.score(audio)
                        Whisper.detect(self, audio)
            """,
        }
    )
    run = function(program, "Whisper.run")
    (bound,), (own,), (plain,) = (program.meanings(run, p) for p in ("self.detect", "self.score", "Whisper.detect"))
    assert isinstance(bound, Method) and [param.name for param in bound.params] == ["audio"]
    assert own is function(program, "score")
    assert plain is function(program, "detect")


def test_of_two_star_imports_the_later_one_gives_a_name() -> None:
    program = link(
        {
            "old.py": "def convolve(): ...\ndef pad(): ...",
            "new.py": "def convolve(mode): ...",
            "a.py": "from old import *\nfrom new import *\ndef use():\n    convolve()\n    pad()",
        }
    )
    assert called(program, "use", "convolve") == ["new.convolve"]
    assert called(program, "use", "pad") == ["old.pad"]
