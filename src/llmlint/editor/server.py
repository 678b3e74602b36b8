"""The language server: what an editor asks, and when diagnostics go out.

A change is answered from the file and its neighbours at once, in a thread; when nothing has been typed for a moment,
the whole project is scanned in a process of its own, and what that says is shown.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

import msgspec
from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from llmlint import __version__
from llmlint.catalogue import load_catalogue
from llmlint.editor.actions import EXPLAIN, FIX_ALL, KINDS, for_all, for_one, wants
from llmlint.editor.client import Wanted, progress, takes_snippets, wanted_of, watch_files
from llmlint.editor.open_project import OpenProject, root_of
from llmlint.editor.pages import Pages
from llmlint.editor.translate import diagnostic_of, difference, hover_of
from llmlint.files import language_of
from llmlint.findings import Finding

P = ParamSpec("P")
T = TypeVar("T")

_IDLE_SECONDS = 1.0
"""The whole project is scanned when nothing has been typed for so long."""


class Server(LanguageServer):
    """What is known of the open files. Projects are only ever touched by the one thread of `_worker`."""

    def __init__(self) -> None:
        super().__init__("llmlint", __version__)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="llmlint")
        self._projects: dict[str, OpenProject] = {}
        self._home: dict[str, str] = {}
        self._uris: dict[str, str] = {}
        self._changed: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._whole: dict[str, asyncio.Task[None]] = {}
        self._stale: dict[str, asyncio.Task[None]] = {}
        self.wanted = Wanted()
        self.pages = Pages()
        self.findings: dict[str, list[Finding]] = {}

    # ------------------------------------------------------------ the near answer

    def change(self, uri: str) -> None:
        """The text of a document is another now."""
        file = file_of(uri)
        if not language_of(file):
            return
        self._uris[file] = uri
        self._changed.add(file)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._answer())

    async def _answer(self) -> None:
        """Judges what has changed until nothing more has."""
        while self._changed:
            file = self._changed.pop()
            document = self.workspace.get_text_document(self._uris[file])
            try:
                found = await self._first_or_next(file, document.source.encode())
            except Exception as error:  # llmlint's own mistake, and no reason to fall silent for good
                self._say(f"{file}: {type(error).__name__}: {error}")
                continue
            if file not in self._changed:
                self._show(file, found)
            await self._in_thread(gc.collect, 0)  # what judging has left; it is not collected while that runs
            project = self._projects[self._home[file]]
            if not project.is_small:
                self._scan_whole_later(project)

    async def _first_or_next(self, file: str, data: bytes) -> list[Finding]:
        """A project is read whole when the first of its files is opened, and that takes a while."""
        if file in self._home:
            return await self._in_thread(self._judge, file, data)
        async with progress(self, "llmlint: reading the project"):
            return await self._in_thread(self._judge, file, data)

    def _judge(self, file: str, data: bytes) -> list[Finding]:
        project = self._project_of(file)
        project.type(file, data)
        return project.findings(file)

    def _project_of(self, file: str) -> OpenProject:
        if file not in self._home:
            root = root_of(file)
            if root not in self._projects:
                self._projects[root] = OpenProject(self.wanted.of(root))
            self._home[file] = root
        return self._projects[self._home[file]]

    def _say(self, message: str) -> None:
        self.window_log_message(types.LogMessageParams(types.MessageType.Warning, message))

    def _show(self, file: str, findings: list[Finding]) -> None:
        uri = self._uris.get(file, "")
        if uri not in self.workspace.text_documents:
            return
        self.findings[file] = findings
        document = self.workspace.get_text_document(uri)
        diagnostics = [diagnostic_of(f, document.lines, document.position_codec) for f in findings]
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, diagnostics, document.version))

    async def _in_thread(self, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, partial(function, *arguments, **named))

    # ------------------------------------------------------------ the whole answer

    def _scan_whole_later(self, project: OpenProject) -> None:
        """Begins anew what is under way: it would be about a text that is no more."""
        running = self._whole.get(project.folder)
        if running is not None:
            running.cancel()
        wait = _IDLE_SECONDS if running is not None else 0
        self._whole[project.folder] = asyncio.create_task(self._scan_whole(project, wait))

    async def _scan_whole(self, project: OpenProject, wait: float) -> None:
        await asyncio.sleep(wait)
        request = project.whole_request()
        async with progress(self, "llmlint: scanning the whole project"):
            findings = await _in_a_process(msgspec.msgpack.encode(request))
        if findings is None:
            self._say("the whole project could not be scanned; `llmlint scan` says why")
            return
        await self._in_thread(project.learn, request.given, findings)
        for file in request.given:
            if file in self._uris and file not in self._changed:
                self._show(file, await self._in_thread(project.findings, file))

    # ------------------------------------------------------------ saving and closing

    async def save(self, uri: str) -> None:
        """Other files may have changed too: settings, and what a branch switch brought."""
        home = self._home.get(file_of(uri))
        if home is not None:
            await self._refresh(home)

    async def _refresh(self, home: str) -> None:
        await self._in_thread(self._projects[home].refresh)
        for file, uri in self._uris.items():
            if self._home.get(file) == home:
                self.change(uri)

    def changed_on_disk(self, files: Iterable[str]) -> None:
        """Files that are open are told of by the client; of others many may change at once."""
        for file in files:
            if file in self._uris:
                continue
            for home in self._projects:
                if file.startswith(f"{home}{os.sep}"):
                    self._refresh_later(home)

    def _refresh_later(self, home: str) -> None:
        waiting = self._stale.get(home)
        if waiting is None or waiting.done():
            self._stale[home] = asyncio.create_task(self._refresh_soon(home))

    async def _refresh_soon(self, home: str) -> None:
        await asyncio.sleep(_IDLE_SECONDS)
        await self._refresh(home)

    async def forget(self, uri: str) -> None:
        file = file_of(uri)
        self.findings.pop(file, None)
        self._changed.discard(file)
        self._uris.pop(file, None)
        project = self._projects.get(self._home.get(file, ""))
        if project is not None:
            await self._in_thread(project.close, file)
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    def stop(self) -> None:
        for task in (*self._whole.values(), *self._stale.values()):
            task.cancel()
        self._worker.shutdown(wait=False, cancel_futures=True)
        self.pages.remove()

    # ------------------------------------------------------------ questions

    def findings_at(self, uri: str, first: int, last: int) -> list[Finding]:
        """Those whose line is among these, counted from 0."""
        return [f for f in self.findings.get(file_of(uri), ()) if first <= f.line - 1 <= last]

    async def fix(self, uri: str, fingerprint: str) -> types.WorkspaceEdit | None:
        """Of one finding, or of all that are safe to mend."""
        file = file_of(uri)
        if file not in self.findings:
            return None
        before = self.workspace.get_text_document(uri).source
        async with progress(self, "llmlint: trying the fix"):
            after = await self._in_thread(self._projects[self._home[file]].mended, file, fingerprint)
        return types.WorkspaceEdit({uri: [difference(before, after.decode())]}) if after is not None else None


def file_of(uri: str) -> str:
    return os.path.realpath(uris.to_fs_path(uri) or "")


async def _in_a_process(request: bytes) -> list[Finding] | None:
    """What `whole.py` finds; None when it fails."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # an editor's working directory is the project: nothing is imported from there
        "-m",
        "llmlint.editor.whole",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        out, _ = await process.communicate(request)
    finally:
        if process.returncode is None:
            process.kill()
    return msgspec.msgpack.decode(out, type=list[Finding]) if process.returncode == 0 else None


