"""How files become one program: names, classes, attributes, calls, and what is done to an object's state."""

from __future__ import annotations

import pytest
from linking import call, called, cls, done, function, link

from llmlint.code.flow.summaries import does, mentions
from llmlint.code.link.exits import around
from llmlint.code.link.program import FunctionInfo

PACKAGE = {"serve/__init__.py": "", "serve/core/__init__.py": ""}

# ---------------------------------------------------------------- names


def test_the_module_of_a_file_follows_its_packages_wherever_the_tree_stands() -> None:
    program = link({"src/serve/__init__.py": "", "src/serve/core/pool.py": "class Pool: ...", "tool.py": "x = 1"})
    assert cls(program, "Pool").full_name == "serve.core.pool.Pool"
    assert {f.full_name for f in program.functions} >= {"serve.<module>", "tool.<module>"}


def test_an_alias_of_a_module_outside_the_program_resolves_to_its_full_name() -> None:
    program = link({"a.py": "import torch.distributed as dist\nimport torch.cuda\nfrom os import path as p\n"})
    assert program.resolve("a.py", "dist.all_reduce") == "torch.distributed.all_reduce"
    assert program.resolve("a.py", "torch.cuda.synchronize") == "torch.cuda.synchronize"
    assert program.resolve("a.py", "p.join") == "os.path.join"
    assert program.resolve("a.py", "unknown.thing") == "unknown.thing"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from .pool import Pool", "Pool"),
        ("from ..core.pool import Pool as P", "P"),
        ("from . import pool", "pool.Pool"),
        ("from serve.core import pool as lending", "lending.Pool"),
        ("import serve.core.pool", "serve.core.pool.Pool"),
        ("from serve import core", "core.pool.Pool"),
        ("from .pool import *", "Pool"),
    ],
)
def test_every_form_of_import_leads_to_the_class(source: str, name: str) -> None:
    program = link({**PACKAGE, "serve/core/pool.py": "class Pool: ...", "serve/core/user.py": source})
    assert program.resolve("serve/core/user.py", name) == "serve.core.pool.Pool"


def test_a_re_export_leads_to_where_the_class_is_defined() -> None:
    program = link(
        {
            "serve/__init__.py": "from .core import Pool",
            "serve/core/__init__.py": "from serve.core.pool import Pool",
            "serve/core/pool.py": "class Pool: ...",
            "main.py": "import serve\nfrom serve import Pool as Lender",
        }
    )
    assert program.resolve("main.py", "Lender") == "serve.core.pool.Pool"
    assert program.resolve("main.py", "serve.Pool") == "serve.core.pool.Pool"


def test_modules_that_import_each_other_end_the_search() -> None:
    program = link({"a.py": "from b import thing", "b.py": "from a import thing"})
    assert program.resolve("a.py", "thing").endswith("thing")


def test_absolute_imports_are_understood_when_the_scan_begins_inside_the_package() -> None:
    program = link(
        {
            "core/sched/queue.py": "class Queue: ...",
            "core/sched/output.py": "class Output: ...",
            "core/sched/scheduler.py": "from serve.core.sched.queue import Queue\nclass Scheduler(Queue): ...",
        }
    )
    assert cls(program, "Scheduler").bases == (cls(program, "Queue"),)


SPREAD = {
    "__init__.py": "from . import version",
    "version.py": "def number(): ...",
    "srt/managers/sched.py": "from ..eplb import dist\nclass Near(dist.Dist): ...",
    "srt/eplb/__init__.py": "",
    "srt/eplb/dist.py": "class Dist: ...",
    "srt/models/llama.py": """
        import sglang.srt.eplb.dist
        from sglang import version
        from sglang.srt import eplb
        from sglang.srt.managers import sched
        class Far(sglang.srt.eplb.dist.Dist): ...
        class Through(eplb.dist.Dist): ...
        def use(): version.number()
    """,
}
"""A package with a folder in it that has no `__init__.py`."""


@pytest.mark.parametrize("folder", ["", "sglang/", "python/sglang/"])
def test_imports_lead_through_a_folder_without_init_wherever_the_scan_begins(folder: str) -> None:
    program = link({f"{folder}{path}": source for path, source in SPREAD.items()})
    for name in ("Near", "Far", "Through"):
        assert cls(program, name).bases == (cls(program, "Dist"),)
    use = function(program, "use")
    assert [f.path for f in program.callees(use, call(use, "version.number"))] == [f"{folder}version.py"]


