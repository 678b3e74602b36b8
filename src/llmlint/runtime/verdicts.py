"""Joins what runs recorded to findings, and says of each what may be said.

Any confirmation wins. A refutation needs everything: a probe that may refute, its canary heard in every process, every
watched function found, the same source, no lost records, clean ends, and no process that was never reached. What falls
short of that is exercised-clean or not-exercised, with what was missing in words. Findings in C and C++ are judged by
the ledgers (`native/judge.py`), which never refute.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmlint.catalogue import Catalogue
from llmlint.dynamic import probe as probes
from llmlint.dynamic.patching import load_probe
from llmlint.dynamic.plan import Finding as Watched
from llmlint.dynamic.plan import is_compiled
from llmlint.dynamic.read import Process, Run
from llmlint.findings import Finding, Verdict
from llmlint.plain import counted, one_line
from llmlint.runtime.native.judge import judge as judge_ledgers
from llmlint.runtime.native.judge import left_out
from llmlint.runtime.plan import can_be_watched, is_for_the_ledger, is_of_a_module, probe_of

UNTESTABLE = "untestable"


def with_verdicts(findings: Iterable[Finding], runs: Sequence[Run], catalogue: Catalogue) -> list[Finding]:
    """The findings with a verdict each; one that was confirmed is certain."""
    found = []
    for finding in findings:
        verdict = verdict_of(finding, runs, catalogue)
        if verdict.status == UNTESTABLE and finding.verdict is not None:  # what saw it was another thing than a probe
            verdict = finding.verdict
        sure = {"confidence": "certain", "confidence_reason": "seen in a traced run"}
        changes = sure if verdict.status == probes.CONFIRMED else {}
        found.append(msgspec.structs.replace(finding, verdict=verdict, **changes))
    return found


def verdict_of(finding: Finding, runs: Sequence[Run], catalogue: Catalogue) -> Verdict:
    if is_for_the_ledger(finding):
        section, of_one_run = "native", _of_the_ledgers
    elif can_be_watched(finding, catalogue):
        section, of_one_run = "findings", _of_one_run
    else:
        return Verdict(UNTESTABLE, _why_untestable(finding, catalogue))
    planned = [(run, watched) for run in runs for watched in _planned(finding, run.plan.get(section, []))]
    if not planned:
        return Verdict(probes.NOT_EXERCISED, "no run was made with this finding in its plan")
    verdicts = [of_one_run(run, watched) for run, watched in planned]
    return _together(verdicts)


def _why_untestable(finding: Finding, catalogue: Catalogue) -> str:
    if not finding.path.endswith(".py"):
        return "it is about no C function that the ledger could watch; sanitizer logs may tell"
    if not probe_of(finding, catalogue):
        rule = catalogue.get(finding.rule)
        return rule.no_probe if rule is not None and rule.no_probe else "the rule has no probe"
    if is_of_a_module(finding):
        return "it is about the code of a module itself, which is no function that could be watched"
    return "the finding does not say what to watch"


def _planned(finding: Finding, entries: Sequence[Mapping[str, Any]]) -> list[Watched]:
    """The plan's entry of a finding: by fingerprint, or else by rule, file and symbol where that is one entry."""
    same = [entry for entry in entries if entry["key"] == finding.fingerprint]
    if not same:
        place = (finding.rule, finding.path, finding.symbol)
        same = [entry for entry in entries if (entry["rule"], entry["path"], entry["symbol"]) == place]
    return [Watched(same[0])] if len(same) == 1 else []


def _of_the_ledgers(run: Run, watched: Watched) -> Verdict:
    judgement = judge_ledgers(watched, run)
    count = left_out(run)
    aside = f"; {counted(count, 'ledger')} in its folder did not come of this run whole" if count else ""
    return Verdict(judgement.status, judgement.summary + aside, judgement.evidence, (run.folder,), _reproduce(run))


def _reproduce(run: Run) -> str:
    command = shlex.join(run.command.get("command", []))
    return f"llmlint trace --findings FINDINGS --out RUN -- {command}" if command else ""


def _of_one_run(run: Run, watched: Watched) -> Verdict:
    relevant = [process for process in run.processes if _paths_of(watched) & set(process.loaded)]
    heard = [process for process in relevant if process.canaries.get(watched.probe, False)]
    kind = load_probe(watched.probe)
    judge = getattr(kind, "judge_run", None)
    if judge is not None:
        judgement = judge(watched, run)
    else:
        states = [process.states[watched.key] for process in heard if watched.key in process.states]
        judgement = kind.judge(watched, states) if states else _nothing_seen(run, watched, relevant, heard)
    status, summary = judgement.status, judgement.summary
    if status in _SEEN and any(process.attached for process in heard):
        status, summary = _seen_in_a_part(kind, status, summary)
    if status == probes.REFUTED:
        lacking = _lacking(kind, run, watched, relevant)
        if lacking:
            status, summary = probes.CLEAN, f"{summary}; no refutation, because {'; '.join(lacking)}"
    elif status in (probes.NOT_EXERCISED, probes.CLEAN):
        if status == probes.NOT_EXERCISED:
            summary = _unheld(watched, heard) or summary
        summary = "; ".join([summary, *_obstacles(run, watched, relevant)])
    else:
        summary = "; ".join([summary, *_shed(watched, relevant)])
    where = [process.label() for process in heard if _alone(kind, watched, process) in _SEEN]
    evidence = (*judgement.evidence, *([f"seen in {', '.join(where[:4])}"] if where else []))
    return Verdict(status, summary, evidence, (run.folder,), _reproduce(run))