server = Server()


@server.feature(types.INITIALIZE)
def initialize(params: types.InitializeParams) -> None:
    try:
        server.wanted = wanted_of(params.initialization_options)
    except msgspec.ValidationError as wrong:
        message = f"llmlint: initialization options: {wrong}; left out"
        server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))


@server.feature(types.INITIALIZED)
async def initialized(_: types.InitializedParams) -> None:
    await watch_files(server)


@server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
async def did_change_watched_files(params: types.DidChangeWatchedFilesParams) -> None:
    server.changed_on_disk(file_of(change.uri) for change in params.changes)


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
async def did_open(params: types.DidOpenTextDocumentParams) -> None:
    server.change(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
async def did_change(params: types.DidChangeTextDocumentParams) -> None:
    server.change(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
async def did_save(params: types.DidSaveTextDocumentParams) -> None:
    await server.save(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
async def did_close(params: types.DidCloseTextDocumentParams) -> None:
    await server.forget(params.text_document.uri)


@server.feature(types.SHUTDOWN)
async def shutdown(_: None) -> None:
    server.stop()


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(params: types.HoverParams) -> types.Hover | None:
    line = params.position.line
    return hover_of(server.findings_at(params.text_document.uri, line, line))


@server.feature(
    types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=KINDS, resolve_provider=True)
)
def code_actions(params: types.CodeActionParams) -> list[types.CodeAction | types.Command]:
    uri = params.text_document.uri
    document = server.workspace.get_text_document(uri)
    actions: list[types.CodeAction | types.Command] = []
    if wants(params.context, types.CodeActionKind.QuickFix):
        for finding in server.findings_at(uri, params.range.start.line, params.range.end.line):
            actions += for_one(document, finding, takes_snippets(server))
    if wants(params.context, FIX_ALL):
        actions += for_all(uri, server.findings.get(file_of(uri), ()))
    return actions


@server.feature(types.CODE_ACTION_RESOLVE)
async def resolve(action: types.CodeAction) -> types.CodeAction:
    """The edit of a fix is made, and proven, when it is chosen."""
    if isinstance(action.data, dict):
        action.edit = await server.fix(action.data["uri"], action.data["fingerprint"])
        if action.edit is None and action.kind != FIX_ALL:  # that comes with each saving, and stays silent
            message = "no mechanical fix fits this place"
            server.window_show_message(types.ShowMessageParams(types.MessageType.Info, f"llmlint: {message}"))
    return action


@server.command(EXPLAIN)
async def explain(rule: str) -> None:
    """Opens the rule's page."""
    page = server.pages.write(load_catalogue().rule(rule))
    await server.window_show_document_async(types.ShowDocumentParams(page.as_uri(), take_focus=True))
