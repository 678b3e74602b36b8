"""What was planted and found, by rule, mutator and engine, as a Markdown page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import click

from benchmarks.mutants.planting import ALL, EngineResult, Result

NO_RULE = "no rule yet"


def markdown(engines: Sequence[EngineResult], how: dict[str, str], rules: Collection[str] = ()) -> str:
    bare = without_mutator(rules)
    results = [result for engine in engines for result in engine.results]
    with_rule = [result for result in results if result.rules]
    blocks = [
        "# Mutants",
        "Written by `python -m benchmarks.mutants`; `benchmarks/mutants/README.md` says how. *shown*: a new "
        "finding of a rule for the bug, shown by default; *any confidence*: one of such a rule, shown or hidden, as "
        "readings of its findings or the rule itself keep it low; *told*: a new finding of any rule, shown.",
        _table(("condition", "value"), how.items()),
        _table(("engine", "tree", "lines"), ((e.engine, e.tree, e.lines) for e in engines)),
        "## By mutator",
        _table(
            (
                "mutator",
                "what it does",
                "rules",
                "sites",
                "suspected",
                "planted",
                "shown",
                "share",
                "any confidence",
                "share",
                "told",
            ),
            (
                (
                    mutator.name,
                    mutator.does,
                    ", ".join(mutator.rules) or NO_RULE,
                    sum(engine.candidates.get(mutator.name, 0) for engine in engines),
                    sum(engine.suspected.get(mutator.name, 0) for engine in engines),
                    *_counts([result for result in results if result.mutator == mutator.name]),
                )
                for mutator in ALL
            ),
        ),
        "A *suspected* site is one where a rule for the bug already speaks of the code as it was; nothing is planted.",
        f"No mutator is for {', '.join(bare)}." if bare else "",
        "## By rule",
        "Each planted bug counts for the first rule that its mutator names.",
        _by(with_rule, "rule", lambda result: result.rules[0]),
        "## By engine",
        "Only bugs that a rule looks for.",
        _by(with_rule, "engine", lambda result: result.engine),
        "## Said of the rest",
        "New findings shown by default that rest on no file with a bug in it: "
        + (", ".join(f"{e.engine} {len(e.astray)}" for e in engines) or "none")
        + ".",
        "\n".join(f"- {engine.engine}: {astray}" for engine in engines for astray in engine.astray),
        "## What was planted",
        _table(
            ("engine", "mutator", "place", "what", "found by"),
            ((r.engine, r.mutator, f"{r.path}:{r.line} {r.symbol}", r.what, _finders(r)) for r in results),
        ),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def without_mutator(rules: Collection[str]) -> list[str]:
    """Of these rules those whose bug nothing plants; rules about suppressions are none of the program's."""
    covered = {code for mutator in ALL for code in mutator.rules}
    return sorted(code for code in rules if code not in covered and not code.startswith("LLM00"))


def _finders(result: Result) -> str:
    if result.found:
        return ", ".join(result.by)
    return "low confidence" if result.found_low else "-"


def tell(engine: EngineResult) -> None:
    with_rule = [result for result in engine.results if result.rules]
    found = sum(result.found for result in with_rule)
    at_all = sum(result.found_low for result in with_rule)
    click.echo(
        f"{engine.engine}: {len(engine.results)} planted; of {len(with_rule)} that a rule looks for {found} shown, "
        f"{at_all} found at any confidence; "
        f"{len(engine.astray)} new findings elsewhere"
    )


def _by(results: Sequence[Result], title: str, key: Callable[[Result], str]) -> str:
    names = sorted({key(result) for result in results})
    rows = [(name, *_counts([r for r in results if key(r) == name])) for name in names]
    rows.append(("all", *_counts(results)))
    return _table((title, "planted", "shown", "share", "any confidence", "share", "told"), rows)


def _counts(results: Sequence[Result]) -> tuple[int | str, ...]:
    found, at_all = sum(result.found for result in results), sum(result.found_low for result in results)
    told = sum(result.told for result in results)
    return len(results), found, _share(found, results), at_all, _share(at_all, results), told


def _share(count: int, results: Sequence[Result]) -> str:
    return f"{100 * count / len(results):.0f} %" if results and results[0].rules else "-"


def _table(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
