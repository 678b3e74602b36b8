"""`llmlint trace`, `llmlint confirm` and `llmlint verify`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
import msgspec

from llmlint.catalogue import load_catalogue
from llmlint.findings import Finding, Verdict, at_least
from llmlint.runtime.device_watch import DeviceWatch, device_options, with_device_watch
from llmlint.runtime.driving import WRONG_USE, driver, prepare_driving, shrink_requests, stress_options, wrong_use
from llmlint.runtime.evidence import Evidence, evidence_options
from llmlint.runtime.units import Share
from llmlint.timelines import Timeline
from llmlint.writing import write_file

if TYPE_CHECKING:
    from llmlint.runtime.publishing import Publishing

USUAL_BUDGET = 0.02
"""Of a core: what watching may take in a program that was to be left alone."""


class Sleep(NamedTuple):
    """How a dormant run is woken by a signal, and for how long."""

    signal: str
    seconds: float


def document_in(file: Path) -> Any:
    document = _read(file)
    return wrong_use(document) if isinstance(document, str) else document


def _read(file: Path) -> Any:
    """The report in a file, or in words why there is none."""
    from llmlint.report.json import Document

    try:
        return msgspec.json.decode(file.read_bytes(), type=Document)
    except OSError as error:
        return f"cannot read {file}: {error.strerror}"
    except msgspec.DecodeError as error:
        return f"{file} is no report of `scan --format json`: {error}"


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--findings", type=click.Path(path_type=Path), help="A report of scan --format json.")
@click.option(
    "--watch", "watches", multiple=True, metavar="SPEC", help="'Scheduler.add:enter, finish:leave, abort:leave'"
)
@click.option("--container", "containers", multiple=True, metavar="ATTRIBUTE", help="What --watch is about.")
@click.option(
    "--watch-template",
    "templates",
    multiple=True,
    nargs=2,
    metavar="NAME PATH",
    help="Watch functions under PATH by their words: request-lifecycle, resets, caches, locks, collectives.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="A folder for what the run records.")
@click.option("--root", default=".", type=click.Path(path_type=Path), help="What the findings' paths are relative to.")
@click.option(
    "--sites",
    multiple=True,
    type=click.Path(exists=True),
    help="Count calls of all functions under this path that our rules are about, for confirm --coverage.",
)
@click.option("--budget", type=Share(), help="What watching may take of a core, as 2%: the costliest is left out.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Numbers for Prometheus on the loopback; 0: any.")
@click.option("--metrics-file", is_flag=True, help="Numbers for Prometheus in the run's folder, every ten seconds.")
@click.option("--otlp", default="", metavar="URL", help="Numbers for this OpenTelemetry collector, over HTTP.")
@click.option("--dormant", is_flag=True, help="Watch nothing until `llmlint attach` or --wake-signal says so.")
@click.option(
    "--wake-signal", type=click.Choice(["SIGUSR1", "SIGUSR2", "SIGHUP"]), help="With --dormant: wakes for --for."
)
@device_options
@stress_options
@click.option(
    "--shrink-to",
    type=click.Path(path_type=Path),
    help="Run COMMAND again and again, and write here the fewest requests of --stress FILE that confirm the same.",
)
@click.option("--shrink-runs", default=24, show_default=True, type=click.IntRange(1, 1000), help="How often at most.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def trace(
    findings: Path | None,
    watches: Sequence[str],
    containers: Sequence[str],
    templates: Sequence[tuple[str, str]],
    out: Path,
    root: Path,
    sites: Sequence[str],
    command: Sequence[str],
    ids: bool,
    budget: float | None,
    dormant: bool,
    wake_signal: str | None,
    metrics_port: int | None,
    metrics_file: bool,
    otlp: str,
    shrink_to: Path | None,
    shrink_runs: int,
    **others: Any,
) -> None:
    """Run COMMAND, watching what the findings name, or what is asked by hand. Ends as the command ends."""
    from llmlint.runtime.publishing import Publishing
    from llmlint.runtime.trace import leave_as

    device = DeviceWatch(**{name: others.pop(name) for name in DeviceWatch._fields})
    driving = others
    if findings is None and not watches and not templates and not device.probes:
        wrong_use(f"trace takes --findings, --watch, --watch-template, {device.flags}")
    if device.races and not device.steps:
        wrong_use("--races goes with --step")
    document = _read(findings) if findings is not None else None
    asked = asked_by_hand(watches, containers, templates, root)
    if isinstance(document, str) or isinstance(asked, str):
        missing = document if isinstance(document, str) else str(asked)
        leave_as(_without_tracing(missing, command, driver(out, **driving)))
        return
    known = document.findings if document is not None else []
    if wake_signal and not dormant:
        wrong_use("--wake-signal goes with --dormant")
    if shrink_to is not None and (dormant or not str(driving["stress"]).endswith(".jsonl")):
        wrong_use("--shrink-to goes with --stress FILE.jsonl, and not with --dormant")
    sleep = Sleep(wake_signal or "", driving["seconds"]) if dormant else None
    publishing = Publishing(metrics_port, metrics_file, otlp)
    watching: dict[str, Any] = {"sites": sites, "budget": budget or 0.0, "device": device}
    status, was_traced = _traced(
        [*known, *asked], out, root, command, ids, sleep=sleep, publishing=publishing, **watching, **driving
    )
    if was_traced and not dormant:
        _write_own_findings(out, asked, device, root)
    if shrink_to is not None:
        watched = [*known, *asked]

        def confirms(folder: Path, requests: str) -> frozenset[str]:
            _traced(watched, folder, root, command, ids, **{**watching, **driving, "stress": requests})
            return _confirmed_in(folder, watched)

        shrink_requests(driving["stress"], shrink_to, shrink_runs, _confirmed_in(out, watched), confirms)
    leave_as(status)


def asked_by_hand(
    watches: Sequence[str], containers: Sequence[str], templates: Sequence[tuple[str, str]], root: Path
) -> list[Finding] | str:
    """What is to be watched without a scan's finding, or in words why it can't be."""
    if not watches and not templates:
        return []
    from llmlint.runtime.templates import by_template
    from llmlint.runtime.watching import WatchError, named_by_hand
    from llmlint.vocabulary_file import load_vocabulary

    catalogue, vocabulary = load_catalogue(), load_vocabulary()
    try:
        found = named_by_hand(watches, containers, root, catalogue, vocabulary)
        for name, path in templates:
            found += by_template(name, Path(path), root, catalogue, vocabulary)
    except WatchError as error:
        return str(error)
    return found


def _write_own_findings(out: Path, asked: list[Finding], device: DeviceWatch, root: Path) -> None:
    """What a run saw of what no scan had found, beside its records; the command's own output stays its own."""
    from llmlint.dynamic.read import read_run
    from llmlint.runtime.own_findings import FILE, write_own_findings

    if not (asked or device.probes) or (out / FILE).exists() or not (out / "plan.json").exists():
        return
    try:
        run = read_run(str(out))
        seen: list[Finding] = []
        if device.probes:
            from llmlint.runtime.device_findings import seen_in, write_what_was_measured

            seen = seen_in(run, root, load_catalogue())
            write_what_was_measured(out, run, device)
        judged = write_own_findings(out, asked, [run], seen)
    except OSError as error:
        click.echo(f"llmlint: {error.filename or out / FILE}: {error.strerror}", err=True)
        return
    click.echo(f"llmlint: {out / FILE}: {tally(finding.verdict for finding in judged)}", err=True)