def test_several_packages_may_be_left_off_in_imports() -> None:
    modules = ("a.one", "a.two", "b.three")
    files = {f"{name.replace('.', '/')}.py": f"class {name[2:].title()}: ..." for name in modules}
    imports = "".join(f"import {outer}.{name}\n" for name in modules for outer in ("serve", "kernels"))
    files["use.py"] = f"{imports}class Mine(kernels.a.one.One, serve.a.two.Two): ..."
    program = link(files)
    assert cls(program, "Mine").bases == (cls(program, "One"), cls(program, "Two"))


def test_a_library_with_a_module_named_like_one_of_ours_is_not_taken_for_ours() -> None:
    program = link(
        {
            "a/one.py": "class One: ...",
            "a/two.py": "import serve.a.one\nimport serve.a.two\nimport lib.a.one\nimport lib.a.more\n",
            "use.py": "import lib.a.one\nclass Mine(lib.a.one.One): ...",
        }
    )
    assert cls(program, "Mine").bases == ()


def test_of_two_trees_scanned_together_each_file_sees_its_own() -> None:
    tree = {
        "serve/__init__.py": "",
        "serve/pool.py": "class Pool: ...",
        "serve/use.py": "from serve.pool import Pool\nclass Mine(Pool): ...\n",
    }
    program = link({f"{root}/{path}": source for root in ("new", "old") for path, source in tree.items()})
    seen = {mine.path: mine.bases[0].path for mine in program.classes_named("Mine")}
    assert seen == {"new/serve/use.py": "new/serve/pool.py", "old/serve/use.py": "old/serve/pool.py"}


STUB = {
    "examples/engine/group.py": "import torch.distributed as dist\ndef sync(x):\n    dist.all_reduce(x)\n",
    "examples/engine/near.py": "from engine.group import sync\n",
    "tests/fakes/torch/__init__.py": "from torch import distributed as distributed\n",
    "tests/fakes/torch/distributed.py": "from torch.c10d import all_reduce\n",
    "tests/fakes/torch/c10d.py": "def all_reduce(x): ...\n",
    "tests/fakes/run.py": "import torch.distributed as dist\n",
}


@pytest.mark.parametrize("scanned", [[*STUB], ["examples/engine/group.py", "examples/engine/near.py"], [*STUB][:1]])
def test_whole_project_folder_and_file_agree_on_a_library_that_a_test_has_a_stub_of(scanned: list[str]) -> None:
    program = link({path: STUB[path] for path in scanned})
    caller = function(program, "sync")
    assert program.resolve(caller, "dist.all_reduce") == "torch.distributed.all_reduce"
    assert program.callees(caller, call(caller, "dist.all_reduce")) == ()


def test_a_stub_answers_the_imports_of_those_who_stand_beside_it() -> None:
    program = link(STUB)
    assert program.resolve("tests/fakes/run.py", "dist.all_reduce") == "torch.c10d.all_reduce"


@pytest.mark.parametrize(
    ("library", "user", "is_seen"),
    [
        ("python/serve/pool.py", "test/srt/test_pool.py", True),
        ("src/serve/pool.py", "tests/test_pool.py", True),
        ("third_party/serve/pool.py", "engine/use.py", False),
        ("engine/vendor/serve/pool.py", "engine/vendor/glue.py", True),
        ("tests/serve/pool.py", "tests/unit/test_pool.py", True),
    ],
)
def test_what_stands_aside_answers_only_those_who_stand_there_too(library: str, user: str, is_seen: bool) -> None:
    init = library.replace("pool.py", "__init__.py")
    program = link({init: "", library: "class Pool: ...", user: "from serve.pool import Pool\nclass Mine(Pool): ...\n"})
    assert bool(cls(program, "Mine").bases) is is_seen


@pytest.mark.parametrize("folder", ["engine/support/", "scripts/", ""])
def test_a_file_named_like_the_standard_librarys_is_not_what_an_import_of_that_name_means(folder: str) -> None:
    parser = "import argparse\nclass Parser(argparse.ArgumentParser): ...\nclass ArgumentParser: ...\n"
    program = link({"engine/__init__.py": "", "engine/support/__init__.py": "", f"{folder}argparse.py": parser})
    assert cls(program, "Parser").bases == ()


