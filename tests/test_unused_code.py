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


def test_what_somebody_calls_is_as_sure_as_its_rule() -> None:
    assert confidence(HOLDS, user=USED)[0] == "high"


@pytest.mark.parametrize(
    "mention",
    [
        "import store\nStore = 0\nvalue = store.load\n",
        "import store\ncall('Store', 'load')\n",
        "import store\nStore = 1\ngetattr(store, f'load')\n",
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
    ],
)
def test_remarks_and_documentation_call_nothing(mention: str) -> None:
    assert confidence(HOLDS, user=mention)[0] == "low"


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
    ],
)
def test_a_call_of_what_another_class_has_under_the_name_is_no_use(user: str, sure: str) -> None:
    assert confidence(HOLDS, user=OTHER + user)[0] == sure
