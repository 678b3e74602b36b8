"""What the ledgers of a run say of a finding: confirmed, exercised-clean or not-exercised, and never refuted.

Confirmed needs a process that was left in the ordinary way, and more still held in it than its threads may have had in
hand. A ledger sees calls and not paths, so that all was given back says nothing of the path that the finding is about.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from llmlint.dynamic.native.read import Ledger, Site, read_ledgers, without_a_ledger
from llmlint.dynamic.plan import Finding as Watched
from llmlint.dynamic.plan import Target
from llmlint.dynamic.probe import CLEAN, CONFIRMED, NOT_EXERCISED, Judgement, need
from llmlint.dynamic.read import Run
from llmlint.runtime.frames import Frame, is_called, same_file
from llmlint.runtime.native.build import account_of
from llmlint.runtime.native.places import Places, can_ask, places_of

NEAR = 2
"""So many lines a call may be from where the finding has it, when no other call of the function is in question."""


class Lent(NamedTuple):
    """What one process was lent at the finding's place."""

    ledger: Ledger
    sites: list[Site]
    excused: int
    """How many of those that are held may be in use, or only look as if they were held."""

    def total(self, what: str) -> int:
        return sum(getattr(site, what) for site in self.sites)

    def is_leak(self, of: int) -> bool:
        return self.ledger.ended and not self.total("vanished") and self.total("held") >= self.excused + of


def judge(watched: Watched, run: Run) -> Judgement:
    problem = account_of(run.folder).get("problem")
    if problem:
        return Judgement(NOT_EXERCISED, problem)
    ledgers, places = _seen(run)
    lender = next(target.qualname for target in watched.targets if target.role == "acquire")
    found = [lent for ledger in ledgers for lent in _lent(watched, lender, ledger, places)]
    if not found:
        return Judgement(NOT_EXERCISED, _never_lent(run, lender, ledgers, places))
    if any(target.role == "leave" for target in watched.targets):
        found = list(_after_clean_ups(watched, found, places))
        if not found:
            return Judgement(NOT_EXERCISED, "the owner's clean-up was not seen to give anything back")
    leaks = [lent for lent in found if lent.is_leak(need(watched, "held", 1))]
    return _confirmed(lender, leaks, places) if leaks else _clean(lender, found)


@lru_cache(maxsize=8)
def _seen(run: Run) -> tuple[list[Ledger], Places]:
    """Read once for all findings."""
    ledgers = read_ledgers(run.folder, account_of(run.folder).get("functions", []))
    return ledgers, places_of(ledgers)


def left_out(run: Run) -> int:
    """Ledgers that are torn, or that this run did not write: they count for nothing."""
    names = (name for name in os.listdir(run.folder) if name.startswith("n-") and name.endswith(".ledger"))
    return len(list(names)) - len(_seen(run)[0])


# ---------------------------------------------------------------- whose calls


def _lent(watched: Watched, lender: str, ledger: Ledger, places: Places) -> Iterator[Lent]:
    scope = next(target for target in watched.targets if target.role == "scope")
    inside = [site for site in ledger.sites if site.function == lender and _frames_in(scope, site, places)]
    line = watched.options.get("line", 0)
    lines = [_frames_in(scope, site, places)[0].line for site in inside]
    at = [site for site, told in zip(inside, lines, strict=True) if told == line]
    if not at and len(inside) == 1 and (not lines[0] or abs(lines[0] - line) <= NEAR):
        at = inside
    if at:
        leaving = any(_frames_in(scope, site, places) for site in ledger.way_out)
        yield Lent(ledger, at, sum(site.in_hand for site in at) + ledger.given_back_unnoted + leaving)


def _frames_in(target: Target, site: Site, places: Places) -> list[Frame]:
    """The frames at a call that lie in the target: the call is its own, or that of something inlined into it."""
    frames = places.get((site.module, site.address), ())
    return [
        frame
        for frame in frames
        if is_called(frame.function, target.qualname) and (not frame.file or same_file(target.path, frame.file))
    ]


