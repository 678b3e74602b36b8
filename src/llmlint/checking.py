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


def answers(program: Program, rules: Sequence[Rule], jobs: int, progress: Progress | None = None) -> Iterator[Answer]:
    """One answer for each rule, in their order; the same ones for any number of jobs."""
    if jobs > 1 and len(program.asked.files) >= SMALL and _may_fork():
        try:
            yield from _side_by_side(program, rules, min(jobs, _MOST), progress)
            return
        except (BrokenProcessPool, NoWorkers):  # killed for memory, most likely: one process needs less
            pass
    for number, rule in enumerate(rules):
        _tell(progress, number, rules, rule)
        yield _answer(program, rule)


def _tell(progress: Progress | None, done: int, rules: Sequence[Rule], about: Rule | None) -> None:
    if progress is not None:
        progress(Stage("checking", done, len(rules), "rules", f"{about.code} {about.name}" if about else ""))


def _may_fork() -> bool:
    """The program is handed on by being there in the child: copying it would cost more than checking it."""
    return sys.platform == "linux" and threading.active_count() == 1


_program: Program | None = None


def _side_by_side(program: Program, rules: Sequence[Rule], jobs: int, progress: Progress | None) -> list[Answer]:
    global _program
    _program = program
    gc.freeze()  # so that a child's collector does not touch, and so copy, what it shares
    try:
        with worker_pool(jobs, multiprocessing.get_context("fork")) as executor:
            _tell(progress, 0, rules, None)
            asked = {executor.submit(_answer_in_a_child, rule.code): rule for rule in rules}
            for number, answered in enumerate(as_completed(asked), 1):
                _tell(progress, number, rules, asked[answered])
            return [answer.result() for answer in asked]
    finally:
        gc.unfreeze()
        _program = None


def _answer_in_a_child(code: str) -> Answer:
    assert _program is not None
    return _answer(_program, load_catalogue().rule(code))


def _answer(program: Program, rule: Rule) -> Answer:
    try:
        check = load_catalogue().checker(rule).check_program
        return Answer(list(check(program)) if check is not None else [])
    except Exception as error:  # a checker's mistake must not cost the rest of the report
        return Answer(fault=f"{rule.code} {rule.name} failed: {type(error).__name__}: {error}")
