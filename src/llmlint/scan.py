"""The whole pipeline on one screen: read, link, check, judge. `project.py` says which files and with what settings."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from llmlint import __version__
from llmlint.cache import Cache
from llmlint.catalogue import Catalogue, Rule, load_catalogue, own_folders
from llmlint.code.facts.facts import FileFacts
from llmlint.earned import LANGUAGES, kind_of, may_be
from llmlint.files import Problem, SourcePath, language_of
from llmlint.findings import Finding
from llmlint.judging import Judge
from llmlint.kept_files import KeptFiles
from llmlint.local_cache import LocalCache
from llmlint.opening import read_file
from llmlint.progress import Progress, Stage
from llmlint.reading import FileRecord, content_key, tool_digest
from llmlint.records import gather, keys_by_content, known_keys
from llmlint.timelines import Timeline
from llmlint.vocabulary import Vocabulary
from llmlint.vocabulary_file import load_vocabulary

if TYPE_CHECKING:
    from hashlib import _Hash

    from llmlint.checking import Answer
    from llmlint.code.link.program import Program

_Kind = TypeVar("_Kind")


class Counts(msgspec.Struct):
    """What became of the files."""

    scanned: int = 0
    asked: int = 0
    """So many of them the scan was asked about; the others are the rest of their project."""
    skipped: int = 0
    failed: int = 0
    lines: int = 0
    regions_not_parsed: int = 0
    lines_not_parsed: int = 0
    from_cache: int = 0


class Comparison(msgspec.Struct):
    """What a scan shows beside an earlier state of the tree: `fixed` findings are there no more."""

    base: str
    introduced: int = 0
    pre_existing: int = 0
    fixed: list[Finding] = []


class ScanResult(msgspec.Struct):
    """`faults` are llmlint's own mistakes, `problems` what is to be said of files, `errors` wrong use of it.

    `frames` are lines of code to show below an error, by its text.
    """

    findings: list[Finding]
    counts: Counts
    problems: list[Problem] = []
    faults: list[str] = []
    warnings: list[str] = []
    errors: list[str] = []
    frames: dict[str, tuple[str, ...]] = {}
    timings: dict[str, float] = {}
    rules: tuple[Rule, ...] = ()
    about: frozenset[str] = frozenset()
    """The files of which everything is told that the settings ask for; none where a flag asked for less."""
    less_sure: int | None = None
    """So many findings more would be told, were they surer; None where not all of them were looked for."""
    comparison: Comparison | None = None
    memory: Sequence[Timeline] = ()
    """What traced runs measured, for the page."""
    unused_suppressions: dict[str, list[tuple[int, int, tuple[str, ...]]]] = {}

    @property
    def codes(self) -> set[str]:
        return {rule.code for rule in self.rules}

    @property
    def shown(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.suppressed is None]


class Options(msgspec.Struct, frozen=True, dict=True):
    """What one scan was asked for, after configuration and command line are joined."""

    rules: tuple[Rule, ...]
    vocabulary: Vocabulary
    jobs: int = 1
    cache_directory: Path | None = None
    shared_cache: str = ""
    """What several machines know together: a folder or an object store, by its URL."""
    least: str = "low"
    """How sure a finding has to be to be told."""

    @cached_property
    def rules_asked(self) -> tuple[Rule, ...]:
        """Those of the rules that readings let be so sure: of the others nothing would be told."""
        return tuple(rule for rule in self.rules if may_be(rule, self.least))

    def codes_asked_of(self, language: str) -> frozenset[str]:
        """Of these the ones that may be so sure in a language: in another they say nothing that is told."""
        return frozenset(rule.code for rule in self.rules_asked if may_be(rule, self.least, language))


def scan_files(
    sources: Sequence[SourcePath],
    options: Options,
    given: Mapping[str, bytes] | None = None,
    progress: Progress | None = None,
    keys: Mapping[str, str] | None = None,
    asked: frozenset[str] | None = None,
    kept: KeptFiles | None = None,
) -> ScanResult:
    """Scans files; the result is the same for any number of jobs, any order, and for a cold or a warm cache.

    `given` holds content that takes the place of what is on disk, by path; `keys` the content keys of paths for whose
    content nobody need be asked, where the caller knows them. Findings are told of the `asked` paths, None for all.
    `kept` is handed on from scan to scan where several follow one another.
    """
    started = time.perf_counter()
    given = given or {}
    sources = sorted(sources, key=lambda source: source.path)
    cache = open_cache(options)
    try:
        with collection_off():
            known = known_keys(sources, given, cache) if keys is None else keys
            return _scan(sources, options, given, known, cache, progress, started, asked, kept)
    finally:
        cache.close()


def open_cache(options: Options) -> Cache:
    cache = LocalCache(options.cache_directory, generation(options.vocabulary))
    if not options.shared_cache:
        return cache
    from llmlint.shared_cache import SharedCache

    return SharedCache(cache, options.shared_cache)


def _scan(
    sources: Sequence[SourcePath],
    options: Options,
    given: Mapping[str, bytes],
    keys: Mapping[str, str],
    cache: Cache,
    progress: Progress | None,
    started: float,
    asked: frozenset[str] | None,
    kept: KeptFiles | None,
) -> ScanResult:
    result = _known_result(sources, keys, options, cache, asked)
    if result is None and len(keys) < len(sources):
        keys = keys_by_content(sources, given, keys, cache)
        result = _known_result(sources, keys, options, cache, asked)
    if result is None:
        gathered = gather(sources, given, keys, cache, options.vocabulary, options.jobs, progress, kept, options.least)
        read = time.perf_counter()
        texts = _Texts(sources, given, gathered.keys, kept)
        result = judge_records(gathered.records, options, texts.of, progress, asked, kept)
        problems = [*gathered.problems, *result.problems, *texts.changed]
        result.problems = sorted(problems, key=lambda problem: problem.path)
        result.counts.failed += len(gathered.problems)
        if not result.faults and not gathered.problems and not texts.changed:
            _store(cache, _program_key(sources, gathered.keys, options), asked, result)
        result.counts.from_cache = gathered.from_cache
        result.timings = {"read": read - started, "check": time.perf_counter() - read}
    result.timings["total"] = time.perf_counter() - started
    result.warnings += [cache.warning] if cache.warning else []
    return result


def _known_result(
    sources: Sequence[SourcePath],
    keys: Mapping[str, str],
    options: Options,
    cache: Cache,
    asked: frozenset[str] | None,
) -> ScanResult | None:
    """What was found when everything was the same: of all files, or of those that are asked about, and maybe more."""
    program = _program_key(sources, keys, options)
    if program is None:
        return None
    whole = _stored(cache, _result_key(program))
    if whole is not None or asked is None:
        return whole
    return _stored(cache, _result_key(program, asked)) or _told_with_more(cache, program, asked)


def _told_with_more(cache: Cache, program: _Hash, asked: frozenset[str]) -> ScanResult | None:
    """What an editor asked of all its open files answers the commit of one of them."""
    for path in sorted(asked):
        more = _decoded(cache, _about_key(program, path), tuple[str, frozenset[str]])
        result = _stored(cache, more[0]) if more is not None and asked <= more[1] else None
        if result is not None:
            result.findings = [finding for finding in result.findings if finding.path in asked]
            unused = result.unused_suppressions
            result.unused_suppressions = {path: unused[path] for path in unused if path in asked}
            return result
    return None


def _store(cache: Cache, program: _Hash | None, asked: frozenset[str] | None, result: ScanResult) -> None:
    if program is None:
        return
    key = _result_key(program, asked)
    cache.store_result(key, msgspec.msgpack.encode(result))
    if asked is not None and len(asked) > 1:
        where = msgspec.msgpack.encode((key, asked))
        for path in sorted(asked):
            cache.store_result(_about_key(program, path), where)


def judge_records(
    records: Mapping[str, FileRecord],
    options: Options,
    text_of: Callable[[str], str],
    progress: Progress | None = None,
    asked: frozenset[str] | None = None,
    kept: KeptFiles | None = None,
) -> ScanResult:
    """Links the facts, lets the checkers speak, and makes findings of their reports."""
    catalogue = load_catalogue()
    rules = options.rules_asked
    codes = {language: options.codes_asked_of(language) for language in LANGUAGES}
    result = ScanResult([], Counts(), rules=rules)
    readable = _readable(records, result, codes)
    told = dict.fromkeys(path for path in readable if asked is None or path in asked)
    program = _linked(readable, options, progress, asked)
    judge = Judge(records, catalogue, rules, text_of, program, kept)
    for rule, answer in _answered(program, options, progress):
        judge.add(rule, ((path, report) for path in told for report in records[path].reports.get(rule.code, ())))
        judge.add(rule, [(report.at.path, report) for report in answer.reports if report.at.path in told])
        result.faults += [answer.fault] if answer.fault else []
    result.findings = [finding for finding in judge.findings() if finding.path in told]
    for path, suppressions in sorted(judge.suppressions.items()):
        unused = suppressions.unused(codes[kind_of(path)]) if path in told else ()
        if unused:
            result.unused_suppressions[path] = [(d.line, d.column, rules) for d, rules in unused]
    return result


def _linked(
    readable: dict[str, FileFacts], options: Options, progress: Progress | None, asked: frozenset[str] | None
) -> Program | None:
    """The program, where there is something to read; else linking is not even imported."""
    if not readable:
        return None
    from llmlint.code.link.program import Program

    if progress is not None:
        progress(Stage("linking"))
    return Program(readable, options.vocabulary, asked)


def _answered(program: Program | None, options: Options, progress: Progress | None) -> Iterator[tuple[Rule, Answer]]:
    """What each rule's checker says of the linked program; where there is none, no checker is imported."""
    if program is None:
        return
    from llmlint.checking import answers

    rules = options.rules_asked
    yield from zip(rules, answers(program, rules, options.jobs, progress, options.least), strict=True)


