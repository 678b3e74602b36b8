"""A project as an editor has it open: what is kept in memory, and what can be said of a file while it is typed in.

Two answers. The near one takes the file as it is now and the files it is best understood with; it is there in a
fraction of a second. The whole one links the entire project, in a process of its own (`whole.py`), and says what
`llmlint scan` says. Until that is there anew, the near answer is put right by what the last whole one said: what it
found besides stays, what it did not find is not told.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import takewhile
from pathlib import Path

import msgspec

from llmlint.cache import Cache
from llmlint.code.facts.facts import ImportFact
from llmlint.editor.neighbours import Neighbours
from llmlint.files import SourcePath, language_of
from llmlint.findings import Finding
from llmlint.fixing import mend_content
from llmlint.opening import read_file
from llmlint.project import Project, Request, mark_known, told
from llmlint.reading import FileRecord, decode_record, encode_record, read_bytes
from llmlint.records import gather, known_keys
from llmlint.scan import Options, collection_off, judge_records, open_cache

NEAR_LINES = 15_000
"""As many lines are judged again at each change; the whole of a project that has no more."""


_AT_ONCE = 400
"""Records are decoded and kept so many at a time: all at once would take ten times the memory that is kept."""


class Kept(msgspec.Struct, frozen=True):
    """A file's record, encoded, and what has to be known of it to find it."""

    key: str
    blob: bytes
    imports: tuple[ImportFact, ...]
    lines: int


class Whole(msgspec.Struct, frozen=True):
    """What a whole scan said of a file as it was then, against what the near answer was."""

    data: bytes
    besides: tuple[Finding, ...]
    mistaken: frozenset[tuple[str, ...]]


