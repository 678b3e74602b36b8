"""Files asked about by name are told what a scan of everything tells of them, by every rule."""

from functools import cache
from pathlib import Path

import pytest

from llmlint.catalogue import load_catalogue
from llmlint.earned import limited, may_be
from llmlint.files import SourcePath, language_of
from llmlint.findings import Finding
from llmlint.local_cache import LocalCache
from llmlint.program_graphs import linked_program
from llmlint.project import Project, Request, scan
from llmlint.reading import FileRecord, read_bytes
from llmlint.records import gather
from llmlint.rule_cases import cases
from llmlint.scan import Options, ScanResult, judge_records, scan_files
from llmlint.vocabulary_file import load_vocabulary

PARTS = 4


@cache
def texts() -> dict[str, str]:
    """One program of all the pages' Bad cases, each in a folder of its own."""
    return {
        f"{rule.name}_{number}/{name}": text
        for rule in load_catalogue()
        for number, case in enumerate(cases(rule, "Bad"))
        for name, text in case.items()
    }


@cache
def records() -> dict[str, FileRecord]:
    given = {path: text.encode() for path, text in texts().items()}
    sources = [SourcePath(path, path, language_of(path)) for path in sorted(given)]
    return gather(sources, given, {}, LocalCache(None, ""), load_vocabulary(None), 1).records


def told(asked: frozenset[str] | None = None, least: str = "low") -> ScanResult:
    options = Options(load_catalogue().rules, load_vocabulary(None), least=least)
    return judge_records(records(), options, lambda path: texts()[path], asked=asked)


@cache
def whole() -> ScanResult:
    return told()


@pytest.mark.parametrize("part", range(PARTS))
def test_one_file_is_told_what_a_scan_of_everything_tells_of_it(part: int) -> None:
    with_findings = sorted({finding.path for finding in whole().findings})
    for path in with_findings[part * 3 :: PARTS * 3]:
        assert told(frozenset({path})).findings == [f for f in whole().findings if f.path == path]


def test_several_files_are_told_each_its_own() -> None:
    asked = frozenset(sorted(texts())[::7])
    assert told(asked).findings == [finding for finding in whole().findings if finding.path in asked]


def test_of_a_few_files_all_is_told_that_is_as_sure_as_is_shown() -> None:
    def sure(result: ScanResult) -> list[Finding]:
        """But for suppressions that suppress nothing: of a rule that is not asked nobody can say so."""
        shown = (finding for finding in result.findings if limited(finding).confidence != "low")
        return [finding for finding in shown if finding.name != "unused-suppression"]

    asked = frozenset(sorted(texts())[::3])
    some = told(asked, "medium")
    assert sure(some) and sure(some) == sure(told(asked))
    assert len(some.findings) < len(told(asked).findings), "what nothing is shown of is not looked for"
    assert sure(told(None, "medium")) == sure(whole()), "and so of all of them"


def test_a_comment_is_not_called_needless_where_its_rule_was_not_asked() -> None:
    unsure = next(rule for rule in load_catalogue() if not may_be(rule, "medium"))
    text = f"value = 1  # llmlint: ignore[{unsure.code}] why not\n"
    given = {"a.py": text.encode()}
    found = gather([SourcePath("a.py", "a.py", "python")], given, {}, LocalCache(None, ""), load_vocabulary(None), 1)
    for least, needless in (("low", True), ("medium", False)):
        options = Options(load_catalogue().rules, load_vocabulary(None), least=least)
        result = judge_records(found.records, options, lambda _: text, asked=frozenset({"a.py"}))
        assert bool(result.unused_suppressions) is needless


def test_comments_that_cover_nothing_are_told_of_asked_files_only() -> None:
    path = next(path for path in whole().unused_suppressions)
    assert told(frozenset({path})).unused_suppressions == {path: whole().unused_suppressions[path]}
    assert path not in told(frozenset(texts().keys() - {path})).unused_suppressions


