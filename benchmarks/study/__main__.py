"""`python -m benchmarks.study`: draw issues to label, and see how far `llmlint issues classify` agrees with labels."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.study.agreement import Read, kappa, labels, per_chapter, read
from llmlint.study.issue_store import IssueStore
from llmlint.study.wilson import wilson

STORE = click.option(
    "--db", required=True, type=click.Path(path_type=Path, exists=True), help="Made by `llmlint issues`."
)


@click.group(help=__doc__)
def main() -> None: ...


@main.command()
@STORE
@click.option("--seed", default=17, show_default=True)
@click.option("--count", default=200, show_default=True)
def draw(db: Path, seed: int, count: int) -> None:
    """Issues to read, as many of each repository, in a drawn order."""
    drawer, drawn = random.Random(seed), []
    with IssueStore(db, must_exist=True) as store:
        repositories = sorted(store.counts())
        for at, repository in enumerate(repositories):
            numbers = sorted(issue.number for issue in store.issues([repository]))
            share = round(count * (at + 1) / len(repositories)) - round(count * at / len(repositories))
            drawn += [(repository, number) for number in drawer.sample(numbers, min(share, len(numbers)))]
    drawer.shuffle(drawn)
    for repository, number in drawn:
        click.echo(f"{repository}\t{number}")


@main.command()
@STORE
@click.option("--set", "of", type=click.Choice(["learn", "blind", "second"]), default="blind", show_default=True)
def agreement(db: Path, of: str) -> None:
    """Per chapter: labelled, said, both, and the shares that come of it; of ours, and of the study's categories."""
    with IssueStore(db, must_exist=True) as store:
        issues = {(issue.repository, issue.number): issue for issue in store.issues()}
    reads = read(labels(of), issues)
    same = sum(one.label == one.ours for one in reads)
    click.echo(
        f"{len(reads)} issues, {_share(same, len(reads))} put where the reader puts them, kappa {kappa(reads):.2f}"
    )
    faults = [one for one in reads if one.label != "none"]
    click.echo(f"{len(faults)} of them faults, {_share(sum(one.label == one.ours for one in faults), len(faults))}")
    for confidence in ("high", "medium", "low"):
        sure = [one for one in reads if one.confidence == confidence]
        click.echo(f"{confidence}: {_share(sum(one.label == one.ours for one in sure), len(sure))} of {len(sure)}")
    click.echo()
    _show("classify", reads, lambda one, chapter: one.ours == chapter)
    _show("classify --compat", reads, lambda one, chapter: chapter in one.study)


def _show(name: str, reads: list[Read], says: Callable[[Read, str], bool]) -> None:
    click.echo(f"{name:18} labelled  said  both  of those said       of those labelled")
    for row in per_chapter(reads, says):
        click.echo(
            f"{row.chapter:18} {row.labelled:8}  {row.said:4}  {row.both:4}  "
            f"{_share(row.both, row.said):20} {_share(row.both, row.labelled)}"
        )
    click.echo()


def _share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{100 * hits / of:.0f} % ({100 * low:.0f} to {100 * high:.0f})" if of else "-"


if __name__ == "__main__":
    main()
