"""Findings in code that nothing in the tree mentions are told with low confidence, and say whose code it is."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources

HOLDS = """
import threading
lock = threading.Lock()
class Store:
    def load(self, path):
        lock.acquire()
        if not path:
            return None
        data = path.read()
        lock.release()
        return data
"""
IMPORTED = "import store\n"
USED = "import store\nprint(store.Store().load('x'))\n"


def confidence(source: str, **others: str) -> tuple[str, str]:
    files = {"engine/store.py": source, **{f"engine/{name}.py": text for name, text in others.items()}}
    found = check_sources({path: text.encode() for path, text in files.items()}, ["LLM103"])
    assert len(found) == 1
    return found[0].confidence, found[0].confidence_reason


def sure_of(rule: str, files: dict[str, str]) -> str:
    """How sure the one finding of a rule in these files is."""
    (found,) = check_sources({path: text.encode() for path, text in files.items()}, [rule])
    return found.confidence


def test_what_somebody_calls_is_as_sure_as_its_rule() -> None:
    assert confidence(HOLDS, user=USED)[0] == "high"


@pytest.mark.parametrize(
    "mention",
    [
        "import store\nkept = store.Store\nvalue = store.load\n",
        "import store\ncall('Store', 'load')\n",
        "import store\nkept = store.Store\ngetattr(store, f'load')\n",
    ],
)
def test_a_string_may_be_a_call(mention: str) -> None:
    assert confidence(HOLDS, user=mention)[0] == "high"


def test_what_nothing_mentions_is_told_at_low_and_named() -> None:
    sure, why = confidence(HOLDS, user=IMPORTED)
    assert sure == "low" and why.endswith("nothing in this tree uses Store")
    sure, why = confidence(HOLDS, user="import store\nkept = store.Store()\n")
    assert sure == "low" and why.endswith("nothing in this tree uses load")


@pytest.mark.parametrize(
    "mention",
    [
        "from .store import Store\n",
        "from .store import (\n    Other,\n    Store,\n)\n",
        "from .store import Store\n__all__ = [\n    'Store',\n]\n",
    ],
)
def test_a_package_that_only_imports_it_does_not_use_it(mention: str) -> None:
    files = {"engine/__init__.py": "", "engine/parts/__init__.py": mention, "engine/parts/store.py": HOLDS}
    files["engine/user.py"] = "def first(kept):\n    return kept.load('x')\n"
    found = check_sources({path: text.encode() for path, text in files.items()}, ["LLM103"])
    assert [f.confidence for f in found] == ["low"]
    files["engine/__init__.py"] = "from .parts.store import Store\n"
    found = check_sources({path: text.encode() for path, text in files.items()}, ["LLM103"])
    assert [f.confidence for f in found] == ["high"], "what a whole project hands out is for others"


@pytest.mark.parametrize(("place", "sure"), [("engine/parts/__init__.py", "low"), ("engine/__init__.py", "high")])
def test_what_an_inner_package_defines_is_for_the_project_alone(place: str, sure: str) -> None:
    files = {"engine/__init__.py": "", "engine/parts/__init__.py": "", place: HOLDS, "engine/user.py": USED}
    files["engine/user.py"] = "import engine.parts\n"
    found = check_sources({path: text.encode() for path, text in files.items()}, ["LLM103"])
    assert [f.confidence for f in found] == [sure]


def test_a_beginning_in_a_string_is_a_mention_of_what_may_be_put_together() -> None:
    source = HOLDS.replace("load", "opset_11")
    assert confidence(source, user="import store\nkept = store.Store()\n")[0] == "low"
    assert confidence(source, user="import store\ngetattr(store.Store(), 'opset_' + version)\n")[0] == "high"


@pytest.mark.parametrize(
    "source",
    [
        HOLDS.replace("class Store", "@register\nclass Store"),
        HOLDS.replace("class Store", "class Base:\n    def __init_subclass__(cls): ...\nclass Store(Base)").replace(
            "    def load", "    @tool\n    def load"
        ),
    ],
)
def test_what_is_registered_is_used_by_who_keeps_the_register(source: str) -> None:
    assert confidence(source, user=IMPORTED)[0] == "high"


@pytest.mark.parametrize("name", ["dataclass", "_dataclass"])
def test_a_dataclass_is_no_register_by_whatever_private_name_it_is_imported(name: str) -> None:
    imported = f"from dataclasses import dataclass as {name}\n\n"
    source = imported + HOLDS.replace("class Store", f"@{name}(frozen=True)\nclass Store")
    assert confidence(source, user=IMPORTED)[0] == "low"


def test_a_method_of_another_packages_heir_may_be_called_by_it() -> None:
    source = HOLDS.replace("class Store", "import servers\nclass Store(servers.Handler)")
    assert confidence(source, user="import store\nkept = store.Store()\n")[0] == "high"


def test_what_nobody_imports_may_be_found_by_a_way_that_is_not_seen() -> None:
    assert confidence(HOLDS)[0] == "high"


@pytest.mark.parametrize(
    "mention",
    [
        "import store\n# Store: load is to be called here\n",
        'import store\ndef use(kept):\n    """Calls Store and load."""\nuse(1)\n',
        '# Whose it is.\n\n"""Beside Store and load."""\nimport store\n',
    ],
)
def test_remarks_and_documentation_call_nothing(mention: str) -> None:
    assert confidence(HOLDS, user=mention)[0] == "low"


@pytest.mark.parametrize(
    ("mention", "sure"),
    [
        ("import store\nfrom library import Store\nkept = Store()\n", "low"),
        ("import store\nclass Store:\n    pass\nkept = Store()\n", "low"),
        ("import store\nmake(Store=1)\n", "low"),
        ("import store\nfor kept in things:\n    kept.Store()\n", "high"),
        ("import store\nfrom store import Store as Kept\nkept = Kept()\n", "high"),
        ("from store import *\nkept = Store()\n", "high"),
    ],
)
def test_a_name_that_means_something_else_in_a_file_is_no_use(mention: str, sure: str) -> None:
    assert confidence(HOLDS.replace("load", "__call__"), user=mention)[0] == sure


def test_a_function_may_be_called_by_another_of_its_name() -> None:
    source = "def load(path, size):\n    if path:\n        raise KeyError('%s is too large', size)\n"
    user = "import store\ndef load(path):\n    return store.load(path, 1)\nprint(load(1))\n"
    for text, sure in ((user, "high"), (user.replace("store.load(path, 1)", "load(path)"), "low")):
        files = {"engine/store.py": source, "engine/user.py": text}
        assert sure_of("LLM910", files) == sure


def test_who_is_called_by_unused_code_only_is_unused() -> None:
    user = "import store\nkept = store.Store()\ndef first():\n    second()\ndef second():\n    kept.load(1)\n"
    assert confidence(HOLDS, user=user, other="import user\n")[0] == "low"
    assert confidence(HOLDS, user=f"{user}first()\n", other="import user\n")[0] == "high"


REPLACED = (
    HOLDS.replace("class Store:", "class Base:")
    + """
