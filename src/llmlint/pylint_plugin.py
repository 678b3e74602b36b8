"""llmlint's rules as pylint messages: `load-plugins=llmlint.pylint_plugin`.

A thin adapter. What is found comes from `project.py`, so pylint says what `llmlint scan` says, and rules of the whole
program see the whole project, not only the files pylint was handed. A finding is reported while pylint walks the module
it lies in, on the node it belongs to: so pylint's own comments silence it like any other message.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astroid import nodes
from pylint import interfaces
from pylint.checkers import BaseChecker

from llmlint.catalogue import CHAPTER_TITLES, Rule, load_catalogue
from llmlint.findings import Finding
from llmlint.project import Project, Request, mark_known
from llmlint.project import scan as scan_project
from llmlint.rule_page import description_of

if TYPE_CHECKING:
    from pylint.lint import PyLinter

_PATH = tuple(sys.path)
"""As it was before pylint put the folders of the files it checks on it."""

_CONFIDENCE = {
    "certain": interfaces.HIGH,
    "high": interfaces.HIGH,
    "medium": interfaces.INFERENCE,
    "low": interfaces.INFERENCE_FAILURE,
}

_OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "llmlint-min-confidence",
        {
            "type": "choice",
            "default": None,
            "choices": list(_CONFIDENCE),
            "metavar": "<level>",
            "help": "Report findings of this confidence and above; without it, llmlint's own settings hold.",
        },
    ),
    (
        "llmlint-baseline",
        {"type": "string", "default": None, "metavar": "<file>", "help": "Findings that are known and not reported."},
    ),
)


class ChapterChecker(BaseChecker):
    """The rules of one chapter: pylint wants all messages of a checker to share the digits after the letter."""

    def __init__(self, linter: PyLinter, chapter: str, rules: list[Rule], findings: ProjectFindings) -> None:
        self.name = "llmlint" if chapter == "llmlint" else f"llmlint-{chapter}"
        self.msgs = {rule.pylint_id: ("%s", rule.pylint_symbol, _description(rule)) for rule in rules}
        self.options = _OPTIONS if chapter == "llmlint" else ()
        self._rules = frozenset(rule.code for rule in rules)
        self._findings = findings
        super().__init__(linter)

    def visit_module(self, module: nodes.Module) -> None:
        if not module.file:
            return
        for finding in self._findings.of(module.file, self.linter.config):
            if finding.rule in self._rules:
                self.add_message(
                    finding.name,
                    node=_node_at(module, finding.line),
                    line=finding.line,
                    col_offset=finding.column - 1,
                    end_lineno=finding.end_line,
                    end_col_offset=finding.end_column - 1,
                    args=(finding.message,),
                    confidence=_CONFIDENCE[finding.confidence],
                )


class ProjectFindings:
    """Findings by file. A project is scanned once for all its files; a file outside of any is scanned alone."""

    def __init__(self) -> None:
        self._by_file: dict[str, list[Finding]] = {}

    def of(self, file: str, config: Any) -> list[Finding]:
        path = os.path.realpath(file)
        if path not in self._by_file:
            self._scan_around(path, config)
        return self._by_file[path]

    def _scan_around(self, path: str, config: Any) -> None:
        alone = Project(_request(path, config))
        whole = str(alone.settings.root)
        if alone.settings.is_project:
            project = Project(_request(whole, config))
            in_project = {os.path.realpath(source.file) for source in project.discover([whole]).sources}
            if path in in_project:
                self._keep(in_project, project, config)
                return
        self._keep({path}, alone, config)

    def _keep(self, files: set[str], project: Project, config: Any) -> None:
        with _own_path(), _one_at_a_time(project.cache_directory):
            result = scan_project(project.request)
        mark_known(result, project.settings, config.llmlint_baseline)
        self._by_file.update((file, []) for file in files)
        for finding in result.shown:
            self._by_file.setdefault(os.path.realpath(finding.path), []).append(finding)


def _request(path: str, config: Any) -> Request:
    in_pool = bool(multiprocessing.current_process().daemon)  # such a process may have no children of its own
    return Request(
        (path,),
        min_confidence=config.llmlint_min_confidence,
        jobs=1 if in_pool else None,
    )


@contextmanager
def _own_path() -> Iterator[None]:
    """What a scan imports when it needs it does not come from the files that are checked."""
    augmented = sys.path[:]
    sys.path[:] = _PATH
    try:
        yield
    finally:
        sys.path[:] = augmented


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """pylint's workers ask at the same moment: the first reads the project, the others then find it in the cache."""
    try:
        import fcntl

        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(folder / "pylint.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (ImportError, OSError):
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _node_at(module: nodes.Module, line: int) -> nodes.NodeNG:
    """The innermost statement that reaches over a line."""
    found: nodes.NodeNG = module
    inner = list(module.body)
    while inner:
        node = inner.pop()
        if (node.fromlineno or 0) <= line <= (node.tolineno or 0):
            found, inner = node, [child for child in node.get_children() if child.is_statement]
    return found


def _description(rule: Rule) -> str:
    """What `--help-msg` prints."""
    return f"{description_of(rule)} See {rule.doc_url}"


def register(linter: PyLinter) -> None:
    """pylint calls this when it loads the plugin, in each of its processes."""
    findings = ProjectFindings()
    catalogue = load_catalogue()
    for chapter in CHAPTER_TITLES:
        rules = [rule for rule in catalogue if rule.chapter == chapter]
        if rules:
            linter.register_checker(ChapterChecker(linter, chapter, rules, findings))
