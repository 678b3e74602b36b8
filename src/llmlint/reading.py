"""What a worker does: one file's bytes become facts and the reports of file-local checkers, as one small record.

The record depends on nothing but the bytes, the language, the rules and the words, so it can be cached by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmlint.catalogue import Catalogue, load_catalogue
from llmlint.code.facts.facts import FileFacts, packed
from llmlint.code.syntax.errors import Unreadable
from llmlint.code.syntax.recursion import room_for_calls
from llmlint.code.syntax.tree import Module
from llmlint.earned import may_be
from llmlint.findings import Report
from llmlint.opening import read_file
from llmlint.plain import one_line
from llmlint.suppressions import Directive, directives_of
from llmlint.vocabulary import Vocabulary


class Fault(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """llmlint's own mistake on a file, made by the checker of `rule` or, where that is empty, by the reader."""

    rule: str
    message: str


class FileRecord(msgspec.Struct, array_like=True, frozen=True):
    """All that is kept of a file. `unreadable` says why there are no facts."""

    facts: FileFacts
    reports: dict[str, tuple[Report, ...]] = {}
    directives: tuple[Directive, ...] = ()
    faults: tuple[Fault, ...] = ()
    unreadable: str = ""
    of_all_rules: bool = True
    """Were those asked as well that readings let not be sure?"""

    def answers(self, least: str) -> bool:
        """Does it hold all that is to be told from so sure a finding on?"""
        return self.of_all_rules or least != "low"

    @property
    def is_linked(self) -> bool:
        """Has it facts that can be relied on? A rule's fault costs that rule's reports, one of the reader all."""
        return not self.unreadable and all(fault.rule for fault in self.faults)


_OF_POINTERS = "LLM945"

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(FileRecord)


def decode_record(blob: bytes) -> FileRecord:
    return _DECODER.decode(blob)


def encode_record(record: FileRecord) -> bytes:
    return _encode(msgspec.structs.replace(record, facts=packed(record.facts, _encode)))


def _encode(value: object) -> bytes:
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:  # a string of Python may hold half a surrogate pair, and then so may an annotation
        return _ENCODER.encode(_whole(msgspec.to_builtins(value, builtin_types=(bytes,))))


def _whole(value: Any) -> Any:
    """The same plain data without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return value


@room_for_calls(5000)
def read_bytes(
    data: bytes, language: str, vocabulary: Vocabulary, catalogue: Catalogue, least: str = "low"
) -> FileRecord:
    """Reads one file's content into its record; never raises for what the file holds."""
    nothing = FileFacts(language, data.count(b"\n"))
    try:
        return _record(data, language, vocabulary, catalogue, least == "low")
    except Unreadable as why:
        return FileRecord(nothing, unreadable=str(why))
    except (RecursionError, MemoryError):
        return FileRecord(nothing, unreadable="nested too deep to follow")
    except Exception as error:  # llmlint's own mistake, and no reason to lose the other files
        return FileRecord(nothing, faults=(Fault("", f"{type(error).__name__}: {error}"),))


def _record(data: bytes, language: str, vocabulary: Vocabulary, catalogue: Catalogue, of_all: bool) -> FileRecord:
    from llmlint.code.facts.effects import facts_of
    from llmlint.code.syntax.source import SourceFile

    text, module = _tree_of(data, language)
    facts = facts_of(module, text, of_all or _asks_of_pointers(catalogue))
    source = SourceFile(text, module, facts, vocabulary)
    reports: dict[str, tuple[Report, ...]] = {}
    faults = []
    family = _family(language)
    for rule in (rule for rule in catalogue.rules if of_all or may_be(rule, "medium", family)):
        try:
            check = catalogue.checker(rule).check_file
            if check is not None and family in rule.languages:
                reports[rule.code] = tuple(check(source))
        except Exception as error:  # a checker's mistake must not cost the rest of the report
            faults.append(Fault(rule.code, f"{type(error).__name__}: {error}"))
    directives = tuple(directives_of(text, language))
    return FileRecord(facts, reports, directives, tuple(faults), of_all_rules=of_all)


def _asks_of_pointers(catalogue: Catalogue) -> bool:
    """Is the rule asked that is about nothing else, or one of somebody's own, which may ask for anything?"""
    asking = (rule for rule in catalogue.rules if rule.code == _OF_POINTERS or not rule.code.startswith("LLM"))
    return any(may_be(rule, "medium", "cpp") for rule in asking)


def read_facts(data: bytes, language: str) -> FileFacts:
    """The facts of one file's content alone. Raises Unreadable."""
    from llmlint.code.facts.effects import facts_of

    text, module = _tree_of(data, language)
    return facts_of(module, text)


def _family(language: str) -> str:
    return "python" if language == "python" else "cpp"


def _tree_of(data: bytes, language: str) -> tuple[str, Module]:
    if language == "python":
        from llmlint.code.syntax.python import read_python

        return read_python(data)
    from llmlint.code.syntax.cpp import read_cpp

    return read_cpp(data, language)  # type: ignore[arg-type]


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a worker hands back of one file: its content key and encoded record, or why there is none."""

    path: str
    key: str = ""
    blob: bytes = b""
    problem: str = ""


Work = tuple[str, str | bytes, str]
"""A path, its file or content, and its language."""


def read_batch(batch: Sequence[Work], vocabulary: Vocabulary, least: str) -> list[Reading]:
    """In a worker: reads each file of a batch."""
    return [_reading(path, source, language, vocabulary, least) for path, source, language in batch]


def _reading(path: str, source: str | bytes, language: str, vocabulary: Vocabulary, least: str) -> Reading:
    try:
        data = source if isinstance(source, bytes) else read_file(source)
    except OSError as error:
        return Reading(path, problem=error.strerror or str(error))
    record = read_bytes(data, language, vocabulary, load_catalogue(), least)
    return Reading(path, content_key(data, language), _encoded(record))


def _encoded(record: FileRecord) -> bytes:
    try:
        return encode_record(record)
    except (ValueError, RecursionError, MemoryError) as error:
        nothing = FileFacts(record.facts.language, record.facts.lines)
        fault = Fault("", f"{type(error).__name__}: {one_line(str(error))[:200]}")
        return encode_record(FileRecord(nothing, faults=(fault,)))


def content_key(data: bytes, language: str) -> str:
    return hashlib.sha256(language.encode() + b"\0" + data).hexdigest()


def tool_digest(files: Iterable[Path]) -> str:
    """Changes with any line of llmlint's own code, so that a cache never outlives the code that filled it."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