class Store(Base):
    def load(self, path):
        return path.read()
"""
)


def test_a_method_that_every_class_below_replaces_never_runs() -> None:
    sure, why = confidence(REPLACED, user=USED)
    assert sure == "low" and why.endswith("each class below Base replaces load, and nobody makes one")


@pytest.mark.parametrize(
    ("source", "user"),
    [
        (REPLACED, f"{USED}store.Base().load('x')\n"),
        (REPLACED.replace("return path.read()", "return super().load(path)"), USED),
        (f"{REPLACED}class Other(Base):\n    pass\n", USED),
    ],
)
def test_a_method_that_some_class_still_uses_runs(source: str, user: str) -> None:
    assert confidence(source, user=user)[0] == "high"


@pytest.mark.parametrize(("test", "runs"), [("0", False), ("false", False), ("1", True), ("ready", True)])
def test_what_stands_under_a_test_that_never_holds_does_not_run(test: str, runs: bool) -> None:
    source = f"""
#include <fstream>
int load(std::ifstream & in, const int * parts, bool ready) {{
    static const int sizes[4] = {{1, 2, 4, 8}};
    int n = 0;
    in.read(reinterpret_cast<char *>(&n), sizeof(n));
    if ({test}) {{
        return sizes[n];
    }}
    return 0;
}}
"""
    found = check_sources({"engine/load.cpp": source.encode()}, ["LLM946"])
    assert ["a test that is always" not in f.confidence_reason for f in found] == [runs]


def test_a_program_of_its_own_has_no_other_users() -> None:
    started = HOLDS + '\nif __name__ == "__main__":\n    import uvicorn\n    uvicorn.run("engine:app")\n'
    assert confidence(started)[0] == "low"
    assert confidence(HOLDS)[0] == "high", "a library's own users may be anywhere"


def test_a_recursive_call_is_no_use() -> None:
    source = HOLDS.replace("return None", "return self.load(path)")
    assert confidence(source, user="import store\nkept = store.Store()\n")[0] == "low"


OTHER = "import store\nkept = store.Store()\n\n\nclass Files:\n    def load(self, path):\n        return path\n\n\n"


@pytest.mark.parametrize(
    ("user", "sure"),
    [
        ("class Here(Files):\n    def run(self):\n        return self.load('x')\n", "low"),
        ("def run(path):\n    return Files.load(None, path)\n", "low"),
        ("def run(path):\n    return kept.load(path)\n", "high"),
        ("class Here(store.Store):\n    def run(self):\n        return self.load('x')\n", "high"),
        (
            "class Here(Files):\n    def run(self, load):\n        return load(self)\n\n\nHere().run(kept.load)\n",
            "high",
        ),
        (
            "class Here(Files):\n    def run(self):\n        return self.load('x')\n\n\n"
            "class Both(store.Store, Here):\n    pass\n",
            "high",
        ),
        ("def run(path, load=1):\n    return path(load=load)\n", "low"),
        ("def run(path):\n    text = '''\n    load'''\n    return path(text)\n", "high"),
        ("import json\n\n\ndef run(path):\n    return json.load(path)\n", "low"),
        ("def run(json):\n    return json.load('x')\n", "high"),
        ("import json\nfrom far import *\n\n\ndef run(json):\n    return json.load(own.load('x'))\n", "high"),
        ("from far import *\n\n\ndef run():\n    return own.load('x')\n", "high"),
        ("class Far:\n    @route('x')\n    def load(self, path):\n        return kept.load(path)\n", "high"),
        ("class Here:\n    load = None\n    def run(self):\n        return self.load\n", "low"),
        ("def run(path):\n    return path\n    kept.load(path)\n", "low"),
        ("def run(path):\n    if path:\n        return path\n    kept.load(path)\n", "high"),
    ],
)
def test_a_call_of_what_another_class_has_under_the_name_is_no_use(user: str, sure: str) -> None:
    assert confidence(HOLDS, user=OTHER + user)[0] == sure


KERNEL = HOLDS.replace(
    "class Store:", "import torch\nclass Reduce(torch.autograd.Function):\n    @staticmethod"
).replace("load(self, path)", "{name}(graph, path)")


def test_what_only_an_export_calls_does_not_run_in_a_service() -> None:
    user = "import store\nprint(store.Reduce.apply(1))\n"
    assert confidence(KERNEL.format(name="forward"), user=user)[0] == "high"
    sure, why = confidence(KERNEL.format(name="symbolic"), user=user)
    assert sure == "low" and why.endswith("only an export to ONNX calls Reduce.symbolic")


PACKAGE = {"engine/__init__.py": "", "engine/parts.py": "def split(x):\n    return x\n", "engine/user.py": USED}


@pytest.mark.parametrize(
    ("top", "others", "why"),
    [
        ("from engine.parts import split", {}, ""),
        ("from engine.parts import merge", {}, "engine/store.py cannot be imported: engine.parts has no merge"),
        ("try:\n    from engine.parts import merge\nexcept ImportError:\n    merge = None", {}, ""),
        ("def late():\n    from engine.parts import merge", {}, ""),
        ("from engine.parts_cpp import merge", {}, ""),
        (
            "import engine.more",
            {"engine/more.py": "from engine.parts import merge\n"},
            "engine/more.py cannot be imported: engine.parts has no merge",
        ),
    ],
)
def test_nobody_runs_what_cannot_be_imported(top: str, others: dict[str, str], why: str) -> None:
    """A module that is not there may be built later, where somebody imports the file."""
    files = {**PACKAGE, **others, "engine/store.py": f"{top}\n{HOLDS}"}
    (found,) = check_sources({path: text.encode() for path, text in files.items()}, ["LLM103"])
    assert (found.confidence, why in found.confidence_reason) == ("low" if why else "high", True)


@pytest.mark.parametrize(
    ("wanted", "sure"), [("bloom", "low"), ("v1.sampler", "low"), ("_C", "high"), ("wire_pb2", "high")]
)
def test_a_script_that_nobody_imports_and_that_misses_a_module_is_old(wanted: str, sure: str) -> None:
    files = {"engine/__init__.py": "", "engine/parts.py": "", "run.py": f"from engine.{wanted} import Model\n{HOLDS}"}
    assert sure_of("LLM103", files) == sure


@pytest.mark.parametrize(
    ("before", "sure"),
    [
        ("return 1", "low"),
        ("raise ValueError(\n        path,\n    )", "low"),
        ("if path == 'x':\n        return 1", "high"),
        ("for one in path:\n        break", "high"),
    ],
)
def test_nothing_comes_behind_the_end_of_a_block(before: str, sure: str) -> None:
    source = f"def load(path, size):\n    {before}\n    raise KeyError('%s is too large', size)\n"
    files = {"engine/store.py": source, "engine/user.py": "import store\nprint(store.load('x', 1))\n"}
    assert sure_of("LLM910", files) == sure


def test_what_is_made_for_the_return_itself_comes_before_it() -> None:
    late = "def version():\n    return 1\n    from engine.parts import gone\n"
    early = "def version():\n    from engine.parts import gone\n    return gone\n"
    for text, sure in ((late, "low"), (early, "medium")):
        files = {**PACKAGE, "engine/store.py": HOLDS, "engine/user.py": text, "main.py": "import engine.user\n"}
        files["main.py"] += "print(engine.user.version())\n"
        assert sure_of("LLM912", files) == sure


SHUT = """
class Store:
    def __init__(self, slow=False):
        self.mode = "plain"
        self.fast = False
        self.slow = slow

    def choose(self, mode):
        self.mode = mode

    def packing(self):
        return None

    def stretch(self):
        if self.mode:
            return 1

    def load(self, path, strict=False, depth=0):
        if {test}:
            raise KeyError("%s is too large", path)
        return path
