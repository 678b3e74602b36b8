"""`python -m benchmarks.types TREE`: what is known of every call of a tree, and how that compares with pyrefly's view.

Pyrefly (`pip install pyrefly`) is asked for the call graph that it exports for Pysa; without it only our own shares are
told. `--show KIND` prints calls of one kind, to be read: their line and what they are said to run.

Most calls of any program run nothing of it: `len`, `torch.empty`, a method of a tensor. So two shares are told: calls
resolved of all calls, and of those that may run a function of the program, as far as anything is known of them.

What counts is how far we agree with pyrefly on the functions of the program that calls run, edge by edge. Recall is the
share of its edges that we have. An edge that only we have, on a call of which pyrefly names a function of the program
as well, leads to an override of that function or to another one: the latter are the wrong ones, where pyrefly is right.
"""

from __future__ import annotations

import fnmatch
import json
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from benchmarks.types.oracle import Oracle, Said, asked
from benchmarks.types.shares import KINDS, Linked, Shares, kind_of, linked, read_files, shares_of
from llmlint.code.link.entities import Call, FunctionInfo

_SUFFIXES = frozenset(".py .pyi .c .cc .cpp .cxx .h .hpp .cu .cuh".split())
AGREEMENT = {
    "agree": "both name a function of the program, and share one",
    "differ": "both name functions of the program, and share none",
    "ours only": "we name a function of the program, pyrefly does not",
    "theirs only": "pyrefly names a function of the program, we do not",
    "both outside": "pyrefly leads out of the program, and we name no function in it",
    "neither": "pyrefly does not know, and we name no function of the program",
    "no call": "pyrefly's report has no call there",
}
EDGES = {
    "same": "from a call to a function of the program, in both",
    "override": "only ours, to an override of what pyrefly names, or to what that overrides",
    "other": "only ours, to another function, on a call of which pyrefly names one",
    "missing": "only pyrefly's",
}


@click.command(help=__doc__)
@click.argument("tree", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--skip", multiple=True, help="Files to leave out, as a pattern over their paths in the tree.")
@click.option("--oracle/--no-oracle", default=True, show_default=True, help="Ask pyrefly as well.")
@click.option("--show", type=click.Choice([*KINDS, *AGREEMENT]), help="Print calls of one kind.")
@click.option("--count", default=60, show_default=True, help="How many of them.")
@click.option("--seed", default=1, show_default=True, help="Which of them.")
@click.option("--json", "as_json", is_flag=True)
def main(tree: Path, skip: Sequence[str], oracle: bool, show: str | None, count: int, seed: int, as_json: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="llmlint-types-") as scratch:
        root = Path(scratch) / tree.resolve().name
        _copy(tree, root, skip)
        one = linked(read_files(root, sorted(path for path in root.rglob("*") if path.is_file())))
        shares = shares_of(one)
        said, version = asked(root, one.program) if oracle else (None, "")
        kinds = {call: kind_of(one, call) for call in one.targets}
        agreement = {call: agreed(one, said, call) for call in one.targets} if said is not None else {}
        edges = edges_of(one, said) if said is not None else Counter()
        if show:
            _show(one, root, agreement if show in AGREEMENT else kinds, show, random.Random(seed), count)
            return
    _tell(shares, Counter(agreement.values()), edges, version, as_json)


def _copy(tree: Path, root: Path, skip: Sequence[str]) -> None:
    """Both readers get the same files."""
    for path in sorted(tree.rglob("*")):
        inner = path.relative_to(tree)
        if path.suffix in _SUFFIXES and not any(fnmatch.fnmatch(str(inner), pattern) for pattern in skip):
            (root / inner).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, root / inner)


def agreed(one: Linked, oracle: Oracle, call: Call) -> str:
    said = _said_of(oracle, call)
    return "no call" if said is None else _compared(set(one.targets[call]), said)


def edges_of(one: Linked, oracle: Oracle) -> Counter[str]:
    """How the edges from calls to functions of the program agree, call by call."""
    counts: Counter[str] = Counter()
    for call, ours in one.targets.items():
        said = _said_of(oracle, call)
        for target in ours if said is not None and said.inside else ():
            counts["same" if target in said.inside else "override" if _is_kin(target, said) else "other"] += 1
        counts["missing"] += len(said.inside.difference(ours)) if said is not None else 0
    return counts


def _said_of(oracle: Oracle, call: Call) -> Said | None:
    effect = call.effect
    return oracle.of(call.function.path, effect.line, effect.column, effect.callee.rpartition(".")[2])


def _is_kin(target: FunctionInfo, said: Said) -> bool:
    """Is it a method that overrides one that is said, or is overridden by it?"""
    return target.owner is not None and any(
        other.name == target.name and other.owner is not None and target.owner.is_kin_of(other.owner)
        for other in said.inside
    )


def _compared(ours: set[object], said: Said) -> str:
    if ours and said.inside:
        return "agree" if ours & said.inside else "differ"
    if ours:
        return "ours only"
    if said.inside:
        return "theirs only"
    return "both outside" if said.outside else "neither"


def _show(one: Linked, root: Path, kinds: dict[Call, str], wanted: str, chance: random.Random, count: int) -> None:
    calls = [call for call, kind in kinds.items() if kind == wanted]
    for call in chance.sample(calls, min(count, len(calls))):
        function, effect = call
        line = (root / function.path).read_text("utf-8", "replace").split("\n")[effect.line - 1].strip()
        runs = ", ".join(target.full_name for target in one.targets[call]) or one.program.name_called(*call) or "?"
        click.echo(f"{function.path}:{effect.line}  {line}\n    {effect.callee} -> {runs}")


def _tell(shares: Shares, agreement: Counter[str], edges: Counter[str], version: str, as_json: bool) -> None:
    if as_json:
        told = {
            "shares": msgspec.to_builtins(shares),
            "may_run_ours": shares.may_run_ours,
            "oracle": version,
            "agreement": dict(agreement),
            "edges": dict(edges),
        }
        click.echo(json.dumps(told, indent=1))
        return
    click.echo(
        f"{shares.files} files, {shares.lines} lines, {shares.calls} calls; {shares.cpu_seconds} CPU s to resolve"
    )
    _table(shares.counts, KINDS, shares.calls)
    resolved, may = shares.counts["resolved"], shares.may_run_ours
    click.echo(
        f"resolved: {_share(resolved, shares.calls)} of all calls, {_share(resolved, may)} of {may} that may run ours"
    )
    if agreement:
        click.echo(f"\nwith {version}:")
        _table(agreement, AGREEMENT, shares.calls)
        click.echo("\nedges:")
        _table(edges, EDGES, sum(edges.values()))
        both, ours = edges["same"], edges["same"] + edges["override"] + edges["other"]
        click.echo(f"recall {_share(both, both + edges['missing'])}, precision {_share(ours - edges['other'], ours)}")


def _table(counts: dict[str, int] | Counter[str], meanings: dict[str, str], total: int) -> None:
    for kind, meaning in meanings.items():
        click.echo(f"{kind:17} {counts[kind]:7} {_share(counts[kind], total):>7}  {meaning}")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / max(whole, 1):.1f} %"


if __name__ == "__main__":
    main()
