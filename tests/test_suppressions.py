"""Comments that say a finding is known: what they cover, and what becomes of those that cover nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving_code import NOOP

from llmlint.commands.suppressions_command import remove_unused
from llmlint.findings import Finding
from llmlint.project import Request, scan

DEF = "    def restore_blocks(self, blocks):"
COMMENT = "llmlint: ignore[LLM802] blocks come back by reference count"


def findings_of(text: str, name: str = "pool.py", least: str = "low") -> list[Finding]:
    given = {name: text.encode()}
    return scan(Request((name,), given=given, use_cache=False, isolated=True, min_confidence=least)).findings


def suppressed(text: str, name: str = "pool.py", least: str = "low") -> list[str]:
    """Rules suppressed; a test that expects one also expects nothing else to be found."""
    found = findings_of(text, name, least)
    assert all(finding.suppressed for finding in found), found
    return [finding.rule for finding in found]


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        NOOP.replace(DEF, f"{DEF}  # {COMMENT}"),
        NOOP.replace(DEF, f"    # {COMMENT}\n{DEF}"),
        NOOP.replace(DEF, f"    # {COMMENT}\n    # and a second remark\n\n{DEF}"),
        NOOP.replace("class Pool:", f"class Pool:  # {COMMENT}"),
        NOOP.replace("class Pool:", f"# {COMMENT}\nclass Pool:"),
        NOOP.replace(DEF, f"    @traced  # {COMMENT}\n{DEF}"),
        NOOP.replace(DEF, f"    # {COMMENT}\n    @traced\n    @also(\n        1\n    )\n{DEF}"),
        f"# llmlint: ignore-file[LLM802] generated\n{NOOP}",
        NOOP.replace(DEF, f"{DEF}  # llmlint: ignore[noop-restore] by name"),
        NOOP.replace(DEF, f"{DEF}  # llmlint: ignore[llm802] in lower case"),
    ],
    ids=[
        "on the line",
        "above",
        "above with a remark between",
        "at the class",
        "above the class",
        "at a decorator",
        "above decorators",
        "for the file",
        "by name",
        "in lower case",
    ],
)
def test_a_comment_covers(text: str) -> None:
    assert suppressed(text) == ["LLM802"]


def test_a_comment_above_a_cpp_method_covers() -> None:
    text = """struct pool {
    std::vector<int> blocks;
    void add(int b) { blocks.push_back(b); }
    // llmlint: ignore[LLM802] blocks come back by reference count
    void restore_blocks(const std::vector<int> & saved) { LOG_INF("restoring %zu", saved.size()); }
};
"""
    assert suppressed(text, "pool.cpp") == ["LLM802"]


def test_the_reason_and_the_line_are_kept() -> None:
    (finding,) = findings_of(NOOP.replace(DEF, f"{DEF}  # {COMMENT}"))
    assert finding.suppressed is not None
    assert finding.suppressed.reason == "blocks come back by reference count"
    assert finding.suppressed.line == finding.line


@pytest.mark.parametrize(
    "text",
    [
        f"{NOOP}\n# {COMMENT}\n",
        NOOP.replace('logger.info("restoring', f'logger.info("# {COMMENT} restoring'),
        NOOP.replace("        self.blocks = {}", f"        self.blocks = {{}}  # {COMMENT}"),
    ],
    ids=["elsewhere", "in a string", "on another method's line"],
)
def test_a_comment_does_not_cover(text: str) -> None:
    assert "LLM802" in [finding.rule for finding in findings_of(text) if finding.suppressed is None]


COPY = """
import torch


class Runner:
    def __init__(self, device):
        self.device = device

    def send(self, lengths):
        return torch.tensor(
            lengths
        ).to(
            self.device, non_blocking=True{mark}
        )