class OpenProject:
    """Files are named by their absolute paths here, as in the findings."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._kept: dict[str, Kept] = {}
        self._files: dict[str, str] = {}
        self._typed: dict[str, bytes] = {}
        self._typed_records: dict[str, tuple[bytes, FileRecord]] = {}
        self._whole: dict[str, Whole] = {}
        self._near: dict[str, list[Finding]] = {}
        self._options: Options
        self._decoded = lru_cache(maxsize=256)(decode_record)
        self.refresh()

    # ------------------------------------------------------------ what is on disk, and what is typed

    def refresh(self) -> None:
        """Reads what has changed on disk: files and settings."""
        self._project = Project(self._request)
        self._typed_records.clear()
        self._near.clear()
        sources = list(map(self._project.internal, self._project.discover(self._request.paths).sources))
        self._files = {source.path: source.file for source in sources}
        self._read = set(map(os.path.realpath, self._files.values()))
        options = self._project.options(self._project.rules_for(sources), self._project.least_shown(sources))
        if self._kept and options.least != self._options.least:  # other rules are asked of each file
            self._kept.clear()
        self._options = options
        cache = open_cache(self._options)
        try:
            known = known_keys(sources, {}, cache)
            stale = [s for s in sources if s.path not in self._kept or self._kept[s.path].key != known.get(s.path)]
            for at in range(0, len(stale), _AT_ONCE):
                self._keep(stale[at : at + _AT_ONCE], known, cache)
        finally:
            cache.close()
        self._kept = {path: kept for path, kept in self._kept.items() if path in self._files}
        self._lines = {path: kept.lines for path, kept in self._kept.items()}
        self._neighbours = Neighbours({path: kept.imports for path, kept in self._kept.items()})

    def _keep(self, stale: Sequence[SourcePath], known: Mapping[str, str], cache: Cache) -> None:
        with collection_off():
            gathered = gather(
                stale, {}, known, cache, self._options.vocabulary, self._options.jobs, least=self._options.least
            )
            for path, record in gathered.records.items():
                blob = encode_record(record)
                self._kept[path] = Kept(gathered.keys[path], blob, record.facts.imports, record.facts.lines)

    @property
    def folder(self) -> str:
        return self._request.paths[0]

    @property
    def is_small(self) -> bool:
        """Then the near answer is the whole one."""
        return sum(self._lines.values()) <= NEAR_LINES

    def type(self, file: str, data: bytes) -> None:
        if self._typed.get(file) != data:
            self._near.clear()
        self._typed[file] = data

    def close(self, file: str) -> None:
        self._near.clear()
        self._typed.pop(file, None)
        self._whole.pop(file, None)

    # ------------------------------------------------------------ the near answer

    def findings(self, file: str) -> list[Finding]:
        """What is to be shown of an open file; nothing of one that the settings leave out."""
        if file not in self._read and os.path.exists(file):
            return []
        near = [finding for finding in self.near(file) if finding.suppressed is None]
        whole = self._whole.get(file)
        if whole is None:
            return near
        told_already = {_likeness(finding) for finding in near}
        besides = _moved(whole.besides, whole.data, self._typed[file])
        right = [finding for finding in near if _likeness(finding) not in whole.mistaken]
        return sorted([*right, *(f for f in besides if _likeness(f) not in told_already)], key=lambda f: f.order)

    def near(self, file: str) -> list[Finding]:
        """All findings of a file that it and its neighbours show, suppressed ones marked."""
        if file not in self._near:
            self._near[file] = self._near_with(file, {})
        return self._near[file]

    def _near_with(self, file: str, content: Mapping[str, bytes]) -> list[Finding]:
        """The same, had the files this content."""
        with collection_off():
            return self._judged(file, content)

    def _judged(self, file: str, content: Mapping[str, bytes]) -> list[Finding]:
        typed = {**self._typed, **content}
        source = self._project.internal(SourcePath(file, file, language_of(file)))
        data = typed[file] if file in typed else read_file(file)
        record = self._read_now(data, source.language)
        self._neighbours.change(source.path, record.facts.imports)
        lines = self._lines | {source.path: record.facts.lines}
        paths = self._neighbours.of(source.path, lines, max(NEAR_LINES, record.facts.lines))
        records = {path: self._record(path, typed) for path in paths if path != source.path}
        records[source.path] = record
        files = {path: self._files.get(path, file) for path in records}
        result = judge_records(records, self._options, lambda path: _text(files[path], typed))
        result.findings = list(told(self._project, result.findings, {source.path}, files, files))
        mark_known(result, self._project.settings)
        return result.findings

    def _record(self, path: str, typed: Mapping[str, bytes]) -> FileRecord:
        """Of a neighbour: as it is typed, else as it is on disk."""
        data = typed.get(self._files[path])
        if data is None:
            return self._decoded(self._kept[path].blob)
        read = self._typed_records.get(path)
        if read is None or read[0] != data:
            record = self._read_now(data, language_of(path))
            read = self._typed_records[path] = (data, record)
        return read[1]

    def _read_now(self, data: bytes, language: str) -> FileRecord:
        return read_bytes(data, language, self._options.vocabulary, self._project.catalogue, self._options.least)

    # ------------------------------------------------------------ the whole answer

    def whole_request(self) -> Request:
        """What to scan for the whole answer: the open files as they are typed now, amid their whole project."""
        return msgspec.structs.replace(self._request, paths=tuple(self._typed), given=dict(self._typed))

    def learn(self, given: Mapping[str, bytes], findings: Iterable[Finding]) -> None:
        """A whole scan of the project with these texts has said this."""
        shown: dict[str, list[Finding]] = {}
        for finding in findings:
            shown.setdefault(finding.path, []).append(finding)
        for file, data in given.items():
            near = [f for f in self._near_with(file, {file: data}) if f.suppressed is None]
            whole = {_likeness(finding) for finding in shown.get(file, ())}
            besides = tuple(f for f in shown.get(file, ()) if _likeness(f) not in set(map(_likeness, near)))
            self._whole[file] = Whole(data, besides, frozenset(set(map(_likeness, near)) - whole))

    # ------------------------------------------------------------ fixes

    def mended(self, file: str, fingerprint: str = "") -> bytes | None:
        """The file with this finding mended, or all that are safe to mend, where that is mechanical and helps."""
        now = {file: self._typed[file]}
        judged = partial(self._near_with, file)
        result = mend_content(self.near(file), judged, now, unsafe=bool(fingerprint), only=fingerprint)
        return result.files[file][1] if result.files else None


def _text(file: str, typed: Mapping[str, bytes]) -> str:
    try:
        return (typed[file] if file in typed else read_file(file)).decode("utf-8", "replace")
    except OSError:
        return ""


def _likeness(finding: Finding) -> tuple[str, ...]:
    """What stays of a finding when lines above it come and go."""
    return (finding.rule, finding.symbol, finding.message)


def _moved(findings: Iterable[Finding], before: bytes, after: bytes) -> list[Finding]:
    """The findings where their lines have gone to; those whose lines have changed are left out."""
    old, new = before.splitlines(), after.splitlines()
    same_above = sum(1 for _ in takewhile(_is_same, zip(old, new, strict=False)))
    same_below = sum(1 for _ in takewhile(_is_same, zip(reversed(old), reversed(new), strict=False)))
    shift = len(new) - len(old)
    moved = []
    for finding in findings:
        if finding.line <= same_above:
            moved.append(finding)
        elif finding.line > len(old) - same_below:
            lines = {"line": finding.line + shift, "end_line": finding.end_line + shift}
            moved.append(msgspec.structs.replace(finding, **lines))
    return moved


def _is_same(pair: tuple[bytes, bytes]) -> bool:
    return pair[0] == pair[1]


def root_of(file: str) -> str:
    """The folder of the project a file belongs to; the file itself where there is none."""
    there = next(path for path in (Path(file), *Path(file).parents) if os.path.exists(path))  # it may not be saved yet
    settings = Project(Request((str(there),))).settings
    return str(settings.root) if settings.is_project else file
