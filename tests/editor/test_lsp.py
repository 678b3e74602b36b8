"""`llmlint lsp` in a process of its own, spoken to by a real client."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from serving_code import ALL_SHOWN, CLEAN

pytest.importorskip("pygls", reason="pygls is not installed: pip install -e '.[lsp]'")

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from llmlint.editor.open_project import NEAR_LINES

SOURCE = Path(__file__).parents[2] / "src"
SECONDS = 60

SCHEDULER = """\
class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = []
        self.swapped = []
        self.finished = set()

    def add(self, request):
        self.waiting.append(request)
        self.running.append(request)
        self.swapped.append(request)
        self.finished.add(request.request_id)

    def finish(self, request):
        self.waiting.remove(request)
        self.running.remove(request)
        self.swapped.remove(request)
        self.finished.discard(request.request_id)

    def reset(self):
        self.waiting.clear()
        self.running.clear()
        self.swapped.clear()
"""
"""One LLM801 of high confidence."""

BASE = """\
class Streams:
    def __init__(self):
        self.streams = {}

    def open(self, request_id):
        self.streams[request_id] = []

    def finish(self, request_id):
        self.streams.pop(request_id, None)
"""

CHILD = """\
from streams import Streams


class Gateway(Streams):
    def __init__(self):
        super().__init__()
        self.sent = {}
        self.seen = {}

    def send(self, request_id, text):
        self.sent[request_id] = text
        self.seen[request_id] = True

    def reset(self):
        self.sent.clear()
        self.seen.clear()
"""

NUMBERS = """\
def format_argument(value: int | float) -> str:
    return f"{value:g}"


def format_usage(tokens: int | float) -> str:
    return f"{tokens:g} tokens"
