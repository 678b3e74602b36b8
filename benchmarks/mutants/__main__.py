"""`python -m benchmarks.mutants`: plant bugs into correct code of unseen engines, and tell which of them are found."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec

import llmlint
from benchmarks.histories import HistoryError
from benchmarks.mutants.page import markdown, tell
from benchmarks.mutants.planting import ALL, run_engine
from benchmarks.precision.targets import load_targets, tree_of
from benchmarks.real_bugs.options import cache_option, histories_option
from llmlint.catalogue import load_catalogue

PAGE = Path(__file__).parent / "results" / "mutants.md"


@click.command(help=__doc__)
@click.argument("names", nargs=-1, metavar="[ENGINE]...")
@click.option("--trees", type=click.Path(path_type=Path, exists=True), help="Folder that holds engines' trees.")
@histories_option
@cache_option
@click.option("--targets", type=click.Path(path_type=Path, exists=True), help="Another targets.toml.")
@click.option("--seed", type=int, help="Draws the sites; without it, today's number, so that each day has its own.")
@click.option("--each", default=5, show_default=True, help="Sites of each mutator in each engine, at most.")
@click.option("--mutators", default="", help="Only these, with commas between.")
@click.option("--jobs", default=2, show_default=True)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write everything that was found here.")
@click.option(
    "--page", type=click.Path(path_type=Path), help="Write the Markdown page here; whole runs write results/."
)
def main(
    names: tuple[str, ...],
    trees: Path | None,
    histories: Path | None,
    cache: Path,
    targets: Path | None,
    seed: int | None,
    each: int,
    mutators: str,
    jobs: int,
    json_file: Path | None,
    page: Path | None,
) -> None:
    known = load_targets(targets) if targets else load_targets()
    if unknown := set(names) - known.keys():
        raise click.UsageError(f"no engine {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    lot = date.today().toordinal() if seed is None else seed
    wanted = [m for m in ALL if not mutators or m.name in mutators.split(",")]
    engines = []
    cache.mkdir(parents=True, exist_ok=True)
    for name in names or [name for name, target in known.items() if target.unseen]:
        try:
            tree = tree_of(known[name], trees, histories, cache)
        except HistoryError as problem:
            click.echo(f"{name}: left out: {problem}", err=True)
            continue
        engines.append(run_engine(name, known[name], tree, cache, lot, each, jobs, wanted))
        tell(engines[-1])
    if not engines:
        raise click.UsageError("no engine's tree is there")
    how = {
        "llmlint": llmlint.__version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "seed": str(lot),
        "sites of each mutator in each engine": f"{each} at most, one to a file",
    }
    if json_file:
        json_file.write_bytes(
            msgspec.json.format(msgspec.json.encode({"conditions": how, "engines": engines}), indent=1)
        )
    whole = not names and not mutators and not targets
    if page or whole:
        (page or PAGE).write_text(markdown(engines, how, {rule.code for rule in load_catalogue()}), "utf-8")


if __name__ == "__main__":
    main()
