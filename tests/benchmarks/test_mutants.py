"""Mutators take correct code and leave one thing out; what is then said that was not said before is what was found."""

import difflib
import json

import msgspec
import pytest
from click.testing import CliRunner

from benchmarks.mutants.__main__ import main
from benchmarks.mutants.cpp_mutators import CppFile
from benchmarks.mutants.device_mutators import MUTATORS as DEVICE
from benchmarks.mutants.page import markdown, without_mutator
from benchmarks.mutants.planting import ALL, drawn, every_site, fresh, judged, unsuspected
from benchmarks.mutants.python_mutators import MUTATORS as PYTHON
from benchmarks.mutants.sites import Mutator, PythonFile, parses, sites
from benchmarks.mutants.slip_mutators import MUTATORS as SLIPS
from llmlint.findings import Finding, Step
from llmlint.scan import check_sources

ENGINE = """\
import asyncio
import threading


class Engine:
    def __init__(self):
        self.lock = threading.Lock()
        self.waiting = []
        self.running = []
        self.requests = {}
        self.busy = False
        self.used = 0

    def add_request(self, request):
        with self.lock:
            self.requests[request.request_id] = request
            self.waiting.append(request)
            self.running.append(request)

    def has(self, key):
        with self.lock:
            return key in self.requests

    def finish_request(self, request_id):
        with self.lock:
            self.requests.pop(request_id, None)

    def reset(self):
        self.waiting.clear()
        self.running.clear()
        self.requests.clear()

    def load(self, pool, name, shape):
        key = (name, shape)
        if key in self.built:
            return self.built[key]
        page = pool.alloc(name, shape)
        if page.bad:
            pool.free(page)
            return None
        pool.free(page)

    async def loop(self):
        self.busy = True
        while True:
            await asyncio.sleep(0.1)
            await self.step()
            self.busy = False
            self.used -= 1

    async def step(self):
        self.used += 1
        self.busy = False
        self.used -= 1
        self.event.wait(timeout=self.limit)
"""
PLAIN = """\
class Engine:
    def __init__(self):
        self.waiting = []
        self.running = []
        self.requests = {}

    def add_request(self, request):
        self.requests[request.request_id] = request
        self.waiting.append(request)
        self.running.append(request)

    def finish_request(self, request):
        self.requests.pop(request.request_id, None)
        self.waiting.remove(request)
        self.running.remove(request)

    def reset(self):
        self.waiting.clear()
        self.running.clear()
        self.requests.clear()
"""
REFUSING = """\
def admitted(request, limit):
    if request.length > limit:
        raise ValueError(f"{limit} tokens are the most")
    return request
"""
SERVER = """\
struct server {
    std::mutex mutex;
    std::deque<int> queue;

    void post(int task) {
        std::lock_guard<std::mutex> lock(mutex);
        queue.push_back(task);
    }

    void drop() {
        std::lock_guard<std::mutex> lock(mutex);
        queue.pop_front();
    }

    void clear_all() {
        std::lock_guard<std::mutex> lock(mutex);
        queue.clear();
    }
};

int load(const char * path) {
    FILE * file = fopen(path, "rb");
    if (!file) {
        return 1;
    }
    if (bad(file)) {
        fclose(file);
        return 1;
    }
    fclose(file);
    return 0;
}
"""


RUNNER = """\
class Runner:
    def __init__(self, pool):
        self.pending_pages = []
        self.pool = pool

    def take(self, count, spare=0):
        return self.pool[: count + spare]

    def step(self, count):
        pages = self.take(count, spare=1)
        if count > 4:
            limit = 4
        else:
            limit = count
        self.pending_pages = pages[:limit]
        return len(self.pending_pages)
"""


def taken(text, name):
    """The lines that the mutator's sites take away, one site after the other."""
    file = CppFile(text) if name.endswith("(C++)") else PythonFile(text)
    found = sites(file, "engine.py", [mutator for mutator in ALL if mutator.name == name])
    gone = []
    for site in found:
        diff = difflib.ndiff(text.split("\n"), site.planted(text).split("\n"))
        gone.append([line[2:].strip() for line in diff if line.startswith("- ")])
    return gone


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("forgotten-clear", [["self.requests.clear()"], ["self.running.clear()"], ["self.waiting.clear()"]]),
        ("forgotten-removal", [["self.requests.pop(request_id, None)"]]),
        ("forgotten-lock", [["with self.lock:"], ["with self.lock:"], ["with self.lock:"]]),
        ("forgotten-release", [["pool.free(page)"]]),
        ("forgotten-timeout", [["self.event.wait(timeout=self.limit)"]]),
        ("forgotten-decrement", [["self.used -= 1"], ["self.used -= 1"]]),
        ("flag-left", [["self.busy = False"], ["self.busy = False"]]),
        ("forgotten-await", [["await self.step()"]]),
        ("narrower-key", [["key = (name, shape)"], ["key = (name, shape)"]]),
    ],
)
def test_a_mutator_takes_one_thing_out_of_correct_code(name, lines):
    assert sorted(taken(ENGINE, name)) == sorted(lines)


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("renamed-keyword", ["        pages = self.take(count, former_spare=1)"]),
        ("misspelt-attribute", ["        return len(self.pening_pages)"]),
    ],
)
def test_a_name_is_said_otherwise_in_one_place(name, planted):
    found = sites(PythonFile(RUNNER), "runner.py", [m for m in ALL if m.name == name])
    assert [site.planted(RUNNER).split("\n")[site.line - 1] for site in found] == planted