SAVES = """
def write(video):
    video.close()

def save(video):
    path = write(video)
    return path

def drop(video):
    save(video)
"""
USED_ELSEWHERE = {
    "engine/video.py": SAVES,
    "engine/other.py": "from video import save\n\ndef show(video, page):\n    page.add(save(video))\n",
}
LOCKS = """
import threading
lock = threading.Lock()
def step_{at}(path):
    lock.acquire()
    if not path:
        return None
    {after}
    lock.release()
"""
LONG_WAY = {
    f"engine/step{at}.py": LOCKS.format(at=at, after=f"step_{at + 1}(path)" if at < 4 else "path.close()")
    for at in range(5)
} | {"engine/user.py": "".join(f"import step{at}\n" for at in range(5))}


@pytest.mark.parametrize("program", [USED_ELSEWHERE, LONG_WAY], ids=["callers elsewhere", "unused by many steps"])
def test_what_is_asked_beside_a_place_does_not_change_what_is_told_of_it(program: dict[str, str]) -> None:
    def of(asked: frozenset[str] | None, rules: list[str]) -> list[Finding]:
        given = {path: text.encode() for path, text in program.items()}
        sources = [SourcePath(path, path, "python") for path in sorted(given)]
        found = gather(sources, given, {}, LocalCache(None, ""), load_vocabulary(None), 1).records
        chosen = [load_catalogue().rule(code) for code in rules]
        options = Options(chosen, load_vocabulary(None))
        return judge_records(found, options, lambda path: program[path], asked=asked).findings

    everything = of(None, ["LLM103", "LLM903"])
    assert everything
    for path in program:
        assert of(frozenset({path}), ["LLM103", "LLM903"]) == [f for f in everything if f.path == path]


def test_rules_that_cannot_be_sure_are_asked_of_a_file_only_where_everything_is_told() -> None:
    unsure = {rule.code for rule in load_catalogue() if not may_be(rule, "medium", "python")}
    of_file = {"low": set[str](), "medium": set[str]()}
    for text in (text for path, text in texts().items() if path.endswith(".py")):
        for least, codes in of_file.items():
            record = read_bytes(text.encode(), "python", load_vocabulary(None), load_catalogue(), least)
            assert record.answers("medium") and record.answers("low") is (least == "low")
            codes.update(record.reports)
    assert of_file["medium"] == of_file["low"] - unsure != of_file["low"]


def test_after_a_scan_of_all_rules_a_default_one_tells_what_it_tells_first_and_the_other_way(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for rule in ("branch-overwritten", "stale-loop-variable", "unbounded-wait"):
        for name, text in next(cases(load_catalogue().rule(rule), "Bad")).items():
            (project / f"{rule.replace('-', '_')}_{name}").write_text(text)

    def told_of(cache: str, *confidences: str) -> list[list[Finding]]:
        folder = str(tmp_path / cache)
        asked = (Request((str(project),), min_confidence=confidence, cache_dir=folder) for confidence in confidences)
        return [scan(request).findings for request in asked]

    sure, every = told_of("a", "medium", "low")
    assert told_of("b", "low", "medium") == [every, sure]
    assert sure and len(every) > len(sure)


def test_a_rule_that_one_language_has_made_sure_is_asked_of_another_where_everything_is_told(tmp_path: Path) -> None:
    """Also where the rules that are asked are the same ones, and the answer of a default scan is kept."""
    rule = load_catalogue().rule("LLM401")
    assert may_be(rule, "medium", "python") and not may_be(rule, "medium", "cpp")
    bad = {path: text for case in cases(rule, "Bad") for path, text in case.items() if path.endswith(".cpp")}
    for path, text in bad.items():
        (tmp_path / path).write_text(text)
    sources = [SourcePath(path, str(tmp_path / path), "cpp") for path in sorted(bad)]

    def told_of(cache: str, least: str) -> list[Finding]:
        options = Options((rule,), load_vocabulary(None), cache_directory=tmp_path / cache, least=least)
        return scan_files(sources, options).findings

    assert told_of("warm", "medium") == []
    assert told_of("warm", "low") == told_of("cold", "low") != []


def test_a_graph_takes_the_facts_that_a_default_scan_has_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "save.py").write_text(SAVES)
    request = Request((str(tmp_path),), cache_dir=str(tmp_path / "cache"))
    scan(request)
    monkeypatch.setattr("llmlint.records.read_batch", lambda *_: pytest.fail("read again"))
    assert linked_program(Project(request)).functions_named("save")