def _after_clean_ups(watched: Watched, found: Iterable[Lent], places: Places) -> Iterator[Lent]:
    """For members: an owner that was not cleaned up holds its own rightly, and its siblings with it.

    If nobody but the function that acquires it (to replace it by another) ever gave one back, more of them than of any
    sibling that the clean-up gives back can only be left over.
    """
    scope, leave = (next(one for one in watched.targets if one.role == role) for role in ("scope", "leave"))
    for lent in found:
        held_with: dict[Site, int] = {}
        for sibling in lent.ledger.sites:
            for taker, _ in sibling.given_back_at:
                if _frames_in(leave, taker, places):
                    held_with[taker] = held_with.get(taker, 0) + sibling.held
        elsewhere = [t for site in lent.sites for t, _ in site.given_back_at if not _frames_in(scope, t, places)]
        if held_with:
            owners = lent.total("held") if elsewhere else max(held_with.values())
            yield lent._replace(excused=lent.excused + owners)


# ---------------------------------------------------------------- in words


def _never_lent(run: Run, lender: str, ledgers: list[Ledger], places: Places) -> str:
    late = without_a_ledger(run.folder)
    rest = f"; {late} processes had no ledger, as there were too many" if late else ""
    calls = [site for ledger in ledgers for site in ledger.sites if site.function == lender]
    if not calls:
        unseen = "calls of a static copy, or by dlsym, go unseen"
        return f"no process called {lender} through a shared library ({unseen}){rest}"
    nameless = sum(site.calls for site in calls if not places.get((site.module, site.address)))
    why = "it is stripped, or was built anew since" if can_ask() else "addr2line is not installed"
    rest += f"; nobody can tell where {nameless} of the calls came from: {why}" if nameless else ""
    return f"{lender} was called {sum(site.calls for site in calls)} times, and not where the finding has it{rest}"


def _confirmed(lender: str, leaks: list[Lent], places: Places) -> Judgement:
    held, calls = (sum(lent.total(what) for lent in leaks) for what in ("held", "calls"))
    summary = f"{held} of {calls} that {lender} lent there were still held when the process had ended"
    return Judgement(CONFIRMED, summary, [line for lent in leaks[:4] for line in _evidence(lent, places)])


def _evidence(lent: Lent, places: Places) -> Iterator[str]:
    name = f"process {lent.ledger.pid}"
    calls, given_back, held = (lent.total(what) for what in ("calls", "given_back", "held"))
    yield f"{name}: {calls} lent, {given_back} given back, {held} held when it ended in the ordinary way"
    for site in lent.sites[:4]:
        frame = places[site.module, site.address][0]
        where = f"{frame.file}:{frame.line}" if frame.line else f"{site.module}+{site.address:#x}"
        yield f"{site.function} was called at {where} in {frame.function}"
    if lent.excused:
        yield f"{name}: {lent.excused} of those held may have been in use"


def _clean(lender: str, found: list[Lent]) -> Judgement:
    calls, given_back, held, vanished = (
        sum(lent.total(what) for lent in found) for what in ("calls", "given_back", "held", "vanished")
    )
    seen = f"{calls} lent there by {lender}, {given_back} given back, {held} held"
    if not held:
        return Judgement(CLEAN, f"{seen}; a ledger does not see whether the finding's own way was taken")
    torn = [f"process {lent.ledger.pid}" for lent in found if not lent.ledger.ended]
    if torn:
        return Judgement(NOT_EXERCISED, f"{', '.join(torn)} did not end in the ordinary way ({seen} by then)")
    if vanished:
        return Judgement(CLEAN, f"{seen}; {vanished} went by a way that the ledger does not see, so it cannot tell")
    return Judgement(CLEAN, f"{seen}, which may have been in use, or kept on purpose for as long")