def _traced(
    findings: Sequence[Finding],
    out: Path,
    root: Path,
    command: Sequence[str],
    ids: bool,
    sites: Sequence[str] = (),
    budget: float = 0.0,
    device: DeviceWatch = DeviceWatch(),  # noqa: B008 (a tuple of plain values)
    sleep: Sleep | None = None,
    publishing: Publishing | None = None,
    **driving: Any,
) -> tuple[int, bool]:
    """How the command ended, and whether it was traced."""
    from llmlint.runtime.plan import make_plan
    from llmlint.runtime.publishing import Publishing, published
    from llmlint.runtime.trace import let_sleep, prepare, run_traced, whole_or_not_at_all
    from llmlint.runtime.watching import WatchError

    driven = driver(out, **driving)
    missing = ""
    try:
        plan = make_plan(findings, load_catalogue(), root)
        if sites:
            from llmlint.runtime.sites import with_sites
            from llmlint.vocabulary_file import load_vocabulary

            plan = with_sites(plan, sites, load_vocabulary())
        plan = with_device_watch(plan, device, root)
        prepare(out, {**plan, "budget": budget, **({"native": []} if sleep else {})})
        with whole_or_not_at_all(out):
            prepare_driving(out, driving["faults"])
            if sleep is not None:
                from llmlint.runtime.own_findings import write_own_findings

                write_own_findings(out, findings)
                let_sleep(out, sleep.signal, sleep.seconds, budget or USUAL_BUDGET)
    except WatchError as error:
        missing = str(error)
    except msgspec.ValidationError as error:
        missing = f"a finding's runtime block is not understood: {error}"
    except OSError as error:
        missing = f"{error.filename or out}: {error.strerror}"
    try:
        if missing:
            return _without_tracing(missing, command, driven), False
        with published(out, publishing or Publishing()):
            return run_traced(command, out, ids, driven), True
    except OSError as error:
        wrong_use(f"{error.filename or command[0]}: {error.strerror}")


