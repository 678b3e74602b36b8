"""What a worker does: one file's bytes become facts and the reports of file-local checkers, as one small record.

The record depends on nothing but the bytes, the language, the rules and the words, so it can be cached by them.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from llmlint.catalogue import Catalogue, load_catalogue
from llmlint.code.errors import Unreadable
from llmlint.code.facts import FileFacts
from llmlint.code.recursion import room_for_calls
from llmlint.code.tree import Module
from llmlint.findings import Report
from llmlint.suppressions import Directive, directives_of
from llmlint.vocabulary import Vocabulary


class Fault(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A checker that failed on a file: llmlint's own mistake, never the file's."""

    rule: str
    message: str


class FileRecord(msgspec.Struct, array_like=True, frozen=True):
    """All that is kept of a file. `unreadable` says why there are no facts."""

    facts: FileFacts
    reports: dict[str, tuple[Report, ...]] = {}
    directives: tuple[Directive, ...] = ()
    faults: tuple[Fault, ...] = ()
    unreadable: str = ""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(FileRecord)


def decode_record(blob: bytes) -> FileRecord:
    return _DECODER.decode(blob)


@room_for_calls(5000)
def read_bytes(data: bytes, language: str, vocabulary: Vocabulary, catalogue: Catalogue) -> FileRecord:
    """Reads one file's content into its record; never raises for what the file holds."""
    from llmlint.code.effects import facts_of
    from llmlint.code.source import SourceFile

    try:
        text, module = _tree_of(data, language)
        facts = facts_of(module, text)
    except Unreadable as why:
        return FileRecord(FileFacts(language, data.count(b"\n")), unreadable=str(why))
    except RecursionError:
        return FileRecord(FileFacts(language, data.count(b"\n")), unreadable="nested too deep to follow")
    source = SourceFile(text, module, facts, vocabulary)
    reports: dict[str, tuple[Report, ...]] = {}
    faults = []
    for rule in catalogue.rules:
        checker = catalogue.checker(rule)
        if checker.check_file is None or _family(language) not in rule.languages:
            continue
        try:
            found = tuple(checker.check_file(source))
        except Exception as error:  # a checker's mistake must not cost the rest of the report
            faults.append(Fault(rule.code, f"{type(error).__name__}: {error}"))
            continue
        if found:
            reports[rule.code] = found
    return FileRecord(facts, reports, tuple(directives_of(text, language)), tuple(faults))


def _family(language: str) -> str:
    return "python" if language == "python" else "cpp"


def _tree_of(data: bytes, language: str) -> tuple[str, Module]:
    if language == "python":
        from llmlint.code.python import read_python

        return read_python(data)
    from llmlint.code.cpp import read_cpp

    return read_cpp(data, language)  # type: ignore[arg-type]


def read_batch(batch: Sequence[tuple[str, str, str]], vocabulary: Vocabulary) -> list[tuple[str, str, bytes]]:
    """In a worker: (path, file, language) of each into (path, content key, encoded record)."""
    gc.disable()
    catalogue = load_catalogue()
    results = []
    for path, file, language in batch:
        data = Path(file).read_bytes()
        record = read_bytes(data, language, vocabulary, catalogue)
        results.append((path, content_key(data, language), _ENCODER.encode(record)))
    return results


def content_key(data: bytes, language: str) -> str:
    return hashlib.sha256(language.encode() + b"\0" + data).hexdigest()


def encode_record(record: FileRecord) -> bytes:
    return _ENCODER.encode(record)


def tool_digest(files: Iterable[Path]) -> str:
    """Changes with any line of llmlint's own code, so that a cache never outlives the code that filled it."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
