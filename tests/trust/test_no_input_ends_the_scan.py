"""Whatever a tree holds, one line names it and the rest is reported; our own mistakes exit with 3, never with 1."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from serving_code import ALL_SHOWN, NOOP

import llmlint.commands.scan_command as scan_command
from llmlint import diff, files, project
from llmlint.cli import main
from llmlint.code.flow.assigned import unsure_reads
from llmlint.code.syntax import tree as tree_nodes
from llmlint.code.syntax.python import read_python
from llmlint.ignores import Patterns
from llmlint.progress import Stage
from llmlint.project import Request, scan
from llmlint.scan import check_sources

from .conftest import COMMAND, llmlint

SURROGATES = {
    "annotation": 'class A:\n    x: "A\\udfff"\n',
    "parameter": 'def f(x: "\\ud800"): ...\n',
    "return": 'def f() -> "\\ud800": ...\n',
    "key": 'd = {}\nd["\\udfff"] = 1\n',
    "default": 'def f(x="\\udfff", *, y="\\ud800"): ...\n',
    "decorator": '@d("\\udfff")\ndef f(): ...\n',
    "field": 'class A:\n    x: int = "\\udfff"\n',
}


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_half_a_surrogate_pair_costs_nothing(tree: Path, jobs: str) -> None:
    for name, source in SURROGATES.items():
        (tree / f"{name}.py").write_text(source)
    for number in range(30):
        (tree / f"file_{number}.py").write_text("x = 1\n")
    done = llmlint(tree, "scan", ".", "-j", jobs, "--format", "concise", "--no-cache")
    assert (done.returncode, done.stderr) == (1, "")
    assert "pool.py:8" in done.stdout


_DEEP = {
    "names": "int f() {{ return {}b; }}".format("a::" * 3000),
    "calls": f"int f() {{ return {'g(' * 3000}1{')' * 3000}; }}",
    "sum": f"int f() {{ return {'+'.join(['x'] * 6000)}; }}",
    "blocks": f"void f() {{ {'{' * 3000}{'}' * 3000} }}",
    "brackets": f"int f() {{ return {'(' * 6000}1{')' * 6000}; }}",
    "members": f"int f() {{ return a{'.b' * 6000}; }}",
    "conditions": f"int f() {{ return {'a ? b : ' * 3000}c; }}",
}


@pytest.mark.parametrize("source", _DEEP.values(), ids=_DEEP)
def test_deep_nesting_costs_a_region_and_not_the_file(source: str) -> None:
    noop = """