@pytest.mark.parametrize(
    ("other", "is_beside"),
    [
        ("import openai\nimport tools.common\n", False),
        ("import openai\nfrom tools import common\n", False),
        ("import openai\nimport common\n", True),
        ("import tools.common\n", True),
    ],
)
def test_a_file_beside_a_part_of_a_package_is_no_library_of_its_name(other: str, is_beside: bool) -> None:
    own = "import openai\nclass Client: ...\n" if "openai" in other else "class Client: ...\n"
    tools = {"tools/__init__.py": "", "tools/openai.py": own, "app.py": other}
    program = link(tools | {"tools/common.py": "from openai import Client\nclass Mine(Client): ...\n"})
    assert bool(cls(program, "Mine").bases) is is_beside


@pytest.mark.parametrize(
    ("other", "is_itself"),
    [
        ("from nat.plugins.crew.llm import make\n", False),
        ("from nat.plugins.crew.llm import make\nimport crew.tools\n", False),
        ("from nat.plugins.crew.llm import make\nimport crew.llm\n", True),
        ("import crew.llm\n", True),
    ],
)
def test_a_package_that_others_know_by_a_longer_name_asks_a_library_by_its_short_one(
    other: str, is_itself: bool
) -> None:
    """`nat.plugins` lies in several roots and has no `__init__.py`; what stands in it is called like what it serves."""
    package = {"core/src/nat/plugins/crew/__init__.py": "class LLM: ...\n", "core/src/nat/plugins/crew/agent.py": ""}
    source = "from crew import LLM\nclass Mine(LLM): ...\n"
    program = link(package | {"core/src/nat/plugins/crew/llm.py": source, "app.py": other})
    assert bool(cls(program, "Mine").bases) is is_itself


def test_a_class_in_a_class_that_is_called_like_its_base_inherits_what_the_name_means_outside() -> None:
    source = """
        class Input:
            def __init__(self, id): ...
        class Image:
            class Input(Input): ...
    """
    program = link({"io.py": source, "use.py": "from io_v3 import Output\nclass Output(Output): ...\n"})
    outer, inner = program.classes_named("Input")
    assert (inner.bases, outer.bases) == ((outer,), ())
    assert cls(program, "Output").unknown_bases == ("Output",)


def test_what_a_method_of_the_class_calls_self_is_an_object_that_it_makes() -> None:
    program = link(
        {
            "a.py": """
                class Matrix:
                    @classmethod
                    def of(cls, rows):
                        self = super().__new__(cls)
                        self.rows = rows
                        return self
                    @classmethod
                    def own(cls):
                        return cls
                    def use(self):
                        made = Matrix.of(1)
                        known = Matrix.own()
            """
        }
    )
    use = function(program, "use")
    assert program.class_of(use, "made") is cls(program, "Matrix")
    assert program.meanings(use, "known") == (cls(program, "Matrix"),)


def test_a_base_whose_name_is_given_to_something_made_of_it_may_be_more() -> None:
    program = link({"a.py": "class Base: ...\nBase = declarative_base(cls=Base)\nclass Row(Base): ...\n"})
    row = cls(program, "Row")
    assert (row.bases, row.unknown_bases) == ((cls(program, "Base"),), ("Base",))


def test_the_last_of_several_classes_of_a_name_has_the_bases_and_the_members_of_all() -> None:
    source = """
        if HAVE:
            class Node(Far):
                size: int = 1
                def run(self): ...
        else:
            class Node(Near):
                def stop(self): ...
        class Near: ...
    """
    node = link({"a.py": source}).classes_named("Node")[-1]
    assert ([base.name for base in node.bases], node.unknown_bases) == (["Near"], ("Far",))
    assert {"size", "run", "stop"} <= {*node.attributes, *node.methods}


def test_a_lambda_may_have_a_self_of_its_own() -> None:
    source = """
        class Pool:
            def patch(self, other):
                other.size = property(lambda self: self.inner)
                other.name = property(lambda one: self.name)
    """
    read = {path for path, _ in function(link({"a.py": source}), "patch").reads}
    assert "self.name" in read and "self.inner" not in read


def test_a_parameter_hides_an_import_of_the_same_name() -> None:
    program = link(
        {"a.py": "from x import clock\ndef wait(clock):\n    clock.sleep()\ndef rest():\n    clock.sleep()\n"}
    )
    assert program.resolve(function(program, "wait"), "clock.sleep") == "~clock.sleep"
    assert program.resolve(function(program, "rest"), "clock.sleep") == "x.clock.sleep"


# ---------------------------------------------------------------- classes

DIAMOND = """
    class Base:
        def reset(self): self.base.clear()
        def only_base(self): ...
    class Left(Base):
        def reset(self): super().reset()
    class Right(Base):
        def reset(self): super().reset()
    class Bottom(Left, Right):
        pass
"""