"""


@pytest.mark.parametrize(
    ("test", "calls", "sure"),
    [
        ("strict", "kept.load('x')", "low"),
        ("strict and path", "kept.load('x', depth=1)", "low"),
        ("not strict", "kept.load('x')", "high"),
        ("strict", "kept.load('x', strict=path)", "high"),
        ("strict", "kept.load('x', True)", "high"),
        ("strict or depth > 1", "kept.load('x')", "high"),
        ("strict", "kept.load('x', **path)", "high"),
        (
            "strict",
            "kept.load('x')\nclass Cache:\n    def load(self, path, strict):\n        pass\nCache().load('x', path)",
            "low",
        ),
        ("strict", "run(kept.load)", "high"),
        ("self.mode != 'plain'", "kept.load('x')", "low"),
        ("self.mode != 'plain'", "kept.load('x')\nkept.choose('other')", "high"),
        ("self.fast", "kept.load('x')", "low"),
        ("self.fast", "kept.load('x')\nkept.fast = path", "high"),
        ("self.fast", "kept.load('x')\nsetattr(kept, 'fast', path)", "high"),
        ("self.fast", "kept.load('x')\nreplace(kept, fast=True)", "high"),
        ("self.other", "kept.load('x')", "high"),
        ("self.slow", "kept.load('x')", "low"),
        ("self.slow", "kept.load('x')\nstore.Store(slow=True).load('x')", "high"),
        ("self.slow", "kept.load('x')\nstore.Store(slow=path).load('x')", "high"),
        ("self.slow", "kept.load('x')\nkinds = {'plain': store.Store}", "high"),
        ("self.slow", "kept.load('x')\nclass Own(store.Store):\n    pass\nOwn(True).load('x')", "high"),
        (
            "self.slow",
            "kept.load('x')\nclass Own(store.Store):\n    def __init__(self):\n"
            "        super().__init__(True)\nOwn().load('x')",
            "high",
        ),
        ("hasattr(self, 'table')", "kept.load('x')", "low"),
        ("hasattr(self, 'table')", "kept.load('x')\nkept.table = path", "high"),
        ("hasattr(self, 'table')", "kept.load('x')\nsetattr(kept, 'table', path)", "high"),
        ("not hasattr(self, 'choose')", "kept.load('x')", "low"),
        ("not hasattr(self, 'slow')", "kept.load('x')", "high"),
        ("(packed := self.packing()) is not None", "kept.load('x')", "low"),
        ("(packed := self.packing()) is None", "kept.load('x')", "high"),
        ("(packed := self.stretch()) is not None", "kept.load('x')", "high"),
        ("self.slow", "kept.load('x')\nfrom store import Store as Kept\nKept(True).load('x')", "high"),
        ("self.fast", "kept.load('x')\nclass Other:\n    def __init__(self, fast):\n        self.fast = fast", "low"),
        (
            "self.fast",
            "kept.load('x')\nclass Own(store.Store):\n    def hurry(self):\n        self.fast = True\nOwn().hurry()",
            "high",
        ),
    ],
)
def test_what_no_code_of_the_program_enters_is_told_at_low(test: str, calls: str, sure: str) -> None:
    user = f"import store\npath = input()\nkept = store.Store()\n{calls}\n"
    files = {"engine/store.py": SHUT.format(test=test), "engine/user.py": user}
    assert sure_of("LLM910", files) == sure


def test_what_only_a_test_gives_makes_nothing_true() -> None:
    files = {"engine/store.py": SHUT.format(test="strict"), "engine/user.py": "import store\nstore.Store().load('x')\n"}
    for test in ("store.Store().load('x', True)", "run(store.Store.load)"):
        files["tests/test_store.py"] = f"import store\n{test}\n"
        assert sure_of("LLM910", files) == "low"


def test_a_constant_is_followed_through_who_hands_it_on() -> None:
    user = (
        "import store\ndef first(kept, strict=False):\n    return kept.load('x', strict=strict)\nfirst(store.Store())\n"
    )
    for text, sure in ((user, "low"), (user + "first(store.Store(), True)\n", "high")):
        files = {"engine/store.py": SHUT.format(test="strict"), "engine/user.py": text}
        assert sure_of("LLM910", files) == sure


@pytest.mark.parametrize(("decorator", "sure"), [("@torch.no_grad()", "low"), ("@bound(strict=True)", "high")])
def test_a_decorator_that_hands_all_on_leaves_a_parameter_at_its_default(decorator: str, sure: str) -> None:
    store = SHUT.format(test="strict").replace("    def load", f"    {decorator}\n    def load")
    files = {"engine/store.py": store, "engine/user.py": "import store\nstore.Store().load('x')\n"}
    assert sure_of("LLM910", files) == sure


REFUSED = """
class Store:
    def __init__(self, config):
        self.wide = config["wide"]
        self.deep = config["deep"]
        if self.wide:
            raise NotImplementedError("wide")
        if self.deep:
            print("deep")

    def load(self, path):
        if {test}:
            raise KeyError("%s is too large", path)
        return path
"""


@pytest.mark.parametrize(
    ("test", "calls", "sure"),
    [
        ("self.wide", "", "low"),
        ("self.deep", "", "high"),
        ("not self.wide", "", "high"),
        ("self.wide", "kept.wide = True", "high"),
    ],
)
def test_no_object_is_there_that_its_constructor_refuses(test: str, calls: str, sure: str) -> None:
    user = f"import store, json\nkept = store.Store(json.load(open('x')))\n{calls}\nkept.load('x')\n"
    files = {"engine/store.py": REFUSED.format(test=test), "engine/user.py": user}
    assert sure_of("LLM910", files) == sure
