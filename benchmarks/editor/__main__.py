"""`python -m benchmarks.editor FOLDER FILE…`: types into files of a project through a real `llmlint lsp`, and measures.

Each change inserts a line in the middle of the file; measured is the time from sending it to the diagnostics for that
version of the text. The cache is warm: the project is scanned first.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from lsprotocol import types
from pygls.lsp.client import LanguageClient

_PAUSE = 0.4
"""Seconds from an answer to the next change: no change waits for the one before it."""


class Typist(LanguageClient):
    """Knows when the diagnostics for a version have come."""

    def __init__(self) -> None:
        super().__init__("typist", "1")
        self.versions: dict[str, int] = {}
        self._news = asyncio.Event()

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def keep(params: types.PublishDiagnosticsParams) -> None:
            self.versions[params.uri] = params.version or 0
            self._news.set()

    async def answered(self, uri: str, version: int) -> None:
        while self.versions.get(uri, 0) < version:
            self._news.clear()
            await self._news.wait()


class Measured(NamedTuple):
    """`opened`: seconds until the first answer; `waits`: of each later one; `worked`: the server's own time for it."""

    file: str
    lines: int
    opened: float
    waits: list[float]
    worked: list[float]


def processor_seconds(process: int) -> float:
    """What a process has used, as Linux counts it; what other work does to the clock is not in it."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(folder: Path, files: list[str], changes: int) -> list[Measured]:
    typist = Typist()
    await typist.start_io(sys.executable, "-m", "llmlint", "lsp")
    await typist.initialize_async(types.InitializeParams(types.ClientCapabilities(), root_uri=folder.as_uri()))
    typist.initialized(types.InitializedParams())
    server = typist._server.pid
    measured = []
    for name in files:
        text = (folder / name).read_text()
        uri = (folder / name).as_uri()
        began = time.perf_counter()
        typist.text_document_did_open(types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, text)))
        await typist.answered(uri, 1)
        first = time.perf_counter() - began
        middle = types.Position(text.count("\n") // 2, 0)
        waits, worked = [], []
        for version in range(2, changes + 2):
            await asyncio.sleep(_PAUSE)
            change = types.TextDocumentContentChangePartial(types.Range(middle, middle), "\n")
            began, used = time.perf_counter(), processor_seconds(server)
            typist.text_document_did_change(
                types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(version, uri), [change])
            )
            await typist.answered(uri, version)
            waits.append(time.perf_counter() - began)
            worked.append(processor_seconds(server) - used)
        measured.append(Measured(name, text.count("\n"), first, waits, worked))
    await typist.shutdown_async(None)
    typist.exit(None)
    await typist.stop()
    return measured


def report(folder: Path, measured: list[Measured]) -> str:
    load = os.getloadavg()[0]
    lines = [
        "# Waiting for diagnostics",
        "",
        f"`python -m benchmarks.editor`, {platform.python_implementation()} {platform.python_version()}, "
        f"{os.cpu_count()} processors, load {load:.1f} (other work was running); "
        f"project {folder.name}. Milliseconds from a change to the diagnostics for it, with a warm cache.",
        "",
        "| file | lines | opened | median | median, processor | 9 of 10 within | longest |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in measured:
        tenth = statistics.quantiles(one.waits, n=10)[-1]
        numbers = (one.opened, statistics.median(one.waits), statistics.median(one.worked), tenth, max(one.waits))
        lines.append(f"| {one.file} | {one.lines} | {' | '.join(f'{1000 * number:.0f}' for number in numbers)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--changes", type=int, default=30)
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    subprocess.run([sys.executable, "-m", "llmlint", "scan", str(folder), "-q", "--exit-zero"], check=True)
    text = report(folder, asyncio.run(measure(folder, asked.files, asked.changes)))
    print(text)
    if asked.output is not None:
        asked.output.write_text(text)


if __name__ == "__main__":
    main()