struct slot_cache {
    std::vector<int> tokens;
    void add(int token) { tokens.push_back(token); }
    void restore_tokens(const std::vector<int> & saved) { LOG_INF("restoring %zu", saved.size()); }
};
"""
    found = check_sources({"a.cpp": f"{source}\n{noop}".encode()})
    assert [f.rule for f in found] == ["LLM802"]


@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", "llmlint.toml", "pyproject.toml", "a.py"])
@pytest.mark.parametrize(
    "make",
    [os.mkfifo, lambda file: os.symlink("/dev/zero", file), lambda file: os.symlink(file, file)],
    ids=["pipe", "device", "loop"],
)
def test_what_has_no_end_is_named_and_left(tree: Path, name: str, make: Callable[[Path], None]) -> None:
    file = tree / name
    file.parent.mkdir(exist_ok=True, parents=True)
    (tree / "llmlint.toml").unlink()
    make(file)
    done = llmlint(tree, "scan", ".", "--format", "concise", "--min-confidence", "low")
    assert "pool.py:8" in done.stdout
    assert done.returncode in (1, 2, 3)
    assert "Traceback" not in done.stderr
    assert sum(name in line for line in done.stderr.splitlines()) == 1


def _without_the_powers_of_root() -> None:
    """Modes hold for root too in what is started now: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH are given up."""
    system = ctypes.CDLL(None)
    for capability in (1, 2):
        system.prctl(24, capability, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to give up what root may do")
def test_folders_and_files_that_may_not_be_entered_or_read_cost_themselves(tree: Path) -> None:
    modes = {"listed": 0o444, "closed": 0o000, "named": 0o111}
    for name, mode in modes.items():
        (tree / name).mkdir()
        (tree / name / "a.py").write_text(NOOP)
        (tree / name).chmod(mode)
    (tree / "b.py").write_text(NOOP)
    (tree / "b.py").chmod(0)
    command = [*COMMAND, "scan", ".", "--format", "concise", "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, preexec_fn=_without_the_powers_of_root)
    for name in modes:
        (tree / name).chmod(0o755)
    assert done.returncode == 3
    assert "pool.py:8" in done.stdout
    assert "internal fault" not in done.stderr
    assert all(any(name in line for line in done.stderr.splitlines()) for name in (*modes, "b.py"))


def test_a_name_that_no_system_takes_is_a_file_that_is_not_there(tree: Path) -> None:
    done = llmlint(tree, "scan", "pool.py", "a" * 5000 + ".py", "--format", "concise")
    assert "pool.py:8" in done.stdout
    assert done.stderr.endswith(".py: does not exist\n")
    assert done.returncode == 2


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux's")
def test_where_no_worker_can_be_started_the_scan_works_alone(tree: Path) -> None:
    """What workers wait for is a file in memory, and no file may grow here."""
    for number in range(40):
        (tree / f"file_{number}.py").write_text("x = 1\n")
    command = [*COMMAND, "scan", ".", "-j2", "--format", "concise", "--no-cache"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, preexec_fn=_no_file_may_grow)
    assert (done.returncode, done.stderr) == (1, "")
    assert "pool.py:8" in done.stdout


def _no_file_may_grow() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _so_many_processes(count: int) -> None:
    """Threads count too. Root may start as many as it likes: another user asks, without the powers of one."""
    system = ctypes.CDLL(None)
    for capability in (21, 24):  # CAP_SYS_ADMIN, CAP_SYS_RESOURCE
        system.prctl(24, capability, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NPROC, (count, count))
    os.setresuid(54321 + count, 0, 0)


def _so_many_files(count: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))


def _so_much_memory(mib: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (mib << 20, mib << 20))


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
@pytest.mark.parametrize(
    ("limit", "count"),
    [*((_so_many_processes, n) for n in range(6)), *((_so_many_files, n) for n in (6, 7, 8, 9, 10, 12, 14))],
)
def test_limits_of_the_system_cost_workers_and_no_finding(tree: Path, limit: Callable[[int], None], count: int) -> None:
    if limit is _so_many_processes and os.getuid() != 0:
        pytest.skip("only root may ask as another user")
    for number in range(40):
        (tree / f"file_{number}.py").write_text("x = 1\n")
    command = [*COMMAND, "scan", ".", "-j2", "--format", "concise", "--no-cache"]
    done = subprocess.run(
        command, cwd=tree, capture_output=True, text=True, timeout=60, preexec_fn=lambda: limit(count)
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert "pool.py:8" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="the limits are those of Linux")
@pytest.mark.parametrize(("limit", "count"), [*((_so_much_memory, n) for n in (50, 60, 80)), (_so_many_files, 5)])
def test_where_nothing_can_be_done_that_is_said_and_is_not_called_findings(
    tree: Path, limit: Callable[[int], None], count: int
) -> None:
    for number in range(40):
        (tree / f"file_{number}.py").write_text("x = 1\n")
    command = [*COMMAND, "scan", ".", "-j2", "--format", "concise", "--no-cache"]
    done = subprocess.run(
        command, cwd=tree, capture_output=True, text=True, timeout=60, preexec_fn=lambda: limit(count)
    )
    assert done.returncode == 3 or (done.returncode == 1 and "pool.py:8" in done.stdout)
    assert done.returncode == 1 or "llmlint: " in done.stderr


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="only root may ask as another user")
def test_who_has_no_home_has_no_cache_and_the_findings(tree: Path) -> None:
    known = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME", "USER")}
    done = subprocess.run(
        [*COMMAND, "scan", ".", "--format", "concise"],
        cwd=tree,
        env=known,
        capture_output=True,
        text=True,
        preexec_fn=lambda: os.setresuid(54399, 0, 0),
    )
    assert "pool.py:8" in done.stdout
    assert done.returncode == 1
    assert done.stderr.endswith("going on without it\n")


def test_a_working_directory_that_is_gone_is_wrong_use(tree: Path) -> None:
    command = ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *COMMAND, "scan", "."]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 2
    assert "the working directory: No such file or directory" in done.stderr


def test_a_comparison_with_nothing_is_none(tree: Path) -> None:
    """`--diff "$BASE"` where nobody has set it."""
    subprocess.run(["git", "init", "-q"], cwd=tree, check=True)
    done = llmlint(tree, "scan", ".", "--diff", "")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no revision ''" in done.stderr


def test_what_was_a_file_when_it_was_found_is_not_waited_for_as_a_pipe(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = files.discover

    def find_and_replace(*paths: Any, **how: Any) -> files.Found:
        found = find(*paths, **how)
        (tree / "other.py").unlink()
        os.mkfifo(tree / "other.py")
        return found

    (tree / "other.py").write_text("")
    monkeypatch.chdir(tree)
    monkeypatch.setattr(project, "discover", find_and_replace)
    result = scan(Request((".",)))
    assert [(p.path, p.kind, p.message) for p in result.problems] == [
        ("other.py", "unreadable", "is not a regular file")
    ]
    assert [finding.path for finding in result.shown] == ["pool.py"]


def test_what_changes_while_it_is_scanned_is_named_and_not_remembered(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(stage: Stage) -> None:
        if stage.name == "linking":
            (tree / "pool.py").write_text("# another line\n" + NOOP)

    monkeypatch.chdir(tree)
    changed = scan(Request((".",)), change)
    assert [(p.path, p.kind) for p in changed.problems] == [("pool.py", "changed")]
    (tree / "pool.py").write_text(NOOP)
    with_cache, without = scan(Request((".",))), scan(Request((".",), use_cache=False))
    assert with_cache.findings == without.findings


@pytest.mark.parametrize(
    "line", ["[z-a]", "!", "[", "\\", "*a" * 30 + "b", "**/a/" * 30 + "b", "[" * 10_000, "/", "//"]
)
def test_no_pattern_of_a_tree_stops_anything(tree: Path, line: str) -> None:
    (tree / ".gitignore").write_text(line)
    (tree / "llmlint.toml").write_text(f"{ALL_SHOWN}exclude = ['{line}']\n")
    (tree / ("a" * 200 + ".py")).write_text("")
    done = llmlint(tree, "scan", ".", "--format", "concise", "--no-cache")
    assert (done.returncode, done.stderr) == (1, "")


def test_matching_takes_one_pass_however_many_stars() -> None:
    """Backtracking would try some 10^40 ways here."""
    assert not Patterns(["*a" * 30 + "b"]).matches("a" * 250)
    assert not Patterns(["**/a/" * 30 + "b"]).matches("a/" * 1000 + "c")


def test_a_chain_of_classes_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 1,500 classes calls its base: with an order made anew for each, this took hours."""
    lines = ["class C0:\n    def reset(self):\n        pass\n"]
    lines += [f"class C{n}(C{n - 1}):\n    def reset(self):\n        super().reset()\n" for n in range(1, 1500)]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chain.py").write_text("\n".join(lines))
    result = scan(Request(("chain.py",), use_cache=False))
    assert (result.faults, result.counts.scanned) == ([], 1)