def test_methods_are_looked_up_in_the_order_python_uses() -> None:
    program = link({"a.py": DIAMOND})
    bottom = cls(program, "Bottom")
    assert [c.name for c in bottom.mro] == ["Bottom", "Left", "Right", "Base"]
    assert bottom.method("reset") is cls(program, "Left").methods["reset"]
    assert bottom.all_methods["only_base"].full_name == "a.Base.only_base"
    assert [c.name for c in cls(program, "Base").subclasses] == ["Left", "Right", "Bottom"]


def test_super_in_a_diamond_goes_to_the_sibling_when_the_object_is_of_the_bottom_class() -> None:
    program = link({"a.py": DIAMOND})
    assert called(program, "Left.reset", "super().reset") == ["a.Base.reset"]
    assert called(program, "Left.reset", "super().reset", receiver=cls(program, "Bottom")) == ["a.Right.reset"]


def test_a_cycle_of_bases_is_cut() -> None:
    program = link({"a.py": "class A(B): ...\nclass B(A): ...\n"})
    assert [c.name for c in cls(program, "A").mro] == ["A", "B"]
    assert [c.name for c in cls(program, "A").subclasses] == ["B"]


def test_a_line_of_descent_longer_than_any_is_cut_so_that_a_class_has_a_bounded_number_of_ancestors() -> None:
    links = "".join(f"class C{n}(C{n - 1}):\n    def m{n}(self): pass\n" for n in range(1, 1000))
    program = link({"a.py": f"class C0:\n    def m0(self): pass\n{links}"})
    assert sum(len(c.mro) + len(c.subclasses) for c in program.classes) <= 2 * 24 * 1000
    assert [c.name for c in cls(program, "C23").mro][-1] == "C0"
    assert (cls(program, "C24").bases, cls(program, "C24").unknown_bases) == ((), ("a.C23",))
    assert cls(program, "C26").method("m24") is not None


def test_bases_from_outside_are_named_in_full() -> None:
    program = link({"a.py": "from torch import nn\nclass Model(nn.Module, Generic[T]): ...\n"})
    assert cls(program, "Model").unknown_bases == ("torch.nn.Module", "Generic")


# ---------------------------------------------------------------- attributes

HOLDER = """
    from dataclasses import dataclass, field
    class Pool: ...
    class Holder:
        shared = {}
        def __init__(self, pool: Pool, size: int):
            self.pool = pool
            self.size = size
            self.waiting = []
            self.requests: dict[str, Pool] = {}
            self.late = None
        def start(self):
            self.late = Pool()
            self.count = 0
    @dataclass
    class Record:
        ids: list[int] = field(default_factory=list)
"""


def test_attributes_tell_how_they_start() -> None:
    holder = cls(link({"a.py": HOLDER}), "Holder")
    attributes = holder.attributes
    assert list(attributes) == ["shared", "pool", "size", "waiting", "requests", "late", "count"]
    assert attributes["waiting"].value == "empty"
    assert attributes["waiting"].function is holder.methods["__init__"]
    assert attributes["late"].value == "none"
    assert attributes["size"].annotation == "int"
    assert attributes["requests"].annotation == "dict[str, Pool]"
    assert [name for name, a in attributes.items() if a.is_container] == ["shared", "waiting", "requests"]
    assert [name for name, a in attributes.items() if a.is_class_level] == ["shared"]


def test_the_class_of_an_attribute_comes_from_annotation_assignment_or_a_later_assignment() -> None:
    program = link({"a.py": HOLDER})
    attributes, pool = cls(program, "Holder").attributes, cls(program, "Pool")
    assert attributes["pool"].class_of is pool
    assert attributes["late"].class_of is pool
    assert attributes["requests"].class_of is None


def test_the_field_of_a_dataclass_belongs_to_each_object() -> None:
    ids = cls(link({"a.py": HOLDER}), "Record").attributes["ids"]
    assert ids.is_container
    assert not ids.is_class_level


def test_an_inherited_attribute_keeps_its_constructor_against_a_subclass_that_only_changes_it() -> None:
    program = link(
        {
            "a.py": """
            class Base:
                def __init__(self): self.waiting = []
            class Queue(Base):
                def swap(self, other): self.waiting = other
            """
        }
    )
    assert cls(program, "Queue").attributes["waiting"].owner is cls(program, "Base")