"""


def test_the_mark_of_another_check_covers_the_rules_that_say_the_same() -> None:
    assert suppressed(COPY.format(mark="  # gpu-sync-ok: once for each image"), least="low") == ["LLM601"]


@pytest.mark.parametrize(
    "comment",
    [
        "noqa: S113",
        "noqa: E501, S113",
        "nosec B113",
        "pylint: disable=missing-timeout",
        "noqa:ASYNC210,S113 on purpose",
    ],
)
def test_what_another_linter_is_told_of_the_same_check_holds_here(comment: str) -> None:
    for call in (f"requests.get(url)  # {comment}", f"requests.get(\n        url\n    )  # {comment}"):
        text = f"import requests\n\n\ndef fetch(url):\n    return {call}\n"
        assert suppressed(text) == ["LLM204"]


def test_another_check_of_another_linter_silences_nothing() -> None:
    for comment in ("noqa: S114", "noqa", "nosec", "S113 is what ruff says"):
        text = f"import requests\n\n\ndef fetch(url):\n    return requests.get(url)  # {comment}\n"
        assert [finding.suppressed for finding in findings_of(text)] == [None], comment


def test_the_mark_of_another_check_may_cover_nothing_of_ours() -> None:
    assert findings_of("total = 1  # gpu-sync-ok: of another rule\n") == []


@pytest.mark.parametrize(
    "comment",
    ["llmlint: ignore", "llmlint: ignore everything", "llmlint: ignore[]", "llmlint: disable[LLM802]"],
)
def test_a_malformed_comment_is_reported_and_covers_nothing(comment: str) -> None:
    found = findings_of(NOOP.replace(DEF, f"{DEF}  # {comment}"))
    assert sorted(finding.rule for finding in found if not finding.suppressed) == ["LLM002", "LLM802"]


def test_a_rule_nobody_knows_is_reported_and_the_others_hold() -> None:
    found = findings_of(NOOP.replace(DEF, f"{DEF}  # llmlint: ignore[LLM802, LLM999] both"))
    assert [(f.rule, f.suppressed is None) for f in found] == [("LLM802", False), ("LLM002", True)]


def test_a_comment_that_covers_nothing_is_reported() -> None:
    (finding,) = findings_of(f"x = 1  # {COMMENT}\n")
    assert (finding.rule, finding.line) == ("LLM001", 1)


def test_only_rules_that_were_looked_for_can_be_unused() -> None:
    request = Request(("a.py",), select=("LLM801", "LLM001"), given={"a.py": f"x = 1  # {COMMENT}\n".encode()})
    assert scan(request).findings == []


def fixed(folder: Path, text: str) -> str:
    file = folder / "pool.py"
    file.write_text(text)
    list(remove_unused(scan(Request((str(file),), use_cache=False, min_confidence="low")).unused_suppressions))
    return file.read_text()


def test_fixing_removes_a_comment_that_covers_nothing(tmp_path: Path) -> None:
    assert fixed(tmp_path, f"x = 1  # {COMMENT}\ny = 2\n") == "x = 1\ny = 2\n"


def test_fixing_removes_the_line_of_a_comment_that_stands_alone(tmp_path: Path) -> None:
    assert fixed(tmp_path, f"# {COMMENT}\nx = 1\n") == "x = 1\n"


def test_fixing_keeps_what_is_needed(tmp_path: Path) -> None:
    text = NOOP.replace(DEF, f"{DEF}  # {COMMENT}")
    assert fixed(tmp_path, text) == text


def test_fixing_takes_one_rule_out_of_a_list(tmp_path: Path) -> None:
    text = NOOP.replace(DEF, f"{DEF}  # llmlint: ignore[LLM802, LLM801] why")
    assert fixed(tmp_path, text) == NOOP.replace(DEF, f"{DEF}  # llmlint: ignore[LLM802] why")


def test_fixing_leaves_line_ends_and_odd_bytes_alone(tmp_path: Path) -> None:
    file = tmp_path / "pool.py"
    file.write_bytes(f"# -*- coding: latin-1 -*-\r\ns = '\xe9'\r\nx = 1  # {COMMENT}\r\n".encode("latin-1"))
    list(remove_unused(scan(Request((str(file),), use_cache=False, min_confidence="low")).unused_suppressions))
    assert file.read_bytes() == "# -*- coding: latin-1 -*-\r\ns = '\xe9'\r\nx = 1\r\n".encode("latin-1")
