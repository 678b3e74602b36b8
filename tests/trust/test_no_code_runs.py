"""No code of the scanned tree runs, wherever a tool could look for some."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from llmlint.editor.open_project import NEAR_LINES
from llmlint.init import steps
from llmlint.installed import Source
from llmlint.workers import worker_pool

from .conftest import COMMAND, llmlint

REPOSITORY = Path(__file__).parents[2]

_MODULES = """msgspec click libcst networkx platformdirs pygls sarif_om tree_sitter json os re sqlite3 venv pip ctypes
multiprocessing concurrent encodings codecs typing usercustomize sitecustomize conftest setup checkers""".split()


@pytest.fixture
def trap(tree: Path, tmp_path: Path) -> Path:
    """Every file that Python or a tool might run, each leaving a mark when it does; answers where the marks go."""
    marks = tmp_path / "marks"
    marks.mkdir()
    planted = f"import builtins\nbuiltins.open({str(marks)!r} + '/' + __name__, 'w').close()\n"
    for module in _MODULES:
        (tree / f"{module}.py").write_text(planted)
    for package in ("llmlint", "click", "asyncio", "importlib"):
        (tree / package).mkdir()
        (tree / package / "__init__.py").write_text(planted)
        (tree / package / "__main__.py").write_text(planted)
    (tree / "planted.pth").write_text(f"import builtins; builtins.open({str(marks)!r} + '/pth', 'w').close()\n")
    (tree / "pyvenv.cfg.txt").write_text("")
    (tree / "pylintrc").write_text("[MAIN]\n")
    for number in range(30):  # enough for worker processes
        (tree / f"file_{number}.py").write_text(f"NUMBER = {number}\n")
    return marks


def ran(marks: Path) -> list[str]:
    return sorted(mark.name for mark in marks.iterdir())


def test_the_trap_springs_where_it_is_imported(trap: Path, tree: Path) -> None:
    subprocess.run([sys.executable, "-c", "import msgspec"], cwd=tree, check=True)
    assert "msgspec" in ran(trap)


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", ".", "-j", "2", "--no-cache"),
        ("scan", ".", "--fix", "--fix-suppressions"),
        ("scan", ".", "--format", "sarif", "--output", "html:report.html"),
        ("baseline", "write", "."),
        ("init", "--yes"),
        ("config", "show"),
        ("cache", "info"),
        ("verify", "pool.py", "true"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_command_runs_it(trap: Path, tree: Path, arguments: tuple[str, ...]) -> None:
    done = llmlint(tree, *arguments)
    assert ran(trap) == []
    assert "fault" not in done.stderr
    assert done.returncode in (0, 1)


def test_a_module_that_is_started_in_the_tree_imports_nothing_from_it(trap: Path, tree: Path) -> None:
    """`python -m llmlint` finds llmlint by the working directory; what that imports then comes from elsewhere."""
    for name in ("__init__.py", "__main__.py"):
        (tree / "llmlint" / name).unlink()
    (tree / "llmlint").rmdir()
    for started_by_python in ("encodings", "codecs", "os", "typing", "re", "importlib"):  # before any of our lines
        (tree / f"{started_by_python}.py").unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", "llmlint", "scan", "pool.py"], cwd=tree, capture_output=True, timeout=120)
    assert set(ran(trap)) <= {"importlib"}


def test_workers_that_are_started_anew_look_elsewhere(trap: Path, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on macOS, and on Linux from Python 3.14 on."""
    import multiprocessing

    monkeypatch.chdir(tree)
    with worker_pool(1, multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(os.getpid).result(60) != os.getpid()
    assert ran(trap) == []


def test_a_comparison_runs_no_program_that_the_repository_names(tree: Path, tmp_path: Path) -> None:
    """An archive may bring a `.git` whose settings name filters and monitors."""
    (tree / ".git").rmdir()
    git = ["git", "-c", "user.name=A Tester", "-c", "user.email=tester@example.org", "-C", str(tree)]
    (tree / ".gitattributes").write_text("*.py filter=planted diff=planted\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "as it was"], ["mv", "pool.py", "moved.py"]):
        subprocess.run([*git, *command], check=True)
    (tree / "moved.py").write_text((tree / "moved.py").read_text() + "# longer\n")
    mark = f"touch {tmp_path}/ran; cat"
    for key in ("filter.planted.smudge", "filter.planted.clean", "diff.planted.textconv", "diff.planted.command"):
        subprocess.run([*git, "config", key, mark], check=True)
    subprocess.run([*git, "config", "filter.planted.required", "true"], check=True)
    subprocess.run([*git, "config", "core.fsmonitor", f"touch {tmp_path}/ran; true"], check=True)
    done = llmlint(tree, "scan", ".", "--diff", "HEAD", "--show-suppressed", "--format", "concise")
    assert (done.returncode, done.stderr) == (0, "")
    assert "moved.py:8" in done.stdout
    assert not (tmp_path / "ran").exists()


def test_the_pylint_plugin_runs_nothing_that_pylint_does_not_run(trap: Path, tree: Path) -> None:
    """pylint itself puts the folder of what it checks on sys.path and may import from there."""
    command = [sys.executable, "-P", "-m", "pylint", "--rcfile=pylintrc", "pool.py"]
    subprocess.run(command, cwd=tree, capture_output=True, timeout=120)
    by_itself = ran(trap)
    command.append("--load-plugins=llmlint.pylint_plugin")
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=120)
    assert "noop-restore" in done.stdout
    assert ran(trap) == by_itself


def test_the_language_server_does_not_run_it(trap: Path, tree: Path) -> None:
    pytest.importorskip("pygls")
    from lsprotocol import types
    from pygls.lsp.client import LanguageClient

    (tree / "large.py").write_text("x = 1\n" * (NEAR_LINES + 1))  # so that the whole is scanned in its own process

    async def speak() -> list[str]:
        client = LanguageClient("test", "1")
        said: list[str] = []
        shown: asyncio.Queue[None] = asyncio.Queue()
        client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda _: shown.put_nowait(None))
        client.feature(types.WINDOW_LOG_MESSAGE)(lambda params: said.append(params.message))
        os.chdir(tree)
        await client.start_io(*COMMAND, "lsp")
        await client.initialize_async(types.InitializeParams(types.ClientCapabilities(), root_uri=tree.as_uri()))
        client.initialized(types.InitializedParams())
        text = (tree / "pool.py").read_text()
        item = types.TextDocumentItem((tree / "pool.py").as_uri(), "python", 1, text)
        client.text_document_did_open(types.DidOpenTextDocumentParams(item))
        for _ in range(2):  # the near answer, then the whole one
            await asyncio.wait_for(shown.get(), 60)
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()
        return said

    here = Path.cwd()
    try:
        assert asyncio.run(speak()) == []
    finally:
        os.chdir(here)
    assert ran(trap) == []


def test_nothing_is_installed_from_within_the_tree(tmp_path: Path) -> None:
    """`python3 -m venv`, as pipx and the action start it, would run the tree's `venv.py`."""
    action = yaml.safe_load((REPOSITORY / "action.yml").read_text())
    install = action["runs"]["steps"][0]
    assert install["working-directory"] == "${{ runner.temp }}"
    workflow = next(step.text for step in steps(tmp_path, False, Source("==0.1.0")) if step.file.name == "llmlint.yml")
    job = yaml.safe_load(workflow)["jobs"]["llmlint"]
    assert next(s for s in job["steps"] if "pipx" in s.get("run", ""))["working-directory"] == "${{ runner.temp }}"