def test_what_the_constructor_calls_says_how_an_attribute_starts_and_a_mixin_that_changes_it_does_not() -> None:
    program = link(
        {
            "a.py": """
            class Mixin:
                def swap(self): self.waiting = self.queues[0]
            class Scheduler(Mixin):
                def __init__(self): self.prepare()
                def early(self): self.waiting = None
                def prepare(self): self.waiting: list[int] = []
            """
        }
    )
    waiting = cls(program, "Scheduler").attributes["waiting"]
    assert (waiting.value, waiting.annotation, waiting.line) == ("empty", "list[int]", 6)


def test_a_class_is_known_through_another_name_for_it() -> None:
    program = link(
        {
            "a.py": """
            class BaseV1: ...
            Base = BaseV1
            class Child(Base): ...
            class Holder:
                def __init__(self, base: Base): self.base = base
            """
        }
    )
    assert cls(program, "Child").bases == (cls(program, "BaseV1"),)
    assert cls(program, "Holder").attributes["base"].class_of is cls(program, "BaseV1")


# ---------------------------------------------------------------- calls

CALLS = """
    from typing import Optional
    from abc import abstractmethod
    def make_pool() -> "Pool":
        return Pool()
    def make_unsaid():
        return Pool()
    class Pool:
        def __init__(self): self.blocks = []
        def free(self, block): self.blocks.append(block)
        def __call__(self): ...
        @property
        def inner(self) -> Optional["Pool"]: ...
    class Worker:
        def __init__(self, pools: list[Pool]):
            self.pool = make_pool()
            self.unsaid = make_unsaid()
            self.pools = pools
        def run(self, given: "Pool | None", other):
            self.pool.free(1)
            self.unsaid.free(1)
            self.pools[0].free(1)
            self.pool.inner.free(1)
            given.free(1)
            other.free(1)
            local = Pool()
            local.blocks.sort()
            local.free(1)
            for each in self.pools:
                each.free(1)
            self.pool()
            make_pool().free(1)
            def nested(): ...
            nested()
            self.step()
        def step(self): ...
    class Fast(Worker):
        def step(self): ...
    class Abstract:
        @abstractmethod
        def step(self): ...
        def run_once(self): self.step()
    class Concrete(Abstract):
        def step(self): ...
    class Mixin:
        def mixed(self): self.only_in_whole()
    class Whole(Mixin):
        def only_in_whole(self): ...
"""


@pytest.mark.parametrize(
    ("callee", "runs"),
    [
        ("self.pool.free", ["a.Pool.free"]),
        ("self.unsaid.free", ["a.Pool.free"]),
        ("self.pools[].free", ["a.Pool.free"]),
        ("self.pool.inner.free", ["a.Pool.free"]),
        ("given.free", ["a.Pool.free"]),
        ("other.free", []),
        ("local.free", ["a.Pool.free"]),
        ("local.blocks.sort", []),
        ("make_pool().free", ["a.Pool.free"]),
        ("Pool", ["a.Pool.__init__"]),
        ("make_pool", ["a.make_pool"]),
        ("self.pool", ["a.Pool.__call__"]),
        ("nested", ["a.Worker.run.nested"]),
        ("self.step", ["a.Worker.step"]),
    ],
)
def test_what_a_call_runs(callee: str, runs: list[str]) -> None:
    program = link({"a.py": CALLS})
    where = "Worker.__init__" if callee == "make_pool" else "Worker.run"
    assert called(program, where, callee) == runs


def test_a_global_is_known_in_functions_also_after_the_module_itself_was_asked_about() -> None:
    program = link(
        {"a.py": "class Log:\n    def say(self): ...\nlog = Log()\nlog.say()\ndef use():\n    log.say()\n"},
    )
    assert called(program, "a.<module>", "log.say") == ["a.Log.say"]
    assert called(program, "use", "log.say") == ["a.Log.say"]


CIRCLE = """
    class X:
        def run(self): ...
    class Y:
        def run(self): ...
    def one(flag):
        if flag:
            return other(flag)
        return X()
    def other(flag):
        if flag:
            return one(flag)
        return Y()
    def use_one(): one(1).run()
    def use_other(): other(1).run()
"""


@pytest.mark.parametrize("first", ["use_one", "use_other"])
def test_functions_that_return_each_other_are_understood_the_same_whichever_is_asked_first(first: str) -> None:
    program = link({"a.py": CIRCLE})
    called(program, first, f"{first.removeprefix('use_')}().run")
    assert sorted(called(program, "use_one", "one().run")) == ["a.X.run", "a.Y.run"]
    assert sorted(called(program, "use_other", "other().run")) == ["a.X.run", "a.Y.run"]


