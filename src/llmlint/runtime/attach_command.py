"""`llmlint attach`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from llmlint.runtime.commands import USUAL_BUDGET
from llmlint.runtime.driving import wrong_use
from llmlint.runtime.units import Seconds, Share


@click.command()
@click.argument("target", metavar="RUN|PID")
@click.option("--for", "seconds", type=Seconds(), default="60s", show_default=True, help="How long to watch.")
@click.option("--budget", type=Share(), default=USUAL_BUDGET, help="What watching may take of a core.  [default: 2%]")
@click.option("--findings", type=click.Path(path_type=Path), help="For a program that nobody prepared: what to watch.")
@click.option("--watch", "watches", multiple=True, metavar="SPEC", help="For such a program: as in `llmlint trace`.")
@click.option("--container", "containers", multiple=True, metavar="ATTRIBUTE", help="What --watch is about.")
@click.option("--out", type=click.Path(path_type=Path), help="For such a program: a folder for what is recorded.")
@click.option("--root", default=".", type=click.Path(path_type=Path), help="What the findings' paths are relative to.")
def attach(
    target: str,
    seconds: float,
    budget: float,
    findings: Path | None,
    watches: Sequence[str],
    containers: Sequence[str],
    out: Path | None,
    root: Path,
) -> None:
    """Watch the processes of a run of `trace --dormant`, or the one process PID, for a time, and say what was seen.

    Afterwards every function is what it was. A process that was not started so can be attached to on Python 3.14.
    """
    from llmlint.runtime import attaching
    from llmlint.runtime.attaching import CannotAttach, give_order

    try:
        asleep, pids = _asleep(target)
        folder = asleep or _prepared(pids[0], findings, watches, containers, out, root)
        order = give_order(folder, seconds, budget, pids)
        if asleep is None:
            attaching.send_into(pids[0], folder)
        watched = attaching.watch_for(folder, order, seconds, attaching.PATIENCE if asleep else seconds)
    except CannotAttach as error:
        wrong_use(str(error))
    except OSError as error:
        wrong_use(f"{error.filename or target}: {error.strerror}")
    if not watched and (asleep or any(folder.glob("failed-*"))):
        wrong_use(attaching.nobody_woke(folder))
    elif not watched:
        wrong_use(attaching.did_not_come_to_it(pids[0], seconds))
    _report(folder, watched)


def _asleep(target: str) -> tuple[Path | None, Sequence[int]]:
    """The dormant run that is meant, and which of its processes, if not all; no run for a process of none."""
    from llmlint.runtime.attaching import sleeping_run_of
    from llmlint.runtime.trace import DORMANT

    if target.isdigit():
        return sleeping_run_of(int(target)), (int(target),)
    if not (Path(target) / DORMANT).is_file():
        wrong_use(f"{target} is neither a process nor the folder of a run of `llmlint trace --dormant`")
    return Path(target), ()


def _prepared(
    pid: int, findings: Path | None, watches: Sequence[str], containers: Sequence[str], out: Path | None, root: Path
) -> Path:
    """A folder for a process that has none, with what is to be watched there."""
    from llmlint.catalogue import load_catalogue
    from llmlint.runtime.attaching import CannotAttach, can_be_sent, why_not_sent
    from llmlint.runtime.commands import asked_by_hand, document_in
    from llmlint.runtime.own_findings import write_own_findings
    from llmlint.runtime.plan import make_plan
    from llmlint.runtime.trace import let_sleep, prepare

    if not can_be_sent():
        raise CannotAttach(why_not_sent(pid))
    if out is None or (findings is None and not watches):
        raise CannotAttach(f"process {pid} is of no dormant run: --findings or --watch is needed, and --out")
    asked = asked_by_hand(watches, containers, (), root)
    if isinstance(asked, str):
        raise CannotAttach(asked)
    found = [*(document_in(findings).findings if findings is not None else ()), *asked]
    plan: dict[str, Any] = make_plan(found, load_catalogue(), root)
    prepare(out, {**plan, "native": []})
    write_own_findings(out, found)
    let_sleep(out, "", 0.0, 0.0, once=True)
    return out


def _report(folder: Path, watched: Sequence[Any]) -> None:
    from llmlint.dynamic.read import read_run
    from llmlint.runtime.attaching import account_of
    from llmlint.runtime.commands import tally
    from llmlint.runtime.own_findings import FILE, own_findings, write_own_findings

    judged = write_own_findings(folder, own_findings(folder), [read_run(str(folder))])
    named = {finding.fingerprint: finding for finding in judged}
    for process in watched:
        click.echo(account_of(process, named))
    for finding in judged:
        if finding.verdict is not None and finding.verdict.status in ("confirmed", "suspicious"):
            click.echo(
                f"{finding.path}:{finding.line}: {finding.rule} {finding.verdict.status}: {finding.verdict.summary}"
            )
    click.echo(f"{folder / FILE}: {tally(finding.verdict for finding in judged)}")
