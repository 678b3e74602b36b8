"""What a ledger's notes say at the end: left behind, seen to go, or neither."""

from __future__ import annotations

from collections.abc import Sequence

from ..plan import Finding
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, SUSPICIOUS, Judgement, State, merged, need, samples, total


def judged(finding: Finding, states: Sequence[State]) -> Judgement:
    """What a run says of what was left behind."""
    ended = merged(states, "ended")
    left = merged(states, "left")
    if sum(left.values()):
        names = ", ".join(f"{attribute} ({count})" for attribute, count in sorted(left.items()))
        by = ", ".join(f"{via} {count}" for via, count in sorted(merged(states, "left_by").items()))
        summary = f"ids of requests that had ended were still in {names}; they ended by {by}"
        doubt = _doubt(states)
        evidence = [*samples(states, "samples"), _workload(ended, states)]
        return Judgement(SUSPICIOUS if doubt else CONFIRMED, summary + doubt, evidence)
    doubtful_end = _swept(states)
    if doubtful_end:
        return doubtful_end
    if not any(target.role == "leave" for target in finding.targets):
        return _never_removed(finding, states)
    missing = _missing_path(finding, ended)
    if missing:
        return Judgement(NOT_EXERCISED, missing)
    if not total(states, "objects"):
        return Judgement(NOT_EXERCISED, "no object that holds the container was seen")
    enough = need(finding, "ended", 50)
    named = [target.via or target.qualname for target in finding.targets if target.role == "leave"]
    examined = merged(states, "examined")
    unseen = sum(ended.values()) - sum(examined.values())
    after = f"; {unseen} ended when no object that holds the container was there to look into" if unseen else ""
    undecided = total(states, "undecided")
    if undecided:
        held = f"{undecided} that had only just ended were still held at the last look"
        return Judgement(CLEAN, f"{held}, too soon to tell{after} ({_workload(ended, states)})")
    if not examined:
        return Judgement(NOT_EXERCISED, f"the container was gone before anybody looked into it{after}")
    doubtful = total(states, "dropped") + total(states, "staying") + sum(merged(states, "late_by").values())
    went = merged(states, "went")
    if all(went.get(via, 0) >= enough for via in named) and total(states, "quiet") >= 2 and not doubtful:
        return Judgement(REFUTED, f"nothing was left behind by any path: {_workload(ended, states)}")
    swept = sum(merged(states, "swept").values())
    if swept:
        said = f"{swept} that had ended were still held, and gone with all the others when somebody looked again"
        return Judgement(CLEAN, f"{said}, which tells nothing{after} ({_workload(ended, states)})")
    witnessed = min((went.get(via, 0) for via in named), default=0)
    seen = f"nothing was left behind by those that were looked for{after}" if unseen else "nothing was left behind"
    would = f"{enough} a path that are seen to go would refute, and {witnessed} were"
    return Judgement(CLEAN, f"{seen} ({_workload(ended, states)}; {would})")


def _doubt(states: Sequence[State]) -> str:
    """Why those that were left may yet go."""
    bounded = [str(state["bounded"]) for state in states if state.get("bounded")]
    if bounded:
        return f", which has a bound ({bounded[0]})"
    late = {**merged(states, "late_by"), **merged(states, "swept_by")}
    if all(late.get(via) for via in merged(states, "left_by")):
        return "; but others that ended so went late, so these may go as well"
    return ""


def _swept(states: Sequence[State]) -> Judgement | None:
    """What its end had left went with all the others, and nobody who ended so was seen to go late by itself."""
    late = {**merged(states, "went_late"), **merged(states, "late_by")}
    swept = {via: count for via, count in merged(states, "swept_by").items() if not late.get(via)}
    if not swept:
        return None
    by = ", ".join(f"{via} {count}" for via, count in sorted(swept.items()))
    said = f"{sum(swept.values())} that had ended (by {by}) were still held long after, until all that was held went"
    summary = f"{said} at once: whether they would have gone by themselves is not known"
    return Judgement(SUSPICIOUS, summary, [_workload(merged(states, "ended"), states)])


def _never_removed(finding: Finding, states: Sequence[State]) -> Judgement:
    """For findings that name nobody who removes: was anything ever removed?"""
    entered, removed, live = total(states, "entered"), total(states, "removed"), total(states, "live")
    enough = need(finding, "keys", 50)
    seen = f"{entered} entered, {removed} removed, {live} there at the end"
    if not total(states, "objects"):
        return Judgement(NOT_EXERCISED, "no object that holds the container was seen")
    if entered < enough:
        return Judgement(NOT_EXERCISED, f"too few entered ({seen}; {enough} are needed)")
    if removed or live < entered:
        return Judgement(CLEAN, f"entries were removed ({seen})")
    said = f"nothing that entered was ever removed, but nobody was seen to end: all may be under way ({seen})"
    return Judgement(SUSPICIOUS, said, [seen])


def _missing_path(finding: Finding, ended: dict[str, int]) -> str:
    named = {target.via or target.qualname for target in finding.targets if target.role == "leave"}
    never = sorted(via for via in named if not ended.get(via))
    if never:
        return f"no request ended by {' or '.join(never)}"
    return ""


def _workload(ended: dict[str, int], states: Sequence[State]) -> str:
    ways = ", ".join(f"{count} by {via}" for via, count in sorted(ended.items()))
    return f"{total(states, 'entered')} entered, ended: {ways or 'none'}"