def _readable(
    records: Mapping[str, FileRecord], result: ScanResult, codes: Mapping[str, Collection[str]]
) -> dict[str, FileFacts]:
    """The facts to link; what is to be said of the other files goes into the result."""
    readable: dict[str, FileFacts] = {}
    counts = result.counts
    for path in sorted(records):
        record = records[path]
        counts.lines += record.facts.lines
        faults = (fault for fault in record.faults if not fault.rule or fault.rule in codes[kind_of(path)])
        result.faults += [f"{fault.rule or 'reading'} failed on {path}: {fault.message}" for fault in faults]
        if record.unreadable:
            result.problems.append(Problem(path, "unreadable", record.unreadable))
        if not record.is_linked:
            counts.failed += 1
            continue
        readable[path] = record.facts
        if record.facts.broken:
            result.problems.append(Problem(path, "partly-read", _read_around(record.facts)))
        counts.scanned += 1
        counts.regions_not_parsed += len(record.facts.broken)
        counts.lines_not_parsed += record.facts.lines_not_parsed
    return readable


def _read_around(facts: FileFacts) -> str:
    lines = ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in facts.broken[:3])
    more = f" and {len(facts.broken) - 3} more regions" if len(facts.broken) > 3 else ""
    return f"did not parse at line {lines}{more}; the rest was scanned"