def test_overrides_are_added_when_asked_for_and_decide_when_the_receiver_is_known() -> None:
    program = link({"a.py": CALLS})
    assert called(program, "Worker.run", "self.step", overrides=True) == ["a.Worker.step", "a.Fast.step"]
    assert called(program, "Worker.run", "self.step", receiver=cls(program, "Fast")) == ["a.Fast.step"]


def test_a_call_of_an_abstract_method_runs_its_overrides() -> None:
    assert "a.Concrete.step" in called(link({"a.py": CALLS}), "Abstract.run_once", "self.step")


def test_a_mixin_calls_a_method_of_the_class_made_of_it() -> None:
    assert called(link({"a.py": CALLS}), "Mixin.mixed", "self.only_in_whole") == ["a.Whole.only_in_whole"]


def test_callers_are_found_through_imports_aliases_and_types() -> None:
    program = link(
        {
            "pool.py": "class Pool:\n    def free(self): ...\ndef drain(pool): ...\n",
            "b.py": "from pool import Pool, drain as empty_it\ndef go(p: Pool, q):\n"
            "    p.free()\n    q.free()\n    empty_it(p)\n",
        }
    )
    assert [c.effect.line for c in program.callers(function(program, "Pool.free"))] == [3]
    assert [c.effect.line for c in program.callers(function(program, "drain"))] == [5]


def test_the_shortest_chain_to_an_effect_is_found_and_recursion_ends() -> None:
    program = link(
        {
            "a.py": """
            import torch.distributed as dist
            def far(): near(); far()
            def near(): sync()
            def sync(): dist.barrier()
            def never(): never()
            """
        }
    )

    def is_barrier(where: FunctionInfo, effect: object) -> bool:
        return program.resolve(where, getattr(effect, "path", "")) == "torch.distributed.barrier"

    chain = program.reaches(function(program, "far"), is_barrier)
    assert [link.function.name for link in chain] == ["far", "near", "sync"]
    assert program.reaches(function(program, "never"), is_barrier) == ()


# ---------------------------------------------------------------- what a method does all told

STATE = """
    def empty(queue):
        queue.clear()
    def forget(scheduler):
        scheduler.finished.clear()
    class Manager:
        def __init__(self): self.blocks, self.hits = {}, 0
        def reset(self):
            self.blocks.clear()
            self._zero()
        def _zero(self): self.hits = 0
    class Base:
        def reset(self): self.base_map.clear()
        def hook(self): ...
    class Scheduler(Base):
        def __init__(self):
            self.manager = Manager()
            self.event = Event()
            self.cursor = self.waiting = self.finished = []
        def reset(self):
            super().reset()
            self.manager.reset()
            if self.event:
                empty(self.waiting)
            forget(self)
            self.event.set()
            unknown(self.cursor)
            self.hook()
            self.reset()
        @property
        def size(self):
            self.asked += 1
            return len(self.waiting)
        def measure(self): return self.size
        def abort(self):
            def drop(): self.waiting.clear()
            drop()
    class Special(Scheduler):
        def hook(self): self.special.clear()
"""


def test_helpers_bases_owned_objects_and_functions_that_are_handed_the_object_all_count() -> None:
    program = link({"a.py": STATE})
    assert sorted(set(done(program, "Scheduler.reset"))) == [
        ("assign", "self.manager.hits"),
        ("call", "self.event"),
        ("call", "self.manager"),
        ("clear", "self.base_map"),
        ("clear", "self.finished"),
        ("clear", "self.manager.blocks"),
        ("clear", "self.waiting"),
        ("pass", "self.cursor"),
        ("pass", "self.waiting"),
    ]


def test_a_call_on_self_goes_to_the_override_of_the_objects_class() -> None:
    program = link({"a.py": STATE})
    assert ("clear", "self.special") not in done(program, "Scheduler.reset")
    assert ("clear", "self.special") in done(program, "Scheduler.reset", "Special")


def test_the_chain_leads_from_the_method_to_the_place() -> None:
    program = link({"a.py": STATE})
    found = {(d.how, d.path): d for d in does(program, function(program, "Scheduler.reset"))}
    waiting, hits = found["clear", "self.waiting"], found["assign", "self.manager.hits"]
    assert [(f.name, e.path) for f, e in waiting.chain] == [("reset", "empty"), ("empty", "queue")]
    assert [f.full_name for f, _ in hits.chain] == ["a.Scheduler.reset", "a.Manager.reset", "a.Manager._zero"]
    assert (waiting.attribute, waiting.is_whole) == ("waiting", True)
    assert (hits.attribute, hits.is_whole) == ("manager", False)