def _unheld(watched: Watched, heard: list[Process]) -> str:
    """Of objects that can only be held fast: whatever else a probe says of them, it has not seen them."""
    count = probes.total((process.states.get(watched.key, {}) for process in heard), "unheld")
    owners = " and ".join(sorted({one.owner for one in watched.watch if one.owner}))
    return (
        f"{count} objects of {owners} can't be watched: its __slots__ leave no room for weak references"
        if count
        else ""
    )


def _seen_in_a_part(kind: type[probes.Probe], status: str, summary: str) -> tuple[str, str]:
    """What may be said of a program that was watched for a part of its life."""
    most = max(status, kind.attached, key=_WEIGHT.index)
    return most, summary if most == status else f"{summary}; but what was before it was attached to is not known"


def _shed(watched: Watched, relevant: list[Process]) -> list[str]:
    """Where it cost too much to be watched any longer."""
    return [
        f"{process.label()} watched for {shed['after']:.1f} s of it and took {100 * shed['share']:.1f} % of a core, "
        "more than its budget"
        for process in relevant
        for shed in [process.shed.get(watched.key)]
        if shed is not None
    ]


_SEEN = (probes.CONFIRMED, probes.SUSPICIOUS)


def _alone(kind: type[probes.Probe], watched: Watched, process: Process) -> str:
    """What this process says by itself."""
    state = process.states.get(watched.key)
    return kind.judge(watched, [state]).status if state is not None else probes.NOT_EXERCISED


def _nothing_seen(run: Run, watched: Watched, relevant: list[Process], heard: list[Process]) -> probes.Judgement:
    if not run.processes:
        return probes.Judgement(probes.NOT_EXERCISED, "no process of the run was traced")
    if not relevant:
        return probes.Judgement(probes.NOT_EXERCISED, f"{watched.path} was never imported")
    if not heard:
        why = "; ".join(sorted({process.silent.get(watched.probe, "") for process in relevant} - {""}))
        said = f"the probe did not see its own seeded bug{f' ({why})' if why else ''}, so it is not believed"
        return probes.Judgement(probes.NOT_EXERCISED, said)
    return probes.Judgement(probes.NOT_EXERCISED, "nothing of what the finding names could be watched")


def _obstacles(run: Run, watched: Watched, relevant: list[Process]) -> list[str]:
    """What stood in the way, for somebody who wants a better run."""
    found = [*_misses(watched, relevant), *_shed(watched, relevant)]
    found += [f"{process.label()} was watched for a time only" for process in relevant if process.attached]
    found += [f"{process.label()} did not end by itself" for process in relevant if not process.ended_cleanly]
    found += [f"{process.label()} lost {counted(process.lost, 'record')}" for process in relevant if process.lost]
    old = {path: record for process in relevant for path, record in process.loaded.items() if not record["same"]}
    found += [_not_the_same(run, path, str(old[path]["file"])) for path in sorted(old.keys() & _paths_of(watched))]
    found += ["llmlint trace was gone before the command ended"] if run.left_alone else []
    untraced = len(run.untraced())
    found += [f"{untraced} Python process{'es were' if untraced > 1 else ' was'} not traced"] if untraced else []
    found += [f"the tracer did not start everywhere: {one_line(why)}" for why in run.failures]
    found += [unwritten(run.unwritten)] if run.unwritten else []
    strangers = f"{counted(run.strangers, 'record')} in its folder"
    found += [f"{strangers} did not come of this run and counted for nothing"] if run.strangers else []
    return found


def unwritten(processes: int) -> str:
    return f"{processes} of the traced processes could write down nothing (is the disk full?)"


def _paths_of(watched: Watched) -> set[str]:
    return {target.path for target in watched.targets} | {one.path for one in watched.watch}


def _not_the_same(run: Run, path: str, file: str) -> str:
    if is_compiled(file):
        return f"{path} was compiled to {Path(file).name}, and from which version is not known"
    if not run.plan.get("files", {}).get(path, {}).get("sha256"):
        return f"{path} was not found under the --root of the run, so its version is not known"
    return f"{path} is another version there"


def _misses(watched: Watched, relevant: list[Process]) -> list[str]:
    missed = {
        f"{miss['qualname']} could not be watched: {miss['why']}"
        for process in relevant
        for miss in process.misses
        if miss.get("finding") == watched.key and miss.get("role") != "instance"
    }
    return sorted(missed)


def _lacking(kind: type[probes.Probe], run: Run, watched: Watched, relevant: list[Process]) -> list[str]:
    """Why a refutation may not stand."""
    found = [] if kind.may_refute else ["a probe of this kind never refutes"]
    found += _obstacles(run, watched, relevant)
    for process in relevant:
        if not process.canaries.get(watched.probe, False):
            found.append(f"{process.label()} did not hear its canary")
        if process.faults:
            found.append(f"{process.label()} had {process.faults} faults")
    return found


_WEIGHT = (probes.CONFIRMED, probes.SUSPICIOUS, probes.REFUTED, probes.CLEAN, probes.NOT_EXERCISED)


def _together(verdicts: list[Verdict]) -> Verdict:
    """Over several runs: any confirmation wins, then any suspicion; a refutation stands only if no run saw less."""
    best = min(verdicts, key=lambda verdict: _WEIGHT.index(verdict.status))
    if best.status == probes.REFUTED and any(verdict.status == probes.CLEAN for verdict in verdicts):
        best = next(verdict for verdict in verdicts if verdict.status == probes.CLEAN)
    runs = tuple(run for verdict in verdicts for run in verdict.runs)
    return msgspec.structs.replace(best, runs=runs)
