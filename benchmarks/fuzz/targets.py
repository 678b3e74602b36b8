"""What is fuzzed, and what must hold of every input: each target raises when it does not."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import msgspec

from benchmarks.fuzz.inputs import mutated, path_text, patterns_text, settings_text, sources
from llmlint.baseline import Baseline, BaselineError, Entry, read_baseline
from llmlint.catalogue import load_catalogue
from llmlint.config import Configuration
from llmlint.files import SourcePath
from llmlint.ignores import Patterns
from llmlint.local_cache import FILE_NAME, LocalCache
from llmlint.reading import FileRecord, decode_record, encode_record, read_bytes
from llmlint.report import FORMATS, Style, render
from llmlint.scan import Options, scan_files
from llmlint.suppressions import directives_of, without
from llmlint.vocabulary_file import load_vocabulary

_LANGUAGES = {"python": "a.py", "cpp": "a.cpp", "cuda": "a.cu"}


def _source(rng: random.Random) -> tuple[str, bytes]:
    language = rng.choice(("python", "python", "cpp", "cuda"))
    return language, mutated(rng, sources("python" if language == "python" else "cpp"))


def _record(language: str, data: bytes) -> FileRecord:
    return read_bytes(data, language, load_vocabulary(None), load_catalogue())


def reader(rng: random.Random) -> None:
    """A file becomes a record without a fault, and the record survives being kept."""
    is_read(*_source(rng))


def is_read(language: str, data: bytes) -> None:
    record = _record(language, data)
    assert not record.faults, record.faults
    blob = encode_record(record)
    assert encode_record(decode_record(blob)) == blob


def program(rng: random.Random) -> None:
    """Three files are linked, judged by all rules and told in every format."""
    is_judged([_source(rng) for _ in range(3)])


def is_judged(sources: Sequence[tuple[str, bytes]]) -> None:
    content, files = {}, []
    for number, (language, data) in enumerate(sources):
        name = f"{number}{_LANGUAGES[language]}"
        content[name] = data
        files.append(SourcePath(name, name, language))
    result = scan_files(files, Options(load_catalogue().rules, load_vocabulary(None)), content)
    assert not result.faults, result.faults
    for name in FORMATS:
        render(name, result, Style(show_suppressed=True)).encode()


def settings(rng: random.Random) -> None:
    """Whatever stands in a settings file, there are settings."""
    are_settings(settings_text(rng))


def are_settings(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".git").mkdir()
        Path(folder, "llmlint.toml").write_bytes(data)
        found = Configuration().of(Path(folder))
        assert found.config.max_file_mb > 0
        found.excludes(f"{folder}/a.py")


def ignore_files(rng: random.Random) -> None:
    """A pattern matches a path or does not, and soon."""
    patterns, path = Patterns(patterns_text(rng)), path_text(rng)
    assert patterns.matches(path) in (True, False)


def baselines(rng: random.Random) -> None:
    """A baseline is read, or refused by name."""
    known = Baseline(1, (Entry(fingerprint="a", rule="LLM801", path="a.py"), Entry(fingerprint="b", rule="x", path="")))
    is_baseline_or_refused(mutated(rng, [msgspec.json.encode(known), b'{"version": 1, "findings": []}']))


def is_baseline_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "known.json")
        file.write_bytes(data)
        try:
            read_baseline(file)
        except BaselineError:
            pass


@cache
def _database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        cache = LocalCache(Path(folder), "g")
        cache.store_records([(f"key{number}", bytes([number]) * 300) for number in range(40)])
        cache.store_stamps([(f"/a/{number}.py", "stamp", f"key{number}") for number in range(40)])
        cache.close()
        return Path(folder, FILE_NAME).read_bytes()


def caches(rng: random.Random) -> None:
    """A cache gives what was put in, or nothing; afterwards it works."""
    with tempfile.TemporaryDirectory() as folder:
        data = bytearray(_database())
        for _ in range(rng.choice((1, 3, 30, 1000))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        Path(folder, FILE_NAME).write_bytes(data[: rng.choice((len(data), len(data), rng.randrange(len(data))))])
        cache = LocalCache(Path(folder), "g")
        given = cache.records([f"key{number}" for number in range(40)])
        assert all(blob == bytes([int(key[3:])]) * 300 for key, blob in given.items()), "a wrong record"
        cache.keys_of({"/a/1.py": "stamp"})
        cache.store_records([("new", b"blob")])
        assert cache.records(["new"]) in ({"new": b"blob"}, {})
        cache.close()


def records(rng: random.Random) -> None:
    """A damaged record is refused as such, or is a record."""
    blob = bytearray(encode_record(_record(*_source(rng))))
    for _ in range(rng.randint(1, 20)):
        blob[rng.randrange(len(blob))] = rng.randrange(256)
    is_record_or_refused(bytes(blob))


def is_record_or_refused(blob: bytes) -> None:
    try:
        decode_record(blob)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass


def comments(rng: random.Random) -> None:
    """Taking suppressions out takes nothing but comments out."""
    loses_only_comments(*_source(rng))


def loses_only_comments(language: str, data: bytes) -> None:
    text = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    found = directives_of(text, language)
    left = without(text, [(directive, directive.rules) for directive in found])
    taken = sum(_solid(directive.comment) for directive in found)
    assert _solid(text) - taken <= _solid(left) <= _solid(text)
    lost = iter(text)
    assert all(sign in lost for sign in left), "something was put in"


def _solid(text: str) -> int:
    """How much is there besides blanks: those before a comment go with it."""
    return sum(map(len, text.split()))


TARGETS: dict[str, Callable[[random.Random], None]] = {
    "reader": reader,
    "program": program,
    "settings": settings,
    "ignore_files": ignore_files,
    "baselines": baselines,
    "caches": caches,
    "records": records,
    "comments": comments,
}
PER_THOUSAND = {
    "reader": 40,
    "program": 10,
    "settings": 140,
    "ignore_files": 300,
    "baselines": 140,
    "caches": 20,
    "records": 50,
    "comments": 300,
}
"""How many of a thousand inputs a target gets: the slow ones few, and still most of the time."""
