"""`llmlint siblings`: a fix teaches what it added, and the places that look as the fixed one did before are listed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from llmlint.cli import main

POOL = """\
import threading


class Pool:
    def __init__(self):
        self.lock = threading.Lock()
        self.free_blocks = []
        self.owners = {}

    def take(self, request):
        with self.lock:
            block = self.free_blocks.pop()
            self.owners[request.id] = block
        return block

    def give_back(self, request):
        block = self.owners.pop(request.id)
        self.free_blocks.append(block)

    def move(self, request, other):
        block = self.owners.pop(request.id)
        self.owners[other.id] = block

    def size(self):
        return 1
"""
LOCKED = POOL.replace(
    """\
        block = self.owners.pop(request.id)
        self.free_blocks.append(block)
""",
    """\
        with self.lock:
            block = self.owners.pop(request.id)
            self.free_blocks.append(block)
""",
)


class Repository:
    """A folder under git that moves from one state to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._git("init", "--quiet")

    def commit(self, subject: str, **files: str) -> str:
        """`engine__pool_py` names the file engine/pool.py."""
        for name, text in files.items():
            file = self.folder / ".".join(name.replace("__", "/").rsplit("_", 1))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        self._git("add", "--all")
        self._git("-c", "user.name=n", "-c", "user.email=e@x", "commit", "--quiet", "--message", subject)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    folder = tmp_path / "tree"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LLMLINT_CACHE_DIR", str(tmp_path / "cache"))
    return Repository(folder)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["siblings", *arguments], catch_exceptions=False)


def listed(*arguments: str) -> dict[str, Any]:
    ran = run(*arguments, "--output-format", "json")
    assert ran.exit_code == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def symbols(found: dict[str, Any]) -> list[str]:
    return [sibling["symbol"] for sibling in found["siblings"]]


# ---------------------------------------------------------------- from a fix


def test_a_lock_that_was_added_is_missed_where_the_same_state_is_changed_without_it(repository: Repository) -> None:
    repository.commit("A pool", engine__pool_py=POOL)
    fix = repository.commit("Give back under the lock", engine__pool_py=LOCKED)
    found = listed(fix)
    assert found["about"] == f"{fix[:12]} Give back under the lock"
    assert found["lessons"][0]["added"] == ["holds `lock`"]
    assert symbols(found) == ["Pool.move"], "take holds it, give_back is mended, size is unlike"
    assert found["siblings"][0]["lacks"] == ["holds `lock`"]
    assert {"line": 22, "message": "takes from `owners`"} in found["siblings"][0]["evidence"]


def test_a_tree_without_the_fix_shows_the_fixed_place_first(repository: Repository, tmp_path: Path) -> None:
    repository.commit("A pool", engine__pool_py=POOL)
    fix = repository.commit("Give back under the lock", engine__pool_py=LOCKED)
    fork = tmp_path / "fork"
    fork.mkdir()
    (fork / "pool.py").write_text(POOL)
    found = listed(fix, str(fork), "--repository", ".")
    assert symbols(found)[0] == "Pool.give_back"


NATIVE = """\
struct tensor { void * data; };
tensor * find(int id);

int read_size(int id) {
    tensor * t = find(id);
    if (t == nullptr) {
        return -1;
    }
    return size_of(t->data);
}

int copy_out(int id, char * to) {
    tensor * t = find(id);
    copy_bytes(to, t->data);
    return size_of(t->data);
}

int copy_in(int id, const char * from) {
    tensor * t = find(id);
    copy_bytes(t->data, from);
    return size_of(t->data);
}
"""


def test_a_pointer_that_is_asked_about_is_missed_where_it_comes_from_the_same_call(repository: Repository) -> None:
    repository.commit("Tensors", server_cpp=NATIVE)
    asked = "    if (t == nullptr) {\n        return -1;\n    }\n    copy_bytes(to,"
    fix = repository.commit("Ask", server_cpp=NATIVE.replace("    copy_bytes(to,", asked))
    found = listed(fix)
    assert found["lessons"][0]["added"] == ["asks about `find()` (none)"]
    assert symbols(found) == ["copy_in"], "read_size asks already"


WORKER = """\
class Worker:
    def load(self, store, name):
        reply = store.fetch(name)
        self.loaded[name] = reply

    def reload(self, store, name):
        reply = store.fetch(name)
        self.loaded[name] = reply

    def touch(self, name):
        self.loaded[name] = None
"""


def test_an_argument_that_was_added_is_missed_in_other_calls_of_the_function(repository: Repository) -> None:
    repository.commit("A worker", worker_py=WORKER)
    fix = repository.commit("A limit", worker_py=WORKER.replace("fetch(name)", "fetch(name, timeout=5)", 1))
    found = listed(fix)
    assert found["lessons"][0]["added"] == ["gives `fetch` the argument `timeout`"]
    assert symbols(found) == ["Worker.reload"]


CACHES = """\
class Base:
    def check(self):
        pass


class Radix(Base):
    def check(self):
        if not self.ongoing:
            return
        done = torch.distributed.all_reduce(self.count)
        self.finish(done)


class HostRadix(Base):
    def check(self):
        if not self.ongoing:
            return
        done = torch.distributed.all_reduce(self.count)
        self.finish(done)
"""


def test_what_a_fix_took_out_is_told_where_it_still_is(repository: Repository) -> None:
    repository.commit("Caches", caches_py=CACHES)
    without = CACHES.replace("        if not self.ongoing:\n            return\n", "", 1)
    found = listed(repository.commit("Every rank takes part", caches_py=without))
    assert found["lessons"][0]["dropped"] == ["asks about `ongoing` (true)"]
    sibling = found["siblings"][0]
    assert sibling["symbol"] == "HostRadix.check"
    assert sibling["still_has"] == ["asks about `ongoing` (true)"]
    assert sibling["kin"] == "the same method of a class kin to `Radix`"


