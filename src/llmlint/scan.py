"""The whole pipeline on one screen: discover, read, check, link, check, report."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import msgspec

from llmlint import __version__
from llmlint.cache import Cache
from llmlint.catalogue import Catalogue, Rule, load_catalogue
from llmlint.code.facts import FileFacts
from llmlint.files import Problem, SourcePath
from llmlint.findings import Finding
from llmlint.judging import Judge
from llmlint.reading import FileRecord, content_key, decode_record, encode_record, read_batch, read_bytes, tool_digest
from llmlint.vocabulary import Vocabulary, load_vocabulary

_SMALL = 24
"""Fewer files than this are read in this process: starting workers would take longer."""

_BATCH_BYTES = 400_000
_RACY_SECONDS = 2.0


class Counts(msgspec.Struct):
    """What became of the files."""

    scanned: int = 0
    skipped: int = 0
    failed: int = 0
    lines: int = 0
    regions_not_parsed: int = 0
    lines_not_parsed: int = 0
    from_cache: int = 0


class ScanResult(msgspec.Struct):
    findings: list[Finding]
    counts: Counts
    problems: list[Problem] = []
    faults: list[str] = []
    timings: dict[str, float] = {}
    rules: tuple[Rule, ...] = ()
    warnings: list[str] = []

    @property
    def shown(self) -> list[Finding]:
        return [f for f in self.findings if f.suppressed is None]


class Options(msgspec.Struct, frozen=True):
    """What one scan was asked for, after configuration and command line are joined."""

    rules: tuple[Rule, ...]
    vocabulary: Vocabulary
    jobs: int = 1
    cache_directory: Path | None = None
    severity: dict[str, str] = {}


def scan_files(sources: Sequence[SourcePath], options: Options, problems: Sequence[Problem] = ()) -> ScanResult:
    """Scans the files given; the result is the same for any number of jobs and for a cold or a warm cache."""
    gc.disable()
    started = time.perf_counter()
    catalogue = load_catalogue()
    cache = Cache(options.cache_directory, _generation(options.vocabulary))
    keys = _known_keys(sources, cache)
    result_key = _result_key(sources, keys, options)
    stored = cache.result(result_key) if result_key else None
    if stored is not None:
        result = msgspec.msgpack.decode(stored, type=ScanResult)
        result.timings = {"total": time.perf_counter() - started}
        result.counts.from_cache = result.counts.scanned
        return result

    records, own_problems, hits = _records(sources, keys, cache, options)
    read = time.perf_counter()
    result = judge_records(records, options, catalogue, {s.path: Path(s.file) for s in sources})
    result.problems = [*problems, *own_problems, *result.problems]
    result.counts.from_cache = hits
    result.counts.failed += len(own_problems)
    result.counts.skipped = len(problems)
    cache_key = result_key or _result_key(sources, _known_keys(sources, cache), options)
    if cache_key and not result.faults and not own_problems:
        cache.store_result(cache_key, msgspec.msgpack.encode(result))
    if cache.warning:
        result.warnings.append(cache.warning)
    cache.close()
    ended = time.perf_counter()
    result.timings = {"read": read - started, "check": ended - read, "total": ended - started}
    return result


def judge_records(
    records: Mapping[str, FileRecord], options: Options, catalogue: Catalogue, files: Mapping[str, Path]
) -> ScanResult:
    """Links the facts, lets the whole-program checkers speak, and makes findings of all reports."""
    from llmlint.code.program import Program

    result = ScanResult([], Counts(), rules=options.rules)
    readable: dict[str, FileFacts] = {}
    for path in sorted(records):
        record = records[path]
        result.counts.lines += record.facts.lines
        if record.unreadable:
            result.problems.append(Problem(path, "unreadable", record.unreadable))
            result.counts.failed += 1
            continue
        readable[path] = record.facts
        result.counts.scanned += 1
        result.counts.regions_not_parsed += len(record.facts.broken)
        result.counts.lines_not_parsed += sum(end - start + 1 for start, end in record.facts.broken)
        result.faults += [f"{fault.rule} failed on {path}: {fault.message}" for fault in record.faults]

    judge = Judge(records, files, options.severity)
    program = Program(readable, options.vocabulary)
    for rule in options.rules:
        reports = [(path, r) for path in readable for r in records[path].reports.get(rule.code, ())]
        checker = catalogue.checker(rule)
        if checker.check_program is not None:
            try:
                reports += [(report.at.path, report) for report in checker.check_program(program)]
            except Exception as error:  # a checker's mistake must not cost the rest of the report
                result.faults.append(f"{rule.code} failed: {type(error).__name__}: {error}")
        judge.add(rule, reports)
    result.findings = judge.findings(catalogue, options.rules)
    return result


def check_sources(sources: Mapping[str, bytes], rules: Sequence[str] | None = None) -> list[Finding]:
    """All findings, also unsure ones, in files given by name and content: what the tests of the rule pages use."""
    from llmlint.files import language_of

    catalogue = load_catalogue()
    vocabulary = load_vocabulary(None)
    chosen = catalogue.rules if rules is None else tuple(catalogue.rule(rule) for rule in rules)
    records = {
        path: read_bytes(data, language_of(path) or "python", vocabulary, catalogue) for path, data in sources.items()
    }
    result = judge_records(records, Options(chosen, vocabulary), catalogue, {})
    if result.faults:
        raise RuntimeError("; ".join(result.faults))
    return result.findings


# ---------------------------------------------------------------- reading, by cache or by worker


def _generation(vocabulary: Vocabulary) -> str:
    package = Path(__file__).parent
    code = [*package.glob("*.py"), *package.glob("code/*.py"), *package.glob("checkers/**/*.py")]
    code += list(package.glob("rules/*/*.md"))
    return f"{__version__}-{vocabulary.digest}-{tool_digest(code)}"


def _stamp(source: SourcePath) -> str:
    """Says that a file is as it was; "" for one changed so lately that its time says nothing."""
    try:
        info = Path(source.file).stat()
    except OSError:
        return ""
    if time.time() - info.st_mtime < _RACY_SECONDS:
        return ""
    return f"{info.st_size}:{info.st_mtime_ns}:{info.st_ino}:{source.language}"


def _known_keys(sources: Sequence[SourcePath], cache: Cache) -> dict[str, str]:
    stamps = {str(source.file): _stamp(source) for source in sources}
    return cache.keys_of({file: stamp for file, stamp in stamps.items() if stamp})


def _result_key(sources: Sequence[SourcePath], keys: Mapping[str, str], options: Options) -> str:
    """What the whole result depends on; "" while any file's content is not known."""
    digest = hashlib.sha256(",".join(rule.code for rule in options.rules).encode())
    digest.update(repr(sorted(options.severity.items())).encode())
    for source in sources:
        key = keys.get(str(source.file))
        if key is None:
            return ""
        digest.update(f"\0{source.path}\0{key}".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _records(
    sources: Sequence[SourcePath], known: Mapping[str, str], cache: Cache, options: Options
) -> tuple[dict[str, FileRecord], list[Problem], int]:
    """Each file's record: from the cache where its content is known there, else from a worker."""
    records: dict[str, FileRecord] = {}
    problems: list[Problem] = []
    blobs = cache.records(sorted(set(known.values())))
    unknown: list[SourcePath] = []
    for source in sources:
        blob = blobs.get(known.get(str(source.file), ""))
        if blob is None:
            unknown.append(source)
        else:
            records[source.path] = decode_record(blob)
    hits = len(records)
    pending, keyed = _keyed(unknown, problems)
    blobs = cache.records(sorted(set(keyed.values())))
    stamps = [(str(s.file), _stamp(s), keyed[s.path]) for s in pending]
    missing: list[SourcePath] = []
    for source in pending:
        blob = blobs.get(keyed[source.path])
        if blob is None:
            missing.append(source)
        else:
            records[source.path] = decode_record(blob)
            hits += 1
    fresh = _read_all(missing, options)
    cache.store_records((key, blob) for _, key, blob in fresh)
    cache.store_stamps(row for row in stamps if row[1])
    for path, _, blob in fresh:
        records[path] = decode_record(blob)
    return records, problems, hits


def _keyed(sources: Sequence[SourcePath], problems: list[Problem]) -> tuple[list[SourcePath], dict[str, str]]:
    pending, keys = [], {}
    for source in sources:
        try:
            keys[source.path] = content_key(Path(source.file).read_bytes(), source.language)
            pending.append(source)
        except OSError as error:
            problems.append(Problem(source.path, "unreadable", error.strerror or str(error)))
    return pending, keys


def _read_all(sources: Sequence[SourcePath], options: Options) -> list[tuple[str, str, bytes]]:
    work = [(s.path, str(s.file), s.language) for s in sources]
    if options.jobs <= 1 or len(work) < _SMALL:
        catalogue = load_catalogue()
        results = []
        for path, file, language in work:
            data = Path(file).read_bytes()
            record = read_bytes(data, language, options.vocabulary, catalogue)
            results.append((path, content_key(data, language), encode_record(record)))
        return results
    with ProcessPoolExecutor(options.jobs) as executor:
        return _read_with(executor, work, options.vocabulary)


def _read_with(
    executor: Executor, work: Sequence[tuple[str, str, str]], vocabulary: Vocabulary
) -> list[tuple[str, str, bytes]]:
    batches: list[list[tuple[str, str, str]]] = [[]]
    size = 0
    for item in work:
        batches[-1].append(item)
        size += Path(item[1]).stat().st_size
        if size > _BATCH_BYTES:
            batches.append([])
            size = 0
    futures = [executor.submit(read_batch, batch, vocabulary) for batch in batches if batch]
    return [row for future in futures for row in future.result()]