def test_a_pipe_in_a_repository_ends_a_comparison_and_not_the_wait(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tree / ".git" / "HEAD")
    monkeypatch.chdir(tree)
    monkeypatch.setattr(diff, "_FOR_AN_ANSWER", 0.2)
    with pytest.raises(diff.DiffError, match="git did not answer within"):
        diff.scan_against(Request((".",), use_cache=False), "HEAD")


def test_our_own_mistake_exits_with_3_and_one_line(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("something \x1b[31m\nwrong")

    monkeypatch.setattr(scan_command, "_scanned", fail)
    monkeypatch.chdir(tree)
    done = CliRunner().invoke(main, ["scan", "."])
    assert done.exit_code == 3
    assert done.stderr.startswith("llmlint: internal fault: RuntimeError at test_no_input_ends_the_scan.py:")
    assert done.stderr.endswith("something \\x1b[31m\\nwrong\n")


def test_wrong_use_is_still_2_and_findings_are_1(tree: Path) -> None:
    (tree / "other.py").write_text(NOOP)
    assert llmlint(tree, "scan", "--no-such-flag").returncode == 2
    assert llmlint(tree, "scan", "other.py").returncode == 1


def test_a_test_of_nothing_at_all_is_a_test() -> None:
    source = """
def read(path):
    file = open(path)
    if None:
        return None
    while not None:
        text = file.read()
        file.close()
        return text
"""
    assert isinstance(check_sources({"a.py": source.encode()}), list)  # which raises where a rule has failed


def test_ways_through_one_try_after_another_are_not_counted_twice() -> None:
    tries = "".join("    try:\n        work()\n    except OSError:\n        log()\n" for _ in range(12))
    source = (
        f"def f():\n    try:\n        value = work()\n    except OSError:\n        log()\n{tries}    return value\n"
    )
    _, module = read_python(source.encode())
    function = next(node for node in tree_nodes.walk(module) if isinstance(node, tree_nodes.Function))
    (read,) = unsure_reads(function, source.split("\n"))
    assert len(read.ways) == 1


def test_what_is_told_of_a_handler_does_not_grow_with_those_above_it() -> None:
    """Each of 20,000 that named all above it made a result of more than a gigabyte."""
    handlers = "".join(f"except E{number}:\n    x\n" for number in range(200))
    found = check_sources({"a.py": f"try:\n    x\nexcept Exception:\n    x\n{handlers}except E7:\n    x\n".encode()})
    told = {finding.line: finding.message for finding in found if finding.rule == "LLM905"}
    assert told[405] == "never entered: E7 above takes E7"
