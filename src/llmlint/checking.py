"""Lets the checkers of whole programs speak, several at a time where the machine and the program are worth it."""

from __future__ import annotations

import gc
import multiprocessing
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool

import msgspec

from llmlint.catalogue import Rule, load_catalogue
from llmlint.code.link.program import Program
from llmlint.earned import LANGUAGES, may_be, may_tell
from llmlint.findings import Report
from llmlint.progress import Progress, Stage
from llmlint.workers import NoWorkers, worker_pool

SMALL = 400
"""Fewer files are checked sooner than processes are made."""

_MOST = 4
"""Each process works out for itself what several checkers ask, so more of them gain little."""


class Answer(msgspec.Struct):
    """What one rule's checker said, or why it could not."""

    reports: list[Report] = []
    fault: str = ""


def answers(
    program: Program, rules: Sequence[Rule], jobs: int, progress: Progress | None = None, least: str = "low"
) -> Iterator[Answer]:
    """One answer for each rule, in their order; the same ones for any number of jobs. `least` is how sure a finding has
    to be to be told: in a language where readings let none of a rule's be so, the rule need not look."""
    if jobs > 1 and len(program.asked.files) >= SMALL and _may_fork():
        try:
            yield from _side_by_side(program, rules, min(jobs, _MOST), progress, least)
            return
        except (BrokenProcessPool, NoWorkers):  # killed for memory, most likely: one process needs less
            pass
    for number, rule in enumerate(rules):
        _tell(progress, number, rules, rule)
        yield _answer(program, rule, least)


def _tell(progress: Progress | None, done: int, rules: Sequence[Rule], about: Rule | None) -> None:
    if progress is not None:
        progress(Stage("checking", done, len(rules), "rules", f"{about.code} {about.name}" if about else ""))


def _may_fork() -> bool:
    """The program is handed on by being there in the child: copying it would cost more than checking it."""
    return sys.platform == "linux" and threading.active_count() == 1


_program: Program | None = None


def _side_by_side(
    program: Program, rules: Sequence[Rule], jobs: int, progress: Progress | None, least: str
) -> list[Answer]:
    global _program
    _program = program
    gc.freeze()  # so that a child's collector does not touch, and so copy, what it shares
    try:
        with worker_pool(jobs, multiprocessing.get_context("fork")) as executor:
            _tell(progress, 0, rules, None)
            asked = {executor.submit(_answer_in_a_child, rule.code, least): rule for rule in rules}
            for number, answered in enumerate(as_completed(asked), 1):
                _tell(progress, number, rules, asked[answered])
            return [answer.result() for answer in asked]
    finally:
        gc.unfreeze()
        _program = None


def _answer_in_a_child(code: str, least: str) -> Answer:
    assert _program is not None
    return _answer(_program, load_catalogue().rule(code), least)


def _answer(program: Program, rule: Rule, least: str) -> Answer:
    kinds = frozenset(kind for kind in LANGUAGES if may_be(rule, least, kind))
    try:
        check = load_catalogue().checker(rule).check_program
        with program.asking(kinds, lambda mechanism: may_tell(rule, least, mechanism)):
            return Answer(list(check(program)) if check is not None else [])
    except Exception as error:  # a checker's mistake must not cost the rest of the report
        return Answer(fault=f"{rule.code} {rule.name} failed: {type(error).__name__}: {error}")
