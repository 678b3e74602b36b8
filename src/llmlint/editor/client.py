"""What the client can do, what it wants, and what it is told while something takes a while."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from llmlint.project import Request

_WATCHED = ("**/{pyproject,llmlint}.toml", "**/llmlint-baseline.json", "**/*.{py,pyi,c,cc,cpp,cxx,h,hh,hpp,cu,cuh}")


class Wanted(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """The client's initialization options: what an editor sets for all its projects. Each is as the flag of `scan`."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    min_confidence: str | None = None
    min_severity: str | None = None
    config: str | None = None

    def of(self, folder: str) -> Request:
        return Request(
            (folder,),
            select=self.select,
            ignore=self.ignore,
            min_confidence=self.min_confidence,
            min_severity=self.min_severity,
            config=self.config,
        )


def wanted_of(options: Any) -> Wanted:
    """Raises msgspec.ValidationError where the options are none of ours."""
    return msgspec.convert(options or {}, Wanted)


@asynccontextmanager
async def progress(server: LanguageServer, title: str) -> AsyncIterator[None]:
    """Shows that something is under way, in a client that has a place for it."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        yield
        return
    token = str(uuid.uuid4())
    await server.work_done_progress.create_async(token)
    server.work_done_progress.begin(token, types.WorkDoneProgressBegin(title))
    try:
        yield
    finally:
        server.work_done_progress.end(token, types.WorkDoneProgressEnd())


async def watch_files(server: LanguageServer) -> None:
    """Asks to be told of settings and sources that change outside of the editor."""
    workspace = server.client_capabilities.workspace
    watching = workspace and workspace.did_change_watched_files
    if not watching or not watching.dynamic_registration:
        return
    watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
    options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
    asked = types.Registration("llmlint-files", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)
    await server.client_register_capability_async(types.RegistrationParams([asked]))


def takes_snippets(server: LanguageServer) -> bool:
    """Can an edit leave the cursor at what is to be written?"""
    workspace = server.client_capabilities.workspace
    edits = workspace and workspace.workspace_edit
    return bool(edits and edits.snippet_edit_support and edits.document_changes)
