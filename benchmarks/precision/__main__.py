"""`python -m benchmarks.precision`: scan pinned trees, read samples of the findings, record verdicts, report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import click
import msgspec

from benchmarks.histories import HistoryError
from benchmarks.precision.targets import LastScan, Sighting, excerpts, load_targets, sample, scan_target, tree_of
from benchmarks.precision.verdicts import (
    ANSWERS,
    VERDICTS,
    Answer,
    Precision,
    Reading,
    by,
    load_readings,
    precision,
    reading_of,
    record,
)
from benchmarks.real_bugs.options import cache_option, histories_option
from llmlint.findings import CONFIDENCES, at_least

verdicts_option = click.option(
    "--verdicts", type=click.Path(path_type=Path), default=VERDICTS, help="The committed file of verdicts."
)
confidence_option = click.option(
    "--min-confidence", type=click.Choice(CONFIDENCES), default="medium", show_default=True, help="As in scan."
)


@click.group(help=__doc__)
def main() -> None:
    pass


@main.command("scan")
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--trees", type=click.Path(path_type=Path, exists=True), help="Folder that holds the targets' trees.")
@histories_option
@cache_option
@click.option("--targets", type=click.Path(path_type=Path, exists=True), help="Another targets.toml.")
@click.option("--rules", default="", help="Only these rules, as in scan --select.")
@click.option("--jobs", default=4, show_default=True)
def scan_command(
    names: tuple[str, ...],
    trees: Path | None,
    histories: Path | None,
    cache: Path,
    targets: Path | None,
    rules: str,
    jobs: int,
) -> None:
    """Scan the targets and keep their findings for the other commands."""
    known = load_targets(targets) if targets else load_targets()
    if unknown := set(names) - known.keys():
        raise click.UsageError(f"no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    folders, sightings = {}, []
    for name in names or known:
        try:
            tree = tree_of(known[name], trees, histories, cache)
        except HistoryError as problem:
            click.echo(f"{name}: left out: {problem}", err=True)
            continue
        found = scan_target(name, known[name], tree, cache, jobs, [rule for rule in rules.split(",") if rule])
        click.echo(f"{name}: {len(found)} findings, {sum(map(_by_default, found))} of them shown by default")
        folders[name] = str(tree)
        sightings += found
    cache.mkdir(parents=True, exist_ok=True)
    _kept(cache).write_bytes(msgspec.json.encode(LastScan(folders, tuple(sightings))))


@main.command("list")
@click.option("--rule", required=True, help="The rule's code or name.")
@click.option("-n", "count", default=25, show_default=True, help="How many at most.")
@click.option("--seed", default=1, show_default=True)
@click.option("--unread", is_flag=True, help="Leave out those of the sample that have a verdict.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per finding and line.")
@click.option("--context", default=8, show_default=True, help="Lines of code around each step.")
@confidence_option
@cache_option
@verdicts_option
def list_command(
    rule: str,
    count: int,
    seed: int,
    unread: bool,
    as_json: bool,
    context: int,
    min_confidence: str,
    cache: Path,
    verdicts: Path,
) -> None:
    """Show a sample of one rule's findings, each with its evidence and the code around every step."""
    last, readings = _last_scan(cache), load_readings(verdicts)
    confident = [s for s in last.sightings if at_least(s.finding.confidence, min_confidence)]
    for sighting in sample(confident, rule, count, seed):
        reading = readings.get(sighting.key)
        if unread and reading:
            continue
        tree = Path(last.trees[sighting.target])
        click.echo(
            _as_line(sighting, reading, tree, context) if as_json else _as_text(sighting, reading, tree, context)
        )


@main.command("record")
@click.argument("fingerprint")
@click.argument("verdict", type=click.Choice(ANSWERS))
@click.argument("reason")
@cache_option
@verdicts_option
def record_command(fingerprint: str, verdict: str, reason: str, cache: Path, verdicts: Path) -> None:
    """Keep a reader's verdict on the finding with this fingerprint (or a start of it that only one has)."""
    if not reason.strip():
        raise click.UsageError("a verdict needs a reason")
    matching = [s for s in _last_scan(cache).sightings if s.finding.fingerprint.startswith(fingerprint)]
    if len({sighting.finding.fingerprint for sighting in matching}) != 1:
        raise click.UsageError(f"{len(matching)} findings of the last scan have a fingerprint like {fingerprint}")
    record((reading_of(sighting, cast(Answer, verdict), reason.strip()) for sighting in matching), verdicts)


@main.command("report")
@click.option("--json", "as_json", is_flag=True)
@cache_option
@verdicts_option
def report_command(as_json: bool, cache: Path, verdicts: Path) -> None:
    """Precision as read, of the findings of the last scan."""
    sightings, readings = _last_scan(cache).sightings, load_readings(verdicts)
    default = [sighting for sighting in sightings if _by_default(sighting)]
    tables = {
        "shown by default": {"all": precision(default, readings)},
        "rule": by(lambda sighting: sighting.finding.rule, default, readings),
        "confidence": by(lambda sighting: sighting.finding.confidence, sightings, readings),
        "target": by(lambda sighting: sighting.target, default, readings),
    }
    if as_json:
        click.echo(json.dumps({title: {k: _plain(p) for k, p in rows.items()} for title, rows in tables.items()}))
        return
    for title, rows in tables.items():
        click.echo(f"{title:24} {'findings':>8} {'read':>6} {'real':>6} {'not':>5} {'?':>3}  precision (95 %)")
        for name, row in rows.items():
            click.echo(f"  {name:22} {_row(row)}")


def _row(row: Precision) -> str:
    low, high = row.interval
    share = "not read" if row.share is None else f"{row.share:.0%} ({low:.0%} to {high:.0%})"
    read = row.real + row.not_real + row.cannot_tell
    return f"{row.shown:8} {read:6} {row.real:6} {row.not_real:5} {row.cannot_tell:3}  {share}"


def _plain(row: Precision) -> dict[str, Any]:
    return {**msgspec.structs.asdict(row), "share": row.share, "interval": row.interval}


def _as_line(sighting: Sighting, reading: Reading | None, tree: Path, context: int) -> str:
    document = {
        "target": sighting.target,
        "finding": sighting.finding,
        "reading": reading,
        "code": list(excerpts(sighting.finding, tree, context)),
    }
    return msgspec.json.encode(document).decode()


def _as_text(sighting: Sighting, reading: Reading | None, tree: Path, context: int) -> str:
    finding = sighting.finding
    head = f"== {finding.fingerprint}  {finding.rule} {finding.name}  {finding.confidence}  {sighting.target}"
    said = f"read as {reading.verdict}: {reading.reason}" if reading else "not read yet"
    lines = [head, f"{finding.symbol}: {finding.message}", f"because {finding.confidence_reason}", said, ""]
    return "\n".join([*lines, *excerpts(finding, tree, context)])


def _by_default(sighting: Sighting) -> bool:
    return at_least(sighting.finding.confidence, "medium")


def _kept(cache: Path) -> Path:
    return cache / "precision.json"


def _last_scan(cache: Path) -> LastScan:
    if not _kept(cache).exists():
        raise click.UsageError("nothing was scanned yet: run `python -m benchmarks.precision scan` first")
    return msgspec.json.decode(_kept(cache).read_bytes(), type=LastScan)


if __name__ == "__main__":
    main()