def test_properties_run_when_they_are_read_and_nested_functions_when_they_are_called() -> None:
    program = link({"a.py": STATE})
    assert ("assign", "self.asked") in done(program, "Scheduler.measure")
    assert ("clear", "self.waiting") in done(program, "Scheduler.abort")


def test_a_plain_function_is_told_by_what_it_does_to_its_arguments() -> None:
    assert done(link({"a.py": STATE}), "a.empty") == [("clear", "queue")]


def test_what_a_method_so_much_as_reads_is_told_across_calls() -> None:
    program = link({"a.py": STATE})
    assert "self.waiting" in mentions(program, function(program, "Scheduler.measure"))


# ---------------------------------------------------------------- who touches an attribute

TOUCHED = """
    class Scheduler:
        def __init__(self): self.requests, self.running = {}, []
        def add(self, request): self.requests[request.id] = request
    class Child(Scheduler):
        def finish(self, rid): self.requests.pop(rid)
    class Stranger:
        def __init__(self): self.running = []
        def go(self): self.running.append(1)
    class Engine:
        def __init__(self): self.scheduler = Scheduler()
        def abort(self, rid):
            del self.scheduler.requests[rid]
            return len(self.scheduler.running)
    def outsider(thing):
        thing.requests.clear()
        thing.running.clear()
"""


def test_an_attribute_is_touched_by_its_class_its_subclasses_and_outsiders() -> None:
    program = link({"a.py": TOUCHED})
    touched = program.touches(cls(program, "Scheduler"), "requests")
    assert [(t.function.facts.qualname, t.effect.op, t.by_name) for t in touched] == [
        ("Scheduler.__init__", "clear", False),
        ("Scheduler.add", "insert", False),
        ("Child.finish", "remove", False),
        ("Engine.abort", "remove", False),
        ("outsider", "clear", True),
    ]


def test_a_name_that_two_families_share_says_nothing_of_an_unknown_object() -> None:
    program = link({"a.py": TOUCHED})
    touched = program.touches(cls(program, "Scheduler"), "running")
    assert [t.function.facts.qualname for t in touched] == ["Scheduler.__init__"]


def test_readers_are_found_like_those_who_change() -> None:
    program = link({"a.py": TOUCHED})
    readers = program.reads(cls(program, "Scheduler"), "running")
    assert [(r.function.facts.qualname, r.path) for r in readers] == [("Engine.abort", "self.scheduler.running")]


# ---------------------------------------------------------------- C++

CACHE = {
    "src/cache.h": """
        #include <memory>
        namespace kv {
        struct pool {
            std::vector<int> blocks;
            void reset();
        };
        class base {
        public:
            virtual void clear();
            std::vector<int> cells;
        };
        class cache : public base {
        public:
            void clear() override;
            void drop(int id);
        private:
            std::unique_ptr<pool> lender;
            std::vector<pool *> pools;
            std::unordered_map<int, int> ids;
            pool_ptr spare;
        };
        }
    """,
    "src/cache.cpp": """
        #include "cache.h"
        int total = 0;
        static void log_it(int n) { total += n; }
        namespace kv {
        void pool::reset() { blocks.clear(); }
        void base::clear() { cells.clear(); }
        void cache::clear() {
            base::clear();
            lender->reset();
            pools[0]->reset();
            drop(1);
            log_it(2);
        }
        void cache::drop(int id) { ids.erase(id); total = 0; }
        }
        void outside(kv::cache & other) { other.clear(); other.ids.clear(); }
    """,
}


def test_methods_defined_in_the_source_join_the_class_declared_in_the_header() -> None:
    program = link(CACHE)
    cache = cls(program, "cache")
    assert cache.path == "src/cache.h"
    assert cache.methods["clear"].path == "src/cache.cpp"
    assert cache.bases == (cls(program, "base"),)


def test_a_bare_name_is_a_member_where_the_class_or_a_base_has_one_and_else_a_global() -> None:
    drop = function(link(CACHE), "cache.drop")
    assert [(e.op, e.path) for e in drop.effects] == [("remove", "self.ids"), ("assign", "total")]


def test_the_result_of_a_call_goes_to_the_member_that_a_bare_name_means() -> None:
    source = """
        struct owner {
            thing * mine;
            owner();
            void fill() { mine = make(); thing * local = make(); local = make(); shared = make(); }
        };
        owner::owner() { mine = make(); }
    """
    program = link({"owner.cpp": source})
    fill, made = (function(program, f"owner.{name}") for name in ("fill", "__init__"))
    assert [e.result for e in fill.effects if e.op == "call"] == ["self.mine", "local", "local", "shared"]
    assert [e.result for e in made.effects if e.op == "call"] == ["self.mine"]