def _without_tracing(
    missing: str, command: Sequence[str], meanwhile: Callable[[subprocess.Popen[bytes]], object] | None
) -> int:
    from llmlint.runtime.trace import run_untraced

    click.echo(f"llmlint: the command runs untraced: {missing}", err=True)
    return run_untraced(command, meanwhile)


@click.command()
@click.argument("findings", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@evidence_options
@click.option("--root", default=".", type=click.Path(path_type=Path), help="What the findings' paths are relative to.")
@click.option("--format", "format_", default="text", help="text, concise, json, jsonl, sarif, html …")
@click.option("--output", "outputs", multiple=True, metavar="FORMAT:FILE", help="Write a report to a file too.")
@click.option("--write", is_flag=True, help="Write the verdicts back into FINDINGS.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Write the verdicts into this baseline too.")
@click.option("--coverage", is_flag=True, help="Say what the runs never reached.")
@click.option(
    "--metrics", type=click.Path(path_type=Path), help="Write the runs' numbers here, as Prometheus reads them."
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but what was asked for by --output.")
def confirm(
    findings: Path,
    runs: Sequence[Path],
    logs: Sequence[Path],
    dumps: Sequence[Path],
    snapshots: Sequence[Path],
    answers: Sequence[Path],
    sync_logs: Sequence[Path],
    root: Path,
    format_: str,
    outputs: Sequence[str],
    write: bool,
    baseline: Path | None,
    coverage: bool,
    metrics: Path | None,
    quiet: bool,
) -> None:
    """Write what the RUNS, and logs and dumps of other tools, saw onto the FINDINGS."""
    from llmlint.dynamic.read import read_run
    from llmlint.runtime.timeline import timelines_of

    document = document_in(findings)
    evidence = Evidence(logs, dumps, snapshots, answers, sync_logs)
    if not runs and not any(evidence):
        wrong_use(
            "confirm takes a folder of `llmlint trace`, or what another tool wrote: "
            "--sanitizer-log, --sync-log, --flight-recorder, --memory-snapshot"
        )
    if answers and not runs:
        wrong_use("--nccl-ras goes with a folder of `llmlint trace`: the answers know processes, and no code")
    for folder in runs:
        if not (folder / "plan.json").is_file():
            wrong_use(f"{folder} is not a folder of `llmlint trace`")
    read = [read_run(str(folder)) for folder in runs]
    confirmed = _judged(document.findings, read) if runs else list(document.findings)
    confirmed, timelines = evidence.joined_to(confirmed, root, load_catalogue(), read)
    if write:
        outputs = (*outputs, f"json:{findings}")
    _report(document, confirmed, format_, outputs, quiet, [*timelines_of(read), *timelines])
    if baseline is not None:
        _write_into(baseline, confirmed)
    if metrics is not None:
        _write_metrics(metrics, read)
    if coverage:
        from llmlint.runtime.coverage import coverage_of

        click.echo(coverage_of(confirmed, read), nl=False)


def _write_metrics(file: Path, runs: Sequence[Any]) -> None:
    from llmlint.runtime.metrics import metrics_of
    from llmlint.runtime.publishing import write_metrics

    try:
        write_metrics(file, metrics_of(runs))
    except OSError as error:
        wrong_use(f"cannot write {file}: {error.strerror}")


def _write_into(file: Path, findings: list[Finding]) -> None:
    from llmlint.baseline import BaselineError, read_baseline, with_verdicts, write_baseline

    try:
        write_baseline(file, with_verdicts(read_baseline(file), file, findings))
    except BaselineError as error:
        wrong_use(str(error))
    except OSError as error:
        wrong_use(f"cannot write {file}: {error.strerror}")


def _confirmed_in(folder: Path, findings: Sequence[Finding]) -> frozenset[str]:
    """The findings, by fingerprint, that a run has confirmed; none where it was not traced."""
    from llmlint.dynamic.read import read_run

    if not (folder / "plan.json").is_file():
        return frozenset()
    judged = _judged(findings, [read_run(str(folder))])
    return frozenset(one.fingerprint for one in judged if one.verdict is not None and one.verdict.status == "confirmed")


def _judged(findings: Sequence[Finding], runs: Sequence[Any]) -> list[Finding]:
    from llmlint.runtime.verdicts import with_verdicts

    return with_verdicts(findings, runs, load_catalogue())


def _report(
    document: Any,
    findings: list[Finding],
    format_: str,
    outputs: Sequence[str],
    quiet: bool,
    memory: Sequence[Timeline] = (),
) -> None:
    from llmlint.report import FORMATS, Style, render
    from llmlint.scan import ScanResult

    catalogue = load_catalogue()
    rules = tuple(rule for rule in catalogue if rule.code in document.tool.rules)
    result = ScanResult(findings=findings, counts=document.files, rules=rules, memory=memory)
    for text in outputs:
        name, colon, file = text.partition(":")
        if not colon or name not in FORMATS:
            wrong_use(f"--output takes FORMAT:FILE with one of {', '.join(FORMATS)}, not {text!r}")
        try:
            write_file(Path(file), render(name, result, Style()).encode("utf-8", "replace"))
        except OSError as error:
            wrong_use(f"cannot write {file}: {error.strerror}")
    if format_ not in FORMATS:
        wrong_use(f"there is no format {format_!r}; there are {', '.join(FORMATS)}")
    if not quiet:
        color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        sys.stdout.write(render(format_, result, Style(color=color)))
        if format_ == "text":
            click.echo(tally(finding.verdict for finding in findings))


def tally(verdicts: Any) -> str:
    """How many of each verdict, in one line."""
    counts: dict[str, int] = {}
    for verdict in verdicts:
        if isinstance(verdict, Verdict):
            counts[verdict.status] = counts.get(verdict.status, 0) + 1
    order = ("confirmed", "suspicious", "refuted", "exercised-clean", "not-exercised", "untestable")
    return "verdicts: " + (", ".join(f"{counts[name]} {name}" for name in order if name in counts) or "none")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--out", type=click.Path(path_type=Path), help="Keep what the run records here.")
@click.option("--format", "format_", default="text", help="text, concise, json, jsonl, sarif, html …")
@click.option("--output", "outputs", multiple=True, metavar="FORMAT:FILE", help="Write a report to a file too.")
@stress_options
def verify(
    path: Path,
    command: Sequence[str],
    out: Path | None,
    format_: str,
    outputs: Sequence[str],
    ids: bool,
    **driving: Any,
) -> None:
    """Scan PATH, run COMMAND traced, and report the findings with verdicts. Exits with 1 when one is confirmed.

    What reading alone is not sure of is watched too, and told where the run speaks for it.
    """
    from llmlint.dynamic.read import read_run
    from llmlint.runtime.timeline import timelines_of

    with tempfile.TemporaryDirectory(prefix="llmlint-") as scratch:
        report, folder = Path(scratch) / "findings.json", out or Path(scratch) / "run"
        scan = [
            sys.executable,
            "-P",  # nothing is imported from the folder that is scanned
            "-m",
            "llmlint",
            "scan",
            str(path),
            "--quiet",
            "--exit-zero",
            "--min-confidence",
            "low",  # a run decides what reading does not
            "--output",
            f"json:{report}",
        ]
        status = subprocess.run(scan, check=False).returncode
        if status:
            sys.exit(status)
        document = document_in(report)
        if (folder / "plan.json").exists():
            wrong_use(f"{folder}: it holds a run already")
        _, was_traced = _traced(document.findings, folder, Path(), command, ids, **driving)
        if not was_traced:
            sys.exit(WRONG_USE)
        run = read_run(str(folder))
        judged = _judged(document.findings, [run])
        findings = [f for f in judged if at_least(f.confidence, "medium") or _is_spoken_for(f)]
        _report(document, findings, format_, outputs, quiet=False, memory=timelines_of([run]))
    sys.exit(int(any(f.verdict is not None and f.verdict.status == "confirmed" for f in findings)))


def _is_spoken_for(finding: Finding) -> bool:
    """Did the run see something of what reading alone would not have shown?"""
    return finding.verdict is not None and finding.verdict.status in ("confirmed", "suspicious")