def test_a_name_loses_its_value_on_one_way():
    assert taken(RUNNER, "forgotten-else") == [["else:", "limit = count"]]


def test_a_sleep_that_lets_others_run_becomes_one_that_stops_the_thread():
    (site,) = sites(PythonFile(ENGINE), "engine.py", [m for m in PYTHON if m.name == "blocking-call"])

    planted = site.planted(ENGINE)
    assert "            time.sleep(0.1)\n" in planted
    assert "import asyncio\nimport time\n" in planted


@pytest.mark.parametrize(
    ("name", "line", "count"),
    [
        ("forgotten-lock (C++)", "std::lock_guard<std::mutex> lock(mutex);", 3),
        ("forgotten-release (C++)", "fclose(file);", 1),
    ],
)
def test_cpp_loses_a_lock_or_a_release(name, line, count):
    assert taken(SERVER, name) == [[line]] * count


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("forgotten-clear", "        self.waiting.clear()\n", ""),
        ("forgotten-release", "            pool.free(page)\n            return None", "            return None"),
        ("flag-left", "            self.busy = False\n", ""),
        (
            "forgotten-lock",
            "        with self.lock:\n            return key in self.requests",
            "        return key in self.requests",
        ),
    ],
)
def test_code_with_too_few_of_the_kind_is_left_alone(name, before, after):
    assert taken(ENGINE.replace(before, after), name) == []


def test_every_mutant_of_python_parses():
    assert all(parses(site.planted(ENGINE)) for site in sites(PythonFile(ENGINE), "engine.py", PYTHON))


def test_a_mutator_that_names_rules_names_those_there_are():
    from llmlint.catalogue import load_catalogue

    codes = {rule.code for rule in load_catalogue()}
    assert all(set(mutator.rules) <= codes for mutator in ALL)


def test_the_page_names_the_rules_that_no_mutator_is_for():
    from llmlint.catalogue import load_catalogue

    every = {code for mutator in ALL for code in mutator.rules}

    assert without_mutator({*every, "LLM001", "LLM999"}) == ["LLM999"]
    assert without_mutator({rule.code for rule in load_catalogue()}) == []
    assert "No mutator is for LLM999." in markdown([], {}, rules={*every, "LLM999"})


TEXTS = {f"engine/part_{number}.py": ENGINE for number in range(30)}


def test_the_same_seed_draws_the_same_sites_and_another_seed_others():
    found = list(every_site(TEXTS))

    assert drawn(found, TEXTS, seed=1, each=2) == drawn(found[::-1], TEXTS, seed=1, each=2)
    assert drawn(found, TEXTS, seed=1, each=2) != drawn(found, TEXTS, seed=2, each=2)


def test_no_file_gets_two_bugs_and_no_mutator_more_than_its_share():
    chosen = drawn(list(every_site(TEXTS)), TEXTS, seed=1, each=2)

    assert len({site.path for site in chosen}) == len(chosen)
    names = [site.mutator.name for site in chosen]
    assert max(map(names.count, names)) == 2


def test_tests_and_examples_are_no_engine():
    assert list(every_site({"tests/test_engine.py": ENGINE, "examples/engine.py": ENGINE})) == []


def finding(**changes):
    plain = Finding(
        rule="LLM801",
        name="restore-leaves-state",
        causes=("restore-leaves-state",),
        path="engine.py",
        line=29,
        column=5,
        end_line=29,
        end_column=20,
        symbol="Engine.reset",
        severity="P1",
        confidence="medium",
        confidence_reason="",
        message="it leaves waiting",
        evidence=(),
        fingerprint="aaaa",
        mechanism="restore_leaves_state.containers.left_behind",
    )
    return msgspec.structs.replace(plain, **changes)


CLEAR = next(site for site in sites(PythonFile(ENGINE), "engine.py", PYTHON) if site.mutator.name == "forgotten-clear")


def test_a_site_that_a_rule_for_the_bug_speaks_of_is_suspected_and_spared():
    assert unsuspected([CLEAR], [finding()]) == ([], {"forgotten-clear": 1})
    assert unsuspected([CLEAR], [finding(rule="LLM203")]) == ([CLEAR], {})