@pytest.mark.parametrize(
    ("callee", "runs"),
    [
        ("self.lender.reset", ["kv.pool.reset"]),
        ("self.pools[].reset", ["kv.pool.reset"]),
        ("self.drop", ["kv.cache.drop"]),
        ("base.clear", ["kv.base.clear"]),
        ("log_it", ["log_it"]),
    ],
)
def test_cpp_calls_are_followed_by_declared_types(callee: str, runs: list[str]) -> None:
    assert called(link(CACHE), "cache.clear", callee) == runs


@pytest.mark.parametrize(
    ("callee", "runs"),
    [("kv::take", ["kv.take"]), ("::kv::take", ["kv.take"]), ("kv::deep::count", ["kv.deep.count"]), ("std::sort", [])],
)
def test_a_free_function_is_called_by_its_namespaces(callee: str, runs: list[str]) -> None:
    source = f"""
        namespace kv {{ void take(int p) {{}} namespace deep {{ void count(int p) {{}} }} }}
        void sort(int p) {{}}
        int main() {{ {callee}(1); }}
    """
    assert called(link({"a.cpp": source}), "main", callee.strip(":").replace("::", ".")) == runs


def test_a_cpp_method_does_what_its_base_its_helpers_and_its_members_do() -> None:
    found = done(link(CACHE), "cache.clear")
    assert {path for how, path in found if how in ("clear", "remove")} == {
        "self.lender",
        "self.pools[]",
        "self.cells",
        "self.lender.blocks",
        "self.pools[].blocks",
        "self.ids",
    }


def test_an_outsider_with_a_reference_touches_a_cpp_member() -> None:
    program = link(CACHE)
    touched = program.touches(cls(program, "cache"), "ids")
    assert [(t.function.name, t.by_name) for t in touched] == [("drop", False), ("outside", False)]


def test_a_pointer_type_named_after_a_class_leads_to_it() -> None:
    program = link(CACHE)
    assert cls(program, "cache").attributes["spare"].class_of is cls(program, "pool")


def test_of_two_classes_of_one_name_the_included_one_is_meant() -> None:
    program = link(
        {
            "a/slot.h": "struct slot { int id; void reset(); };",
            "b/slot.h": "struct slot { int id; void reset(); };",
            "b/slot.cpp": '#include "slot.h"\nvoid slot::reset() { id = 0; }\n',
        }
    )
    owner = function(program, "slot.reset").owner
    assert owner is not None
    assert owner.path == "b/slot.h"


# ---------------------------------------------------------------- the rest


def test_graphs_have_an_edge_for_each_base_and_each_call() -> None:
    program = link({"a.py": CALLS})
    assert program.hierarchy.has_edge(cls(program, "Fast"), cls(program, "Worker"))
    assert program.calls.has_edge(function(program, "Worker.run"), function(program, "Fast.step"))


def test_regions_are_told_from_the_innermost_outwards() -> None:
    program = link({"a.py": "def f(x):\n    for i in x:\n        if i:\n            use(i)\n"})
    f = function(program, "f")
    assert [r.kind for r in around(f, call(f, "use"))] == ["if", "loop", "body"]


def test_nothing_depends_on_the_order_of_the_files() -> None:
    files = {**CACHE, **PACKAGE, "serve/a.py": STATE, "serve/b.py": TOUCHED}
    one, other = link(files), link(dict(reversed(files.items())))
    assert [c.full_name for c in one.classes] == [c.full_name for c in other.classes]
    assert done(one, "serve.a.Scheduler.reset") == done(other, "serve.a.Scheduler.reset")


def test_the_static_locals_of_a_function_are_those_that_may_change() -> None:
    program = link(
        {
            "rules.cpp": """
            int lookup(int key) {
                static std::map<int, int> rules;
                static const int limit = 3;
                static thread_local int calls = 0;
                int found = rules[key];
                return found;
            }
            """
        }
    )
    assert function(program, "lookup").facts.statics == ("rules",)


def test_a_base_that_stands_in_another_class_is_found() -> None:
    source = """
        class Base:
            def run(self): self.on = True
        class Outer(Base):
            class Inner(Base): ...
        class Uses(Outer.Inner): ...
    """
    assert [base.name for base in cls(link({"a.py": source}), "Uses").mro] == ["Uses", "Inner", "Base"]
