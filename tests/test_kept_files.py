"""What one scan leaves for the next changes nothing of what the next finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from llmlint.catalogue import load_catalogue
from llmlint.files import SourcePath, language_of
from llmlint.findings import Finding
from llmlint.kept_files import KeptFiles
from llmlint.reading import content_key
from llmlint.rule_cases import cases
from llmlint.scan import Options, scan_files
from llmlint.vocabulary_file import load_vocabulary

Texts = Mapping[str, str]


def pages(heading: str) -> dict[str, str]:
    """One program of all the pages' cases, each in a folder of its own."""
    return {
        f"{rule.name}_{number}/{name}": text
        for rule in load_catalogue()
        for number, case in enumerate(cases(rule, heading))
        for name, text in case.items()
    }


def found(texts: Texts, kept: KeptFiles | None = None) -> list[Finding]:
    options = Options(load_catalogue().rules, load_vocabulary(None))
    sources = [SourcePath(path, path, language_of(path)) for path in texts]
    given = {path: text.encode() for path, text in texts.items()}
    result = scan_files(sources, options, given, kept=kept)
    assert not result.faults
    return result.findings


def moved(texts: Texts) -> dict[str, str]:
    """The same files, and each where another one stood that its import may mean now."""
    return {f"deeper/{path}": text for path, text in texts.items()}


def shuffled(texts: Texts) -> dict[str, str]:
    """The same texts in one folder after another: bases, callers and helpers are others, or gone."""
    folders = sorted({path.rpartition("/")[0] for path in texts})
    following = dict(zip(folders, (*folders[1:], folders[0]), strict=True))
    half = sorted(texts)[::2]
    return {
        f"{following[folder]}/{name}" if path in half else path: text
        for path, text in texts.items()
        for folder, _, name in [path.rpartition("/")]
    }


def shortened(texts: Texts) -> dict[str, str]:
    return {path: texts[path] for at, path in enumerate(sorted(texts)) if at % 5}


@pytest.mark.parametrize("changed", [moved, shuffled, shortened], ids=lambda change: change.__name__)
def test_a_scan_after_another_finds_what_it_finds_alone(changed: Callable[[Texts], Texts]) -> None:
    before = pages("Bad")
    kept = KeptFiles()
    assert found(before, kept) == found(before)
    after = changed(before)
    assert found(after, kept) == found(after)
    assert found(before, kept) == found(before)


def test_the_good_cases_are_good_after_the_bad_ones() -> None:
    kept = KeptFiles()
    found(pages("Bad"), kept)
    assert found(pages("Good"), kept) == found(pages("Good"))


def test_files_of_the_last_scan_are_kept_and_no_others() -> None:
    kept = KeptFiles()
    found({"a.py": "one = 1\n", "b.py": "two = 2\n"}, kept)
    first = dict(kept.records)
    found({"a.py": "one = 1\n", "b.py": "two = 3\n"}, kept)
    same, new = (content_key(text, "python") for text in (b"one = 1\n", b"two = 3\n"))
    assert set(kept.records) == {same, new}
    assert kept.records[same] is first[same]


def test_what_a_text_lacks_is_forgotten_with_it() -> None:
    kept = KeptFiles()
    assert kept.lacks("a text", "word")
    assert kept.lacks("a text", "word")
    assert not kept.lacks("a word", "word")
    kept.keep(())
    assert not kept.lacks("another word", "word")