def check_sources(sources: Mapping[str, bytes], rules: Sequence[str] | None = None) -> list[Finding]:
    """All findings, also unsure ones, in files given by name and content: what the tests of the rule pages use."""
    catalogue: Catalogue = load_catalogue()
    chosen = catalogue.rules if rules is None else tuple(catalogue.rule(rule) for rule in rules)
    options = Options(chosen, load_vocabulary(None))
    files = [SourcePath(path, path, language_of(path) or "python") for path in sources]
    result = scan_files(files, options, sources)
    if result.faults:
        raise RuntimeError("; ".join(result.faults))
    return result.findings


# ---------------------------------------------------------------- what a result depends on


def generation(vocabulary: Vocabulary) -> str:
    """The tool, its rules and its words: what was found by another generation is found anew."""
    own = [file for folder in own_folders() for kind in ("*.py", "*.md") for file in folder.rglob(kind)]
    return f"{__version__}-{vocabulary.digest}-{_digest_of_llmlint()}" + (f"-{tool_digest(own)}" if own else "")


@lru_cache(maxsize=1)
def _digest_of_llmlint() -> str:
    """Taken once: the code that runs is the one that was there when it began."""
    package = Path(__file__).parent
    code = [*package.glob("*.py"), *package.glob("code/**/*.py"), *package.glob("checkers/**/*.py")]
    return tool_digest([*code, *package.glob("rules/*/*.md"), *package.glob("rules/*.toml")])


def _program_key(sources: Sequence[SourcePath], keys: Mapping[str, str], options: Options) -> _Hash | None:
    """What all that is told of a program depends on; None while any file's content is not known."""
    digest = hashlib.sha256(",".join((options.least, *(rule.code for rule in options.rules_asked))).encode())
    for source in sources:
        key = keys.get(source.path)
        if key is None:
            return None
        digest.update(f"\0{source.path}\0{key}".encode("utf-8", "surrogatepass"))
    return digest


def _result_key(program: _Hash, asked: frozenset[str] | None = None) -> str:
    return _digested(program, "\1", sorted(asked or ()))


def _about_key(program: _Hash, path: str) -> str:
    """Under it stands in which result, of what files, this one is told of."""
    return _digested(program, "\2", [path])


def _digested(program: _Hash, kind: str, paths: Sequence[str]) -> str:
    digest = program.copy()
    for path in paths:
        digest.update(f"{kind}{path}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _stored(cache: Cache, key: str) -> ScanResult | None:
    result = _decoded(cache, key, ScanResult)
    if result is not None:
        result.counts.from_cache = result.counts.scanned
    return result


def _decoded(cache: Cache, key: str, kind: type[_Kind]) -> _Kind | None:
    blob = cache.result(key)
    if blob is None:
        return None
    try:
        return msgspec.msgpack.decode(blob, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Texts:
    """The text of files, asked for after their facts were read: `changed` names those that are others by now."""

    def __init__(
        self,
        sources: Sequence[SourcePath],
        given: Mapping[str, bytes],
        keys: Mapping[str, str],
        kept: KeptFiles | None,
    ) -> None:
        self.changed: list[Problem] = []
        self._sources = {source.path: source for source in sources}
        self._given = given
        self._keys = keys
        self._kept = kept

    def of(self, path: str) -> str:
        if self._kept is None:
            return self._read(path)
        return self._kept.text(self._keys[path], lambda: self._read(path))

    def _read(self, path: str) -> str:
        if path in self._given:
            return self._given[path].decode("utf-8", "replace")
        source = self._sources[path]
        try:
            data = read_file(source.file)
        except OSError:
            data = b""
        if content_key(data, source.language) != self._keys[path]:
            self.changed.append(Problem(path, "changed", "has changed while it was scanned: its lines may be others"))
        return data.decode("utf-8", "replace")


@contextmanager
def collection_off() -> Iterator[None]:
    """Decoding and linking make millions of objects that live to the end: collecting garbage would only cost."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.unfreeze()  # all of it is old now: what is made next would have it all looked through else
            gc.enable()