def test_only_a_new_finding_of_a_rule_for_the_bug_finds_it():
    assert judged("engine", CLEAR, [finding()]).found
    assert judged("engine", CLEAR, fresh([finding()], [finding(fingerprint="moved", line=28)])).found is False
    other = judged("engine", CLEAR, [finding(rule="LLM203")])
    assert (other.found, other.told) == (False, True)


def test_low_confidence_is_counted_apart_and_evidence_in_the_file_is_enough():
    unsure = judged("engine", CLEAR, [finding(confidence="low")])
    assert (unsure.found, unsure.found_low) == (False, True)
    elsewhere = finding(path="caller.py", evidence=(Step("engine.py", 28, "the reset"),))
    assert judged("engine", CLEAR, [elsewhere]).found


def test_the_command_plants_bugs_in_an_engine_and_writes_what_was_found(tmp_path, repository):
    commit = repository.commit({"engine/core.py": REFUSING, "engine/__init__.py": ""})
    target = {"folder": "engine", "repository": "acme/engine", "commit": commit, "scopes": ["engine"]}
    (tmp_path / "targets.toml").write_text(
        "[engine]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in target.items())
    )
    options = {
        "--histories": tmp_path / "histories",
        "--cache": tmp_path / "cache",
        "--targets": tmp_path / "targets.toml",
        "--mutators": "unformatted-text",
        "--seed": "1",
        "--json": tmp_path / "mutants.json",
        "--page": tmp_path / "mutants.md",
    }
    result = CliRunner().invoke(main, ["engine", *(str(part) for option in options.items() for part in option)])

    assert result.exit_code == 0, result.output
    (engine,) = json.loads((tmp_path / "mutants.json").read_text())["engines"]
    (planted,) = engine["results"]
    assert planted["found"] and planted["by"] == ["LLM910 text_without_values.without_f"]
    assert engine["astray"] == []
    page = (tmp_path / "mutants.md").read_text()
    assert "| unformatted-text | a message without its f | LLM910 | 1 | 0 | 1 | 1 | 100 % | 1 | 100 % | 1 |" in page
    assert commit in page
    assert (repository.folder / "engine" / "core.py").read_text() == REFUSING


SLIPPING = """\
import os

SPAN = "{first} to {last}"
LIMIT = int(os.getenv("MODEL_LIMIT", 8))


class Model:
    def load(self, start, stop, out):
        return out[start:stop]

    def run(self, start, stop, out, wide):
        if start > stop:
            raise ValueError(f"{start} is behind {stop}")
        if wide:
            scale = self.scale
        else:
            scale = self.half
        out = out.reshape(-1)
        if not out.is_contiguous():
            raise ValueError(f"{out} is in pieces")
        print(SPAN.format(first=start, last=stop))
        return self.load(start, stop, out)[:LIMIT] * scale
"""


@pytest.mark.parametrize("mutator", SLIPS, ids=lambda mutator: mutator.name)
def test_a_slip_is_planted_where_the_code_was_right_and_found_there(mutator: Mutator) -> None:
    (site, *_) = sites(PythonFile(SLIPPING), "model.py", [mutator])
    rules = list(mutator.rules)
    assert check_sources({"model.py": SLIPPING.encode()}, rules) == []
    assert [f.rule for f in check_sources({"model.py": site.planted(SLIPPING).encode()}, rules)] == rules


ON_DEVICE = """\
import torch


class Runner:
    def __init__(self):
        self.side = torch.cuda.Stream()
        self.copied = torch.cuda.Event()

    def forward(self, x, gate):
        current = torch.cuda.current_stream()
        x = torch.relu(x)
        self.side.wait_stream(current)
        with torch.cuda.stream(self.side):
            shared = self.shared(x)
        routed = self.experts(x, gate)
        current.wait_stream(self.side)
        return torch.add(routed, shared)

    def sample(self, logits):
        ids = logits.argmax(dim=-1).to("cpu", non_blocking=True)
        self.copied.synchronize()
        return ids.tolist()

    def send(self, lengths):
        lens = torch.tensor(lengths, dtype=torch.int32, pin_memory=self.pin)
        return lens.to(self.device, non_blocking=True)


class Tree:
    def split(self, node, at):
        node.value = node.value[:at].clone()

    def load(self, node, slots):
        node.value = slots[: node.length].clone()
"""


@pytest.mark.parametrize("mutator", DEVICE, ids=lambda mutator: mutator.name)
def test_a_wait_left_out_is_planted_where_the_code_was_right_and_found_there(mutator: Mutator) -> None:
    found = list(sites(PythonFile(ON_DEVICE), "runner.py", [mutator]))
    rules = list(mutator.rules)
    assert check_sources({"runner.py": ON_DEVICE.encode()}, rules) == []
    told = [{f.rule for f in check_sources({"runner.py": site.planted(ON_DEVICE).encode()}, rules)} for site in found]
    assert all(told) and set().union(*told) == set(rules)
