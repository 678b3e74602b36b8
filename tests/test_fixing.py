"""The edits one by one: the finding is gone, nothing else has changed, and what cannot be proven is not written."""

from __future__ import annotations

from collections.abc import Mapping

import libcst as cst
import msgspec
import pytest
from serving_code import NOOP

from llmlint.catalogue import Rule, load_catalogue
from llmlint.findings import Finding
from llmlint.fixing import Judged, is_fixable, mend_content
from llmlint.fixing.import_order import with_import
from llmlint.rule_cases import cases
from llmlint.scan import check_sources

RESET = '''\
class Scheduler:
    """Hands requests to the engine."""

    def __init__(self):
        self.waiting = []
        self.running = []
        self.swapped = []
        self.finished = set()

    def add(self, request):
        self.waiting.append(request)
        self.swapped.append(request)
        self.running.append( request )   # formatted as its author likes
        self.finished.add(request.request_id)

    def finish(self, request):
        self.waiting.remove(request)
        self.running.remove(request)
        self.swapped.remove(request)
        self.finished.discard(request.request_id)

    def reset(self):
        # forget the queue
        self.waiting.clear()  # nobody waits
        self.running.clear()
        self.swapped.clear()
'''

RESET_FIXED = RESET.replace(
    "        self.waiting.clear()  # nobody waits\n",
    "        self.waiting.clear()  # nobody waits\n        self.finished.clear()\n",
)

CACHE = """\
from functools import cache


@cache  # grammars are slow to compile
def compile_grammar(schema):
    return schema.upper()
"""

CACHE_FIXED = """\
from functools import cache, lru_cache


@lru_cache(maxsize=1024)  # grammars are slow to compile
def compile_grammar(schema):
    return schema.upper()
"""

UNBOUNDED = """\
import functools


@functools.lru_cache(None, typed=True)
def compile_grammar(schema):
    return schema.upper()
"""

GROUPS = '''\
"""Groups of ranks."""

import torch.distributed as dist


def start(rank, world_size):
    dist.init_process_group(
        backend="gloo",  # no GPU here
        rank=rank,
        world_size=world_size,
    )
'''

GROUPS_FIXED = '''\
"""Groups of ranks."""

from datetime import timedelta

import torch.distributed as dist


def start(rank, world_size):
    dist.init_process_group(
        backend="gloo",  # no GPU here
        rank=rank,
        world_size=world_size,
        timeout=timedelta(minutes=10),
    )
'''

FETCH = """\
import requests


def fetch(url):
    head = requests.get(url + "/head")
    return head, requests.get(
        url,
        stream=True,
    )
"""

FETCH_FIXED = FETCH.replace('"/head")', '"/head", timeout=60)').replace("True,\n", "True,\n        timeout=60,\n")

PAGES = """\
def load_page(pool, store, key, count):
    blocks = pool.alloc(count)
    page = store.read(key)
    if page is None:
        # nothing to copy
        return None
    page.copy_to(blocks)
    pool.free(blocks)  # back to the pool
    return page
"""

PAGES_FIXED = PAGES.replace(
    "        # nothing to copy\n        return None\n",
    "        pool.free(blocks)\n        # nothing to copy\n        return None\n",
)

OVERRIDE = """\
class Base:
    def __init__(self):
        self.waiting = {}
        self.running = {}

    def add(self, request):
        self.waiting[request.request_id] = request
        self.running[request.request_id] = request

    def look(self, request_id):
        return self.waiting.get(request_id), self.running.get(request_id)

    def reset(self):
        self.waiting.clear()
        self.running.clear()


class Child(Base):
    def __init__(self):
        super().__init__()
        self.extra = {}

    def put(self, request):
        self.extra[request.request_id] = request

    def reset(self):
        \"\"\"Forgets the extras.\"\"\"
        self.extra.clear()
"""

OVERRIDE_FIXED = OVERRIDE.replace(
    "        self.extra.clear()\n", "        super().reset()\n        self.extra.clear()\n"
)


WALK = """\
class Pool:
    def drop_old(self, now):
        for key in self.entries:  # oldest first
            if self.entries[key] < now:
                del self.entries[key]

    def __init__(self):
        self.entries = {}
"""

ANSWER = """\
import asyncio


class Engine:
    def __init__(self):
        self.waiting = {}

    async def ask(self, request_id):
        future = asyncio.get_running_loop().create_future()
        self.waiting[request_id] = future
        return await future

    def answer(self, request_id, text):
        future = self.waiting.pop(request_id)
        # the engine is done
        future.set_result(text)  # wakes the waiter
"""

ANSWER_FIXED = ANSWER.replace(
    "        future.set_result(text)  # wakes",
    "        if not future.done():\n            future.set_result(text)  # wakes",
)

SLEEP = """\
import asyncio
import time


async def poll(queue):
    while queue.empty():
        time.sleep(0.1)  # a while
    return await asyncio.wait_for(queue.get(), timeout=5)
"""