def test_a_member_that_got_a_first_value_leads_to_the_members_without_one(repository: Repository) -> None:
    slots = "struct slot {\n    model * m = nullptr;\n    sampler * s;\n    int n_past = 0;\n};\n"
    more = "struct draft {\n    int n_past = 0;\n    sampler * s;\n    model * m;\n};\n"
    repository.commit("Slots", slot_h=slots, draft_h=more)
    found = listed(repository.commit("Null", slot_h=slots.replace("* s;", "* s = nullptr;")))
    assert found["lessons"][0]["added"] == ["gives a `pointer` its first value"]
    assert symbols(found) == ["draft"]


def test_one_commit_that_mends_several_places_alike_is_one_lesson(repository: Repository) -> None:
    third = WORKER + "\n    def prefetch(self, store, name):\n        self.loaded[name] = store.fetch(name)\n"
    repository.commit("A worker", worker_py=third)
    limited = third.replace("reply = store.fetch(name)", "reply = store.fetch(name, timeout=5)")
    found = listed(repository.commit("Limits", worker_py=limited))
    assert [spot["symbol"] for spot in found["lessons"][0]["spots"]] == ["Worker.load", "Worker.reload"]
    assert symbols(found) == ["Worker.prefetch"]


def test_comments_log_lines_and_order_teach_nothing(repository: Repository) -> None:
    repository.commit("A pool", engine__pool_py=POOL)
    said = POOL.replace("    def size(self):\n", "    def size(self):\n        # how many\n        print('size')\n")
    fix = repository.commit("Say it", engine__pool_py=said)
    ran = run(fix)
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "1 changed file compared: no step was added or taken out" in ran.stderr


def test_tests_are_neither_learnt_from_nor_listed(repository: Repository) -> None:
    repository.commit("A pool", engine__pool_py=POOL, tests__test_pool_py=POOL)
    fix = repository.commit("Locks", engine__pool_py=LOCKED, tests__test_pool_py=LOCKED)
    found = listed(fix)
    assert len(found["lessons"][0]["spots"]) == 1
    assert {sibling["path"] for sibling in found["siblings"]} == {"engine/pool.py"}


def test_a_range_of_commits_is_one_fix(repository: Repository) -> None:
    first = repository.commit("A pool", engine__pool_py=POOL)
    repository.commit("Give back under the lock", engine__pool_py=LOCKED)
    repository.commit("Something else", other_py="x = 1\n")
    assert symbols(listed(f"{first}..HEAD")) == ["Pool.move"]


# ---------------------------------------------------------------- from a place or a finding


def test_a_place_leads_to_those_that_do_the_same(repository: Repository) -> None:
    repository.commit("A worker", worker_py=WORKER)
    found = listed("worker.py:3")
    assert found["about"] == "places like worker.py:3"
    assert symbols(found)[0] == "Worker.reload"
    assert "Worker.load" not in symbols(found)


def test_a_finding_of_a_report_leads_to_places_like_its_own(repository: Repository, tmp_path: Path) -> None:
    code = "import time\n\n\nasync def {}(client):\n    time.sleep(1)\n    return await client.poll()\n"
    repository.commit("Waiting", a_py=code.format("first"), b_py=code.format("second"))
    report = tmp_path / "findings.json"
    CliRunner().invoke(main, ["scan", ".", "--min-confidence", "low", "--output", f"json:{report}"])
    finding = next(f for f in json.loads(report.read_text())["findings"] if f["path"] == "a.py")
    found = listed(finding["fingerprint"][:8], "--report", str(report))
    assert found["about"] == f"places like a.py:5, LLM202 {finding['name']}"
    assert symbols(found) == ["second"]
    assert found["siblings"][0]["told"] == "LLM202"


# ---------------------------------------------------------------- output and wrong use


def test_the_text_names_the_step_the_place_and_what_they_have_in_common(repository: Repository) -> None:
    repository.commit("A worker", worker_py=WORKER)
    fix = repository.commit("A limit", worker_py=WORKER.replace("fetch(name)", "fetch(name, timeout=5)", 1))
    told = run(fix).stdout.splitlines()
    assert told[:4] == [
        f"{fix[:12]} A limit",
        "",
        "1. + gives `fetch` the argument `timeout`",
        "   worker.py:3 Worker.load",
    ]
    assert told[5].startswith("worker.py:7  Worker.reload  0.")
    assert told[6] == "    not here: gives `fetch` the argument `timeout`"
    assert "        7  calls `fetch`" in told
    assert told[-1] == "1 place like it"


@pytest.mark.parametrize("asked", ["no-such-commit", "HEAD"])
def test_a_commit_that_is_not_there_or_has_no_parent_is_wrong_use(repository: Repository, asked: str) -> None:
    repository.commit("A pool", engine__pool_py=POOL)
    ran = run(asked)
    assert ran.exit_code == 2
    assert "no fix to learn from" in ran.stderr


def test_a_fingerprint_that_the_report_lacks_is_wrong_use(repository: Repository, tmp_path: Path) -> None:
    repository.commit("A pool", engine__pool_py=POOL)
    report = tmp_path / "findings.json"
    CliRunner().invoke(main, ["scan", ".", "--output", f"json:{report}"])
    ran = run("feed", "--report", str(report))
    assert ran.exit_code == 2
    assert "0 findings with a fingerprint like feed" in ran.stderr


def test_a_line_outside_of_every_function_is_wrong_use(repository: Repository) -> None:
    (repository.folder / "empty.py").write_text("\n\n")
    ran = run("empty.py:1")
    assert ran.exit_code == 2
    assert "no function of the tree stands there" in ran.stderr
