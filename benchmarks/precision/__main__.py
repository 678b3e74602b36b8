"""`python -m benchmarks.precision`: scan pinned trees, read samples of the findings, record verdicts, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import click
import msgspec

from benchmarks.histories import HistoryError
from benchmarks.precision.earning import as_toml, judged_anew, renewed, rows_of
from benchmarks.precision.foretold import as_markdown as foretold_as_markdown
from benchmarks.precision.foretold import foretold, rounds_of
from benchmarks.precision.noise import alarms_of, noise_of, verdict, with_rule
from benchmarks.precision.noise import as_text as noise_as_text
from benchmarks.precision.quiet import SCOREBOARD, shown, standings
from benchmarks.precision.quiet import as_markdown as quiet_as_markdown
from benchmarks.precision.report import as_markdown, as_text, tables_of
from benchmarks.precision.targets import (
    LastScan,
    Sighting,
    Target,
    by_default,
    excerpts,
    load_targets,
    sample,
    scan_target,
    tree_of,
)
from benchmarks.precision.verdicts import (
    ANSWERS,
    SECOND,
    VERDICTS,
    Answer,
    Precision,
    Reading,
    load_readings,
    reading_of,
    record,
)
from benchmarks.real_bugs.options import cache_option, histories_option
from llmlint.catalogue import UnknownRule, load_catalogue
from llmlint.earned import READINGS_FILE
from llmlint.findings import CONFIDENCES, at_least

verdicts_option = click.option(
    "--verdicts", type=click.Path(path_type=Path), default=VERDICTS, help="The committed file of verdicts."
)
confidence_option = click.option(
    "--min-confidence", type=click.Choice(CONFIDENCES), default="medium", show_default=True, help="As in scan."
)


_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group(help=__doc__)
def main() -> None:
    pass


trees_option = click.option(
    "--trees", type=click.Path(path_type=Path, exists=True), help="Folder that holds the targets' trees."
)
targets_option = click.option("--targets", type=click.Path(path_type=Path, exists=True), help="Another targets.toml.")
jobs_option = click.option("--jobs", default=4, show_default=True)


def of_targets(command: _Command) -> _Command:
    """The options of a command that scans targets and asks what was read of them."""
    for option in (jobs_option, targets_option, verdicts_option, cache_option, histories_option, trees_option):
        command = option(command)
    return command


@main.command("scan")
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@trees_option
@histories_option
@cache_option
@targets_option
@click.option("--rules", default="", help="Only these rules, as in scan --select.")
@jobs_option
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
    scans = _Scans(load_targets(targets), trees, histories, cache, jobs)
    _keep(cache, scans.of(names, [rule for rule in rules.split(",") if rule]))


class _Scans:
    """The targets at hand; `lines` says how long each is that was scanned."""

    def __init__(
        self, known: Mapping[str, Target], trees: Path | None, histories: Path | None, cache: Path, jobs: int
    ) -> None:
        self.known = known
        self.lines: dict[str, int] = {}
        self._trees, self._histories, self._cache, self._jobs = trees, histories, cache, jobs

    def of(self, names: Sequence[str], rules: Sequence[str]) -> LastScan:
        """Those named, or all."""
        if unknown := set(names) - self.known.keys():
            raise click.UsageError(f"no target {', '.join(sorted(unknown))}; there are {', '.join(self.known)}")
        folders: dict[str, str] = {}
        sightings: list[Sighting] = []
        for name in names or self.known:
            try:
                tree = tree_of(self.known[name], self._trees, self._histories, self._cache)
            except HistoryError as problem:
                click.echo(f"{name}: left out: {problem}", err=True)
                continue
            scanned = scan_target(name, self.known[name], tree, self._cache, self._jobs, rules)
            found = scanned.sightings
            click.echo(f"{name}: {len(found)} findings, {sum(map(by_default, found))} of them shown by default")
            folders[name] = str(tree)
            self.lines[name] = scanned.lines
            sightings += found
        return LastScan(folders, tuple(sightings))


@main.command("noise")
@click.argument("rule")
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@of_targets
@click.option("-n", "count", default=10, show_default=True, help="How many alarms to show that nobody has read.")
@click.option("--seed", default=1, show_default=True)
@click.option("--context", default=8, show_default=True, help="Lines of code around each step.")
def noise_command(
    rule: str,
    names: tuple[str, ...],
    trees: Path | None,
    histories: Path | None,
    cache: Path,
    verdicts: Path,
    targets: Path | None,
    jobs: int,
    count: int,
    seed: int,
    context: int,
) -> None:
    """Alarms of one rule per 1,000 lines, what was read of them, and some to read; 1 where it is too loud to be on.

    The engines that no rule was tuned on decide, where any is at hand. `record` takes verdicts on what is shown.
    """
    try:
        code = load_catalogue().rule(rule).code
    except UnknownRule as unknown:
        raise click.UsageError(str(unknown)) from unknown
    scans = _Scans(load_targets(targets), trees, histories, cache, jobs)
    new = scans.of(names, [code])
    if not new.trees:
        raise click.UsageError("no target is at hand")
    _keep(cache, with_rule(_last_scan(cache) if _kept(cache).exists() else None, new, code))
    alarms, readings = alarms_of(new.sightings), load_readings(verdicts, SECOND)
    rows = {name: noise_of(alarms, {name: lines}, readings) for name, lines in scans.lines.items()}
    unseen = {name: lines for name, lines in scans.lines.items() if scans.known[name].unseen}
    rows["all"] = noise_of(alarms, scans.lines, readings)
    decisive = rows["unseen"] = noise_of(alarms, unseen, readings) if unseen else rows["all"]
    for sighting in sample([a for a in alarms if readings.of(a) is None], "", count, seed):
        click.echo(_told(sighting, None, Path(new.trees[sighting.target]), context))
    click.echo(noise_as_text(rows))
    click.echo(verdict(code, decisive))
    sys.exit(0 if decisive.is_quiet else 1)


@main.command("quiet")
@click.argument("names", nargs=-1, metavar="[TARGET]...")
@click.option("--page", type=click.Path(path_type=Path), help="Write the table here, as Markdown.")
@of_targets
def quiet_command(
    names: tuple[str, ...],
    page: Path | None,
    trees: Path | None,
    histories: Path | None,
    cache: Path,
    verdicts: Path,
    targets: Path | None,
    jobs: int,
) -> None:
    """The noise of each mechanism that is shown, and its real bugs; 1 where one is too loud to be on."""
    known = load_targets(targets)
    scans = _Scans({n: target for n, target in known.items() if target.unseen}, trees, histories, cache, jobs)
    new = scans.of(names, sorted({rule for rule, _ in shown()}))
    alarms, readings = alarms_of(new.sightings), load_readings(verdicts, SECOND)
    rows = list(standings(alarms, scans.lines, readings, SCOREBOARD.read_text("utf-8")))
    text = quiet_as_markdown(rows, scans.lines)
    if page:
        page.write_text(text, "utf-8")
    click.echo(text)
    sys.exit(0 if all(row.noise.is_quiet for row in rows) else 1)


@main.command("list")
@click.option("--rule", default="", help="The rule's code or name; without it, of all rules.")
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
    """Show a sample of the findings, each with its evidence and the code around every step."""
    last, readings = _last_scan(cache), load_readings(verdicts, SECOND)
    confident = [s for s in last.sightings if at_least(s.finding.confidence, min_confidence)]
    for sighting in sample(confident, rule, count, seed):
        reading = readings.of(sighting)
        if unread and reading:
            continue
        tree = Path(last.trees[sighting.target])
        click.echo(_as_line(sighting, reading, tree, context) if as_json else _told(sighting, reading, tree, context))


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
@click.option("--page", type=click.Path(path_type=Path), help="Write the tables here, as Markdown.")
@click.option("--unseen", is_flag=True, help="Only of engines that no rule was written or tuned on.")
@cache_option
@verdicts_option
def report_command(as_json: bool, page: Path | None, unseen: bool, cache: Path, verdicts: Path) -> None:
    """Precision as read, of the findings of the last scan, and what of them nobody has read."""
    targets, last, readings = load_targets(), _last_scan(cache), load_readings(verdicts, SECOND)
    wanted = (s for s in last.sightings if not unseen or (s.target in targets and targets[s.target].unseen))
    sightings = list(map(judged_anew, wanted))
    tables = tables_of(sightings, readings)
    if page:
        of_note = {name: target for name, target in targets.items() if target.unseen or not unseen}
        scanned = {name: of_note[name] for name in last.trees if name in of_note}
        page.write_text(as_markdown(tables, sightings, readings, scanned), "utf-8")
    if as_json:
        click.echo(json.dumps({title: {k: _plain(p) for k, p in rows.items()} for title, rows in tables.items()}))
    else:
        click.echo(as_text(tables))


@main.command("earn")
@cache_option
@verdicts_option
def earn_command(cache: Path, verdicts: Path) -> None:
    """Write what the rules have earned on engines that no rule was tuned on into rules/earned.toml.

    Where there is a last scan, readings are renewed by it first: which of them their checkers doubt by now."""
    if _kept(cache).exists():
        for file in (verdicts, SECOND):
            record(renewed(load_readings(file), _last_scan(cache).sightings), file)
    unseen = {name for name, target in load_targets().items() if target.unseen}
    spoken = {rule.code: rule.languages for rule in load_catalogue().rules}
    rows = rows_of(load_readings(verdicts, SECOND).known.values(), unseen)
    rows = [row for row in rows if row.language in spoken.get(row.rule, ())]
    READINGS_FILE.write_text(as_toml(rows), "utf-8")
    click.echo(f"{len(rows)} rows")


@main.command("foretold")
@click.option("--page", type=click.Path(path_type=Path), help="Write the tables here, as Markdown.")
@verdicts_option
def foretold_command(page: Path | None, verdicts: Path) -> None:
    """What readings promised, and what was right in the round that followed: the base of what is shown.

    Wants the history of the verdicts."""
    unseen = {name for name, target in load_targets().items() if target.unseen}
    rounds = rounds_of(verdicts.resolve())
    text = foretold_as_markdown(foretold(load_readings(verdicts, SECOND).known.values(), rounds, unseen))
    if page:
        page.write_text(text, "utf-8")
    click.echo(text)


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


def _told(sighting: Sighting, reading: Reading | None, tree: Path, context: int) -> str:
    finding = sighting.finding
    head = f"== {finding.fingerprint}  {finding.rule} {finding.name}  {finding.confidence}  {sighting.target}"
    said = f"read as {reading.verdict}: {reading.reason}" if reading else "not read yet"
    lines = [head, f"{finding.symbol}: {finding.message}", f"because {finding.confidence_reason}", said, ""]
    return "\n".join([*lines, *excerpts(finding, tree, context)])


def _kept(cache: Path) -> Path:
    return cache / "precision.json"


def _keep(cache: Path, scan: LastScan) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    _kept(cache).write_bytes(msgspec.json.encode(scan))


def _last_scan(cache: Path) -> LastScan:
    if not _kept(cache).exists():
        raise click.UsageError("nothing was scanned yet: run `python -m benchmarks.precision scan` first")
    return msgspec.json.decode(_kept(cache).read_bytes(), type=LastScan)


if __name__ == "__main__":
    main()
