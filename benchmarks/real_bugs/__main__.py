"""`python -m benchmarks.real_bugs`: scan every case before and after its fix and keep score."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

import llmlint
from benchmarks.real_bugs import scoreboard
from benchmarks.real_bugs.cases import HERE, chosen, load_cases, load_projects
from benchmarks.real_bugs.options import cache_option, histories_option, listed
from benchmarks.real_bugs.run import Outcome, Plan, run
from llmlint.catalogue import load_catalogue

SCOREBOARD = HERE.parents[1] / "docs" / "scoreboard.md"
DAY = click.DateTime(("%Y-%m-%d",))


@click.command(help=__doc__)
@histories_option
@cache_option
@click.option("--manifest", type=click.Path(path_type=Path, exists=True), default=HERE / "manifest.jsonl")
@click.option("--projects", type=click.Path(path_type=Path, exists=True), default=HERE / "projects.toml")
@click.option("--ids", default="", help="Only these cases, by id, with commas between.")
@click.option("--causes", default="", help="Only cases of these root causes.")
@click.option("--project", default="", help="Only cases of these projects.")
@click.option("--before", type=DAY, metavar="DATE", help="Only bugs fixed before this day, YYYY-MM-DD.")
@click.option("--after", type=DAY, metavar="DATE", help="Only bugs fixed on this day or later.")
@click.option("--rules", default="", help="Only these rules, as in scan --select.")
@click.option("--quick", is_flag=True, help="Scan only the neighbourhood of each case's files: an approximation.")
@click.option("--jobs", default=1, show_default=True, help="Stretches of cases side by side.")
@click.option("--scan-jobs", default=1, show_default=True, help="Worker processes of each scan.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all outcomes and the summary here.")
@click.option("--scoreboard", "page", type=click.Path(path_type=Path), help="Write the Markdown page here.")
@click.option("-v", "--verbose", is_flag=True, help="Print every finding at each case's place.")
def main(
    histories: Path | None,
    cache: Path,
    manifest: Path,
    projects: Path,
    ids: str,
    causes: str,
    project: str,
    before: datetime | None,
    after: datetime | None,
    rules: str,
    quick: bool,
    jobs: int,
    scan_jobs: int,
    json_file: Path | None,
    page: Path | None,
    verbose: bool,
) -> None:
    cases = chosen(load_cases(manifest), listed(ids), listed(causes), listed(project), _day(before), _day(after))
    if not cases:
        raise click.UsageError("no case is left after these filters")
    plan = Plan(
        projects=load_projects(projects),
        cache=cache,
        histories=histories,
        rules=tuple(listed(rules)),
        quick=quick,
        jobs=jobs,
        scan_jobs=scan_jobs,
    )
    outcomes = run(cases, plan, lambda outcome: tell(outcome, verbose))
    ruled = ruled_causes()
    reasons = scoreboard.load_misses()
    how = conditions(plan, len(cases))
    if json_file:
        json_file.write_bytes(as_json(outcomes, ruled, how))
    whole = not any((ids, causes, project, before, after, rules, quick)) and manifest == HERE / "manifest.jsonl"
    if page or whole:
        (page or SCOREBOARD).write_text(scoreboard.markdown(outcomes, ruled, reasons, how), "utf-8")
    summary = scoreboard.summarise(outcomes, ruled)
    for name, recall in {"all cases": summary.everything, "cases with a rule": summary.with_rule}.items():
        click.echo(f"{name}: found {recall.found} of {recall.cases} ({recall.share}), pointed {recall.pointed}")
    for cause, recall in summary.by_cause.items():
        if cause in ruled:
            click.echo(f"    {cause}: found {recall.found} of {recall.cases}, pointed {recall.pointed}")
    for group, recall in (summary.by_half | summary.by_family).items():
        click.echo(f"{group}: found {recall.found} of {recall.cases} ({recall.share})")
    click.echo(f"findings per thousand lines: {summary.noise_per_thousand_lines}")
    click.echo(f"median seconds: parent {summary.median_seconds_parent}, fix {summary.median_seconds_fix}")
    unexplained = [case for case, reason in scoreboard.misses(outcomes, ruled, reasons).items() if not reason]
    if unexplained:
        click.echo(f"missed with no reason in misses.toml: {' '.join(unexplained)}")
    if summary.problems:
        click.echo(f"{summary.problems} cases could not be scanned")
        sys.exit(3)


def ruled_causes() -> set[str]:
    """The causes that rules shown by default name as theirs."""
    return {cause for rule in load_catalogue().default_rules() for cause in rule.causes}


def conditions(plan: Plan, cases: int) -> dict[str, str]:
    return {
        "llmlint": llmlint.__version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cases": str(cases),
        "rules": ", ".join(plan.rules) or "those on by default",
        "scanned": "neighbourhood of each place only (--quick)" if plan.quick else "each project's scopes, whole",
        "Python": platform.python_version(),
    }


def as_json(outcomes: list[Outcome], ruled: set[str], how: dict[str, str]) -> bytes:
    document = {"conditions": how, "summary": scoreboard.summarise(outcomes, ruled), "outcomes": outcomes}
    return msgspec.json.format(msgspec.json.encode(document), indent=1)


def tell(outcome: Outcome, verbose: bool) -> None:
    word = "FOUND" if outcome.found else "pointed" if outcome.pointed else "missed"
    times = f"{outcome.seconds_parent:.1f}+{outcome.seconds_fix:.1f} s"
    click.echo(f"{outcome.problem or word}  {outcome.case.id}  {outcome.case.cause}  {times}")
    if verbose and outcome.judgement:
        for pointer in outcome.judgement.pointers:
            click.echo(f"    {pointer}")


def _day(given: datetime | None) -> str:
    return f"{given:%Y-%m-%d}" if given else ""


if __name__ == "__main__":
    main()