"""
"""Two LLM401, whose fix is safe."""


class Editor(LanguageClient):
    """A client that keeps the diagnostics it is sent, and the documents it is asked to show."""

    def __init__(self) -> None:
        super().__init__("editor", "1")
        self.diagnostics: dict[str, types.PublishDiagnosticsParams] = {}
        self.shown: list[str] = []
        self.messages: list[str] = []
        self.watched: list[str] = []
        self.progress: list[str] = []
        self._news = asyncio.Event()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def keep(params: types.PublishDiagnosticsParams) -> None:
            self.diagnostics[params.uri] = params
            self._news.set()

        @self.feature(types.WINDOW_SHOW_DOCUMENT)
        def show(params: types.ShowDocumentParams) -> types.ShowDocumentResult:
            self.shown.append(params.uri)
            return types.ShowDocumentResult(success=True)

        @self.feature(types.WINDOW_SHOW_MESSAGE)
        def say(params: types.ShowMessageParams) -> None:
            self.messages.append(params.message)

        @self.feature(types.CLIENT_REGISTER_CAPABILITY)
        def watch(params: types.RegistrationParams) -> None:
            for asked in params.registrations:
                self.watched += [watcher["globPattern"] for watcher in asked.register_options["watchers"]]

        @self.feature(types.WINDOW_WORK_DONE_PROGRESS_CREATE)
        def make_room(params: types.WorkDoneProgressCreateParams) -> None:
            self.progress.append(f"room {params.token}")

        @self.feature(types.PROGRESS)
        def progress(params: types.ProgressParams) -> None:
            value = params.value
            self.progress.append(value["title"] if value["kind"] == "begin" else value["kind"])

    async def begin(
        self, folder: Path, capabilities: types.ClientCapabilities | None = None, options: object = None
    ) -> types.InitializeResult:
        os.environ["PYTHONPATH"] = str(SOURCE)
        await self.start_io(sys.executable, "-m", "llmlint", "lsp")
        asked = types.InitializeParams(
            capabilities=capabilities or types.ClientCapabilities(),
            root_uri=folder.as_uri(),
            initialization_options=options,
        )
        result = await self.initialize_async(asked)
        self.initialized(types.InitializedParams())
        return result

    def open(self, file: Path, text: str | None = None) -> str:
        document = types.TextDocumentItem(file.as_uri(), "python", 1, file.read_text() if text is None else text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(document))
        return file.as_uri()

    def type(self, uri: str, text: str, version: int) -> None:
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version, uri),
                [types.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    async def told(self, uri: str, version: int = 1) -> list[types.Diagnostic]:
        """The diagnostics for this version of the document."""
        return await self.until(uri, lambda sent: (sent.version or 0) >= version)

    async def until(self, uri: str, wanted: Callable[[types.PublishDiagnosticsParams], bool]) -> list[types.Diagnostic]:
        async with asyncio.timeout(SECONDS):
            while uri not in self.diagnostics or not wanted(self.diagnostics[uri]):
                self._news.clear()
                await self._news.wait()
        return list(self.diagnostics[uri].diagnostics)

    async def actions(self, uri: str, line: int, only: list[str] | None = None) -> dict[str, Any]:
        at = types.Range(types.Position(line, 0), types.Position(line, 1))
        found = await self.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), at, types.CodeActionContext([], only))
        )
        return {action.title.split()[0]: action for action in found or ()}


def edited(text: str, edit: types.WorkspaceEdit | None, uri: str) -> str:
    """The text as a client has it when it has made the edit."""
    assert edit is not None and edit.changes is not None
    (change,) = edit.changes[uri]
    lines = text.splitlines(keepends=True)
    start, end = change.range.start, change.range.end
    assert start.character == end.character == 0
    return "".join([*lines[: start.line], change.new_text, *lines[end.line :]])


def run(session: Callable[[Editor], Awaitable[None]]) -> None:
    async def whole() -> None:
        editor = Editor()
        try:
            await session(editor)
        finally:
            await editor.shutdown_async(None)
            editor.exit(None)
            await editor.stop()

    asyncio.run(asyncio.wait_for(whole(), SECONDS * 2))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(f"[tool.llmlint]\n{ALL_SHOWN}")
    (tmp_path / "scheduler.py").write_text(SCHEDULER)
    (tmp_path / "streams.py").write_text(BASE)
    (tmp_path / "gateway.py").write_text(CHILD)
    return tmp_path


def test_an_open_file_gets_the_findings_of_a_scan(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        (diagnostic,) = await editor.told(editor.open(folder / "scheduler.py"))
        (finding,) = scanned(folder, "scheduler.py")
        assert (diagnostic.code, diagnostic.source) == (finding["rule"], "llmlint")
        assert diagnostic.severity == types.DiagnosticSeverity.Warning
        assert diagnostic.range.start == types.Position(finding["line"] - 1, finding["column"] - 1)
        assert diagnostic.message.startswith(finding["message"])
        assert diagnostic.code_description is not None and "LLM801" in diagnostic.code_description.href
        told = [(i.location.range.start.line + 1, i.message) for i in diagnostic.related_information or ()]
        assert told == [(step["line"], step["message"]) for step in finding["evidence"]]

    run(session)


def test_a_finding_that_another_file_is_the_reason_of_is_there_too(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        (diagnostic,) = await editor.told(editor.open(folder / "gateway.py"))
        assert "self.streams" in diagnostic.message

    run(session)


def test_diagnostics_follow_what_is_typed_before_it_is_saved(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        assert len(await editor.told(uri)) == 1
        editor.type(uri, CLEAN, 2)
        assert await editor.told(uri, 2) == []
        editor.type(uri, "\n\n" + SCHEDULER, 3)
        (diagnostic,) = await editor.told(uri, 3)
        assert diagnostic.range.start.line == scanned(folder, "scheduler.py")[0]["line"] + 1
        editor.type(uri, SCHEDULER.replace("self.running.clear()\n", "self.running.clear(\n"), 4)
        await editor.told(uri, 4)  # a half-written line is no error of the server's

    run(session)


def test_unsaved_text_of_one_file_counts_for_another(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        base = editor.open(folder / "streams.py")
        child = editor.open(folder / "gateway.py")
        assert len(await editor.told(child)) == 1
        editor.type(base, "class Streams:\n    pass\n", 2)
        await editor.told(base, 2)
        editor.type(child, CHILD + "\n", 2)
        assert await editor.told(child, 2) == []

    run(session)


def test_what_only_a_whole_scan_of_a_large_project_shows_comes_later_and_stays(folder: Path) -> None:
    (folder / "streams.py").write_text(BASE + "# a line\n" * NEAR_LINES)

    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "gateway.py")
        (diagnostic,) = await editor.until(uri, lambda sent: bool(sent.diagnostics))
        assert "self.streams" in diagnostic.message
        editor.type(uri, "import os\n" + CHILD, 2)
        (moved,) = await editor.told(uri, 2)
        assert moved.range.start.line == diagnostic.range.start.line + 1
        editor.type(uri, CHILD.replace("self.seen.clear()", "self.seen.clear()\n        self.streams.clear()"), 3)
        assert await editor.until(uri, lambda sent: sent.version == 3 and not sent.diagnostics) == []

    run(session)


def test_columns_are_counted_as_the_client_counts_them(folder: Path) -> None:
    text = "import torch.distributed as dist\n\n\ndef start():\n    '🙂🙂'; dist.init_process_group()\n"
    (folder / "start.py").write_text(text)
    (folder / "pyproject.toml").write_text(f"[tool.llmlint]\n{ALL_SHOWN}")

    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        (diagnostic,) = await editor.told(editor.open(folder / "start.py"))
        line = text.splitlines()[4]
        utf16 = len(line[: line.index("dist")].encode("utf-16-le")) // 2
        assert diagnostic.range.start == types.Position(4, utf16)

    run(session)


def test_the_code_action_fix_ends_the_finding(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        (diagnostic,) = await editor.told(uri)
        fix = (await editor.actions(uri, diagnostic.range.start.line))["Fix:"]
        resolved = await editor.code_action_resolve_async(fix)
        fixed = edited(SCHEDULER, resolved.edit, uri)
        assert set(fixed.splitlines()) - set(SCHEDULER.splitlines()) == {"        self.finished.clear()"}
        editor.type(uri, fixed, 2)
        assert await editor.told(uri, 2) == []

    run(session)


def test_the_code_action_ignore_ends_the_finding(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        (diagnostic,) = await editor.told(uri)
        ignore = (await editor.actions(uri, diagnostic.range.start.line))["Ignore"]
        text = edited(SCHEDULER, ignore.edit, uri)
        assert "    # llmlint: ignore[LLM801] TODO: why\n" in text
        editor.type(uri, text, 2)
        assert await editor.told(uri, 2) == []

    run(session)


def test_a_client_that_takes_snippets_has_the_reason_to_type_over(folder: Path) -> None:
    edits = types.WorkspaceEditClientCapabilities(document_changes=True, snippet_edit_support=True)
    able = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(workspace_edit=edits))

    async def session(editor: Editor) -> None:
        await editor.begin(folder, able)
        uri = editor.open(folder / "scheduler.py")
        (diagnostic,) = await editor.told(uri)
        ignore = (await editor.actions(uri, diagnostic.range.start.line))["Ignore"]
        (change,) = ignore.edit.document_changes
        assert (change.text_document.uri, change.text_document.version) == (uri, 1)
        (edit,) = change.edits
        assert edit.snippet.value == "    # llmlint: ignore[LLM801] ${1:why}\n"

    run(session)


def test_all_safe_fixes_of_a_file_are_one_action_for_saving(folder: Path) -> None:
    (folder / "numbers.py").write_text(NUMBERS)

    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "numbers.py")
        assert len(await editor.told(uri)) == 2
        (fix,) = (await editor.actions(uri, 0, ["source.fixAll"])).values()
        assert fix.kind == "source.fixAll.llmlint"
        resolved = await editor.code_action_resolve_async(fix)
        fixed = edited(NUMBERS, resolved.edit, uri)
        assert fixed == NUMBERS.replace(":g}", "}")
        editor.type(uri, fixed, 2)
        assert await editor.told(uri, 2) == []
        assert await editor.actions(uri, 0, ["source.fixAll"]) == {}
        assert await editor.actions(uri, 0, ["refactor"]) == {}

    run(session)


def test_what_takes_long_is_shown_where_the_client_has_a_place_for_it(folder: Path) -> None:
    (folder / "streams.py").write_text(BASE + "# a line\n" * NEAR_LINES)
    able = types.ClientCapabilities(window=types.WindowClientCapabilities(work_done_progress=True))

    async def session(editor: Editor) -> None:
        await editor.begin(folder, able)
        uri = editor.open(folder / "gateway.py")
        await editor.until(uri, lambda sent: bool(sent.diagnostics))  # only the whole scan knows it
        titles = [title for title in editor.progress if title.startswith("llmlint")]
        assert titles == ["llmlint: reading the project", "llmlint: scanning the whole project"]
        assert editor.progress.count("end") == 2

    run(session)


def test_a_file_that_changes_outside_of_the_editor_counts(folder: Path) -> None:
    watched = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
    able = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(did_change_watched_files=watched))

    async def session(editor: Editor) -> None:
        await editor.begin(folder, able)
        uri = editor.open(folder / "gateway.py")
        assert len(await editor.told(uri)) == 1
        assert "**/{pyproject,llmlint}.toml" in editor.watched
        (folder / "streams.py").write_text("class Streams:\n    pass\n")
        event = types.FileEvent((folder / "streams.py").as_uri(), types.FileChangeType.Changed)
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
        assert await editor.until(uri, lambda sent: not sent.diagnostics) == []

    run(session)


def test_an_editor_says_for_all_its_projects_what_is_shown(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder, options={"ignore": ["LLM801"]})
        assert await editor.told(editor.open(folder / "scheduler.py")) == []
        assert editor.messages == []

    run(session)


def test_options_that_are_none_are_named_and_left_out(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder, options={"ignores": ["LLM801"]})
        assert len(await editor.told(editor.open(folder / "scheduler.py"))) == 1
        (message,) = editor.messages
        assert "ignores" in message

    run(session)


def test_the_code_action_explain_opens_the_page(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        (diagnostic,) = await editor.told(uri)
        command = (await editor.actions(uri, diagnostic.range.start.line))["Explain"]
        await editor.workspace_execute_command_async(
            types.ExecuteCommandParams(command.command, list(command.arguments or ()))
        )
        assert [Path(uri).name for uri in editor.shown] == ["restore-leaves-state.md"]
        page = Path(editor.shown[0].removeprefix("file://")).read_text()
        assert page.startswith("# LLM801 restore-leaves-state\n")
        assert "## What it catches" in page and "+++" not in page

    run(session)


def test_hovering_over_a_finding_shows_its_page_and_elsewhere_nothing(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        (diagnostic,) = await editor.told(uri)
        document = types.TextDocumentIdentifier(uri)
        hover = await editor.text_document_hover_async(types.HoverParams(document, diagnostic.range.start))
        assert hover is not None and isinstance(hover.contents, types.MarkupContent)
        assert "LLM801 restore-leaves-state" in hover.contents.value and "What it catches" in hover.contents.value
        assert await editor.text_document_hover_async(types.HoverParams(document, types.Position(0, 0))) is None

    run(session)


def test_settings_count_from_when_they_are_saved(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        assert len(await editor.told(uri)) == 1
        (folder / "pyproject.toml").write_text(f'[tool.llmlint]\n{ALL_SHOWN}ignore = ["LLM801"]\n')
        editor.text_document_did_save(types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(uri)))
        assert await editor.until(uri, lambda sent: not sent.diagnostics) == []

    run(session)


def test_a_file_that_the_settings_leave_out_is_left_alone(folder: Path) -> None:
    (folder / "pyproject.toml").write_text(f'[tool.llmlint]\n{ALL_SHOWN}exclude = ["scheduler.py"]\n')

    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        assert await editor.told(editor.open(folder / "scheduler.py")) == []

    run(session)


def test_a_file_that_is_not_saved_yet_is_judged_with_the_project_it_is_in(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        (diagnostic,) = await editor.told(editor.open(folder / "new.py", text=CHILD))
        assert "self.streams" in diagnostic.message

    run(session)


def test_closing_a_file_takes_its_diagnostics_away(folder: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(folder)
        uri = editor.open(folder / "scheduler.py")
        assert len(await editor.told(uri)) == 1
        editor.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        assert await editor.until(uri, lambda sent: not sent.diagnostics) == []

    run(session)


def test_without_pygls_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pygls'] = None\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{SOURCE}"}
    done = subprocess.run(
        [sys.executable, "-m", "llmlint", "lsp"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install 'llmlint-serving[lsp]" in done.stderr


def scanned(folder: Path, file: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "llmlint", "scan", file, "--format", "json"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=False,
    )
    return list(json.loads(done.stdout)["findings"])