HANDED = """\
def load(path, device, dtype, revision):
    return path, device, dtype, revision


def load_model(path, device, dtype, revision=None):
    return load(path, device=device, dtype=dtype)


MODEL = load_model("a", "cuda", "half", revision="main")
"""

SAID = """\
def check(size, most):
    if size > most:
        raise ValueError(
            "%d is more than %d",
            size,
            most,
        )
    if not size:
        raise RuntimeError("no %s", size)
"""

SAID_FIXED = """\
def check(size, most):
    if size > most:
        raise ValueError(
            "%d is more than %d" % (size, most),
        )
    if not size:
        raise RuntimeError("no %s" % (size,))
"""

NO_F = """\
def check(size):
    if size > 5:
        raise ValueError("a size of {size}" " is too much")
"""


WRAPPED = """\
class Loader:
    def load_weights(self, weights):
        return set(weights)


class A(Loader):
    def load_weights(self, weights):
        return {name for name in weights}


class B(Loader):
    def load_weights(self, weights):
        return super().load_weights(weights)


class C(Loader):
    def load_weights(self, weights):
        return super().load_weights(weights)


class D(Loader):
    def load_weights(self, weights):
        return {"d"} | super().load_weights(weights)


class Tied(A):
    def load_weights(self, weights):
        # all but the tied ones
        super().load_weights(w for w in weights if w != "head")  # and what it says


def load(model, weights):
    loaded = model.load_weights(weights)
    if loaded is not None and loaded != set(weights):
        raise ValueError("some weights were not loaded")
"""


def mended(code: str | bytes, unsafe: bool = False, judged: Judged = check_sources) -> bytes:
    """The file as it is when what can be mended in it is."""
    data = code if isinstance(code, bytes) else code.encode()
    files = mend_content(check_sources({"engine.py": data}), judged, {"engine.py": data}, unsafe).files
    return files["engine.py"][1] if files else data


@pytest.mark.parametrize(
    ("code", "fixed"),
    [
        (RESET, RESET_FIXED),
        (CACHE, CACHE_FIXED),
        (UNBOUNDED, UNBOUNDED.replace("None", "maxsize=1024")),
        (GROUPS, GROUPS_FIXED),
        (FETCH, FETCH_FIXED),
        (PAGES, PAGES_FIXED),
        (OVERRIDE, OVERRIDE_FIXED),
        (WALK, WALK.replace("in self.entries:", "in list(self.entries):")),
        (ANSWER, ANSWER_FIXED),
        (SLEEP, SLEEP.replace("time.sleep", "await asyncio.sleep")),
        (HANDED, HANDED.replace("dtype=dtype)", "dtype=dtype, revision=revision)")),
        (SAID, SAID_FIXED),
        (NO_F, NO_F.replace('"a size', 'f"a size')),
        (WRAPPED, WRAPPED.replace("  super().load_weights(w ", "  return super().load_weights(w ")),
    ],
    ids=[
        "a clear beside its siblings",
        "a bound for a cache",
        "a bound in the place of None",
        "a timeout",
        "seconds for the network",
        "a release before the early exit",
        "a call of the base's reset",
        "a list to walk",
        "a question before the answer",
        "a sleep of the coroutine",
        "a parameter that goes on",
        "values in the text",
        "an f before the text",
        "a result that is handed back",
    ],
)
def test_a_fix_changes_what_is_wrong_and_nothing_else(code: str, fixed: str) -> None:
    assert mended(code, unsafe=True).decode() == fixed
    assert check_sources({"engine.py": fixed.encode()}) == []
    assert mended(fixed, unsafe=True).decode() == fixed


@pytest.mark.parametrize(
    ("parameter", "limit"),
    [
        ("timeout_s", "timedelta(seconds=timeout_s)"),
        ("timeout_ms: int = 5", "timedelta(milliseconds=timeout_ms)"),
        ("timeout: float", "timedelta(seconds=timeout)"),
        ("timeout: datetime.timedelta", "timeout"),
        ("timeout", "timedelta(minutes=10)"),  # of what unit?
        ("timeout_s=None", "timedelta(minutes=10)"),
    ],
)
def test_a_time_limit_that_the_function_was_given_is_handed_on(parameter: str, limit: str) -> None:
    code = GROUPS.replace("start(rank, world_size)", f"start(rank, world_size, *, {parameter})")
    assert f"        timeout={limit},\n" in mended(code, unsafe=True).decode()


def test_a_time_limit_for_the_network_is_handed_on_in_seconds() -> None:
    code = FETCH.replace("fetch(url)", "fetch(url, timeout_ms)")
    assert '"/head", timeout=timeout_ms / 1000)' in mended(code, unsafe=True).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("import os\n\nimport torch\n", "import os\nfrom datetime import timedelta\n\nimport torch\n"),
        (
            "import os\nfrom typing import Any\n\nimport torch\n",
            "import os\nfrom datetime import timedelta\nfrom typing import Any\n\nimport torch\n",
        ),
        ("import torch\n", "from datetime import timedelta\n\nimport torch\n"),
        (
            "from __future__ import annotations\n\nimport torch\n",
            "from __future__ import annotations\n\nfrom datetime import timedelta\n\nimport torch\n",
        ),
        ("from collections import deque\n", "from collections import deque\nfrom datetime import timedelta\n"),
        ("from datetime import datetime, tzinfo\n", "from datetime import datetime, timedelta, tzinfo\n"),
    ],
)
def test_an_import_goes_where_isort_has_it(before: str, after: str) -> None:
    assert with_import(cst.parse_module(before), "datetime", "timedelta").code == after


@pytest.mark.parametrize("code", [CACHE, GROUPS, FETCH, PAGES, OVERRIDE])
def test_what_needs_a_look_is_done_only_when_asked_for(code: str) -> None:
    assert mended(code).decode() == code


@pytest.mark.parametrize(
    "code",
    [
        SLEEP.replace("import asyncio\n", "from asyncio import wait_for\n").replace("asyncio.wait", "wait"),
        ANSWER.replace("future.set_result(text)  #", "done = future.set_result(text)  #"),
        SAID.replace('"%d is more than %d"', '"%*d is more than"').replace('"no %s", size', '"no %s"'),
        NO_F.replace("a size of {size}", "a size of {size}, {{so}}"),
        WRAPPED.replace("# and what it says", "# and more\n        self.ready = True"),
    ],
    ids=[
        "no asyncio to sleep with",
        "an answer that is used",
        "a width among the values",
        "braces that are meant",
        "work that is left",
    ],
)
def test_what_does_not_fit_an_edit_is_left_alone(code: str) -> None:
    assert check_sources({"engine.py": code.encode()}) != []
    assert mended(code, unsafe=True).decode() == code


def test_an_override_that_is_a_coroutine_awaits_its_base() -> None:
    code = OVERRIDE.replace("    def reset(self):", "    async def reset(self):")
    assert mended(code, unsafe=True).decode() == OVERRIDE_FIXED.replace(
        "    def reset(self):", "    async def reset(self):"
    ).replace("super().reset()", "await super().reset()")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_endings_stay(newline: str) -> None:
    assert mended(RESET.replace("\n", newline)).decode() == RESET_FIXED.replace("\n", newline)


def test_a_file_with_the_line_endings_of_old_is_left_alone() -> None:
    old = RESET.replace("\n", "\r")
    assert check_sources({"engine.py": old.encode()}) != []
    assert mended(old).decode() == old


def test_the_encoding_stays() -> None:
    head = "# -*- coding: latin-1 -*-\n# caf\u00e9\n"
    assert mended((head + RESET).encode("latin-1")) == (head + RESET_FIXED).encode("latin-1")


def test_a_release_is_not_repeated_where_what_it_names_is_not_known_yet() -> None:
    code = PAGES.replace("pool.free(blocks)  #", "pool.free(blocks, page)  #").replace(
        "    page.copy_to", "    page = page.copy()\n    page.copy_to"
    )
    late = code.replace("pool.free(blocks, page)", "owner = page.owner\n    pool.free(blocks, owner)")
    assert check_sources({"engine.py": late.encode()}) != []
    assert mended(late, unsafe=True).decode() == late


def test_a_fix_that_leaves_the_finding_is_taken_back() -> None:
    findings = check_sources({"engine.py": RESET.encode()})
    assert mended(RESET, judged=lambda content: findings).decode() == RESET


def test_a_fix_that_brings_a_new_finding_is_taken_back_and_the_others_are_kept() -> None:
    sources = {"a.py": RESET.encode(), "b.py": CACHE.encode()}
    (new,) = check_sources({"a.py": NOOP.encode()})

    def judged(content: Mapping[str, bytes]) -> list[Finding]:
        return check_sources(content) + ([new] if b"finished.clear" in content["a.py"] else [])

    mended = mend_content(check_sources(sources), judged, sources, unsafe=True)
    assert set(mended.files) == {"b.py"}


def test_several_findings_of_one_file_are_mended_together() -> None:
    assert mended(CACHE + "\n\n" + RESET, unsafe=True).decode() == CACHE_FIXED + "\n\n" + RESET_FIXED


def test_only_python_is_mended() -> None:
    (finding,) = check_sources({"engine.py": RESET.encode()})
    assert is_fixable(finding)
    assert not is_fixable(msgspec.structs.replace(finding, path="engine.cpp"))


@pytest.mark.parametrize("rule", [rule for rule in load_catalogue() if rule.fix], ids=lambda rule: rule.name)
def test_a_page_that_promises_a_fix_has_a_case_that_can_be_mended(rule: Rule) -> None:
    found = [
        finding
        for case in cases(rule, "Bad")
        for finding in check_sources({name: text.encode() for name, text in case.items()}, [rule.code])
    ]
    assert any(map(is_fixable, found))
    assert (rule.fix == "safe") == any(
        is_fixable(msgspec.structs.replace(finding, confidence="high"), unsafe=False) for finding in found
    )
