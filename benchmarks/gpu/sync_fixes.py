"""How many of the waits that vLLM's people took out does LLM602, or LLM601, tell in the tree before each fix?

    python -m benchmarks.gpu.sync_fixes --histories FOLDER [--number 41434 …]

`sync_fixes.toml` names the fixes and the places that each changes. Before a fix its part of the tree is scanned with
low confidence; a place is told where a finding stands in its function, on one of its lines. Needs the history, and no
device.
"""

from __future__ import annotations

import argparse
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.histories import History, WorkTree, find_history, sources
from benchmarks.scanning import scan
from llmlint.findings import Finding

HERE = Path(__file__).parent
PROJECT = "vllm-project/vllm"
RULES = ("LLM601", "LLM602")


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    file: str
    symbol: str
    lines: tuple[int, int]
    kind: str
    words: str

    def is_told_by(self, finding: Finding) -> bool:
        first, last = self.lines
        is_here = finding.path == self.file and first <= finding.line <= last
        return is_here and finding.symbol == self.symbol


class Fix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`commit` is "" where the history at hand does not hold it."""

    number: int
    commit: str = ""
    date: str = ""
    parts: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()


class Told(msgspec.Struct, frozen=True):
    """What the scan before a fix says of each of its places: a mechanism, or ""."""

    fix: Fix
    mechanisms: tuple[str, ...]


def load_fixes(text: str) -> tuple[Fix, ...]:
    return msgspec.convert(tomllib.loads(text)["fixes"], tuple[Fix, ...])


def judged(fix: Fix, findings: Iterable[Finding]) -> Told:
    known = list(findings)
    told = (next((f.mechanism for f in known if place.is_told_by(f)), "") for place in fix.places)
    return Told(fix, tuple(told))


def table(results: Sequence[Told]) -> str:
    return "\n".join(
        (
            "# Waits that vLLM took out, in the trees before the fixes",
            "",
            "`python -m benchmarks.gpu.sync_fixes`: LLM601 and LLM602 with low confidence, on the parts of the tree",
            "that `sync_fixes.toml` names. Whoever wrote the mechanisms had read these fixes, so this is what they",
            "were made for, and no measure of what they find elsewhere.",
            "",
            *_by_fix(results),
            "",
            *_by_kind(results),
            "",
            *_by_place(results),
            "",
        )
    )


def _by_fix(results: Sequence[Told]) -> Iterator[str]:
    yield "| fix | date | places | told |"
    yield "| --- | --- | ---: | ---: |"
    for result in results:
        fix = result.fix
        if not fix.commit:
            yield f"| #{fix.number} | not in the history at hand | | |"
        else:
            yield f"| #{fix.number} | {fix.date} | {len(fix.places)} | {sum(map(bool, result.mechanisms))} |"
    found = sum(map(bool, (m for result in results for m in result.mechanisms)))
    yield f"| together | | {sum(len(result.fix.places) for result in results)} | {found} |"


def _by_kind(results: Sequence[Told]) -> Iterator[str]:
    counted: dict[str, list[bool]] = {}
    for result in results:
        for place, mechanism in zip(result.fix.places, result.mechanisms, strict=True):
            counted.setdefault(place.kind, []).append(bool(mechanism))
    yield "| kind | places | told |"
    yield "| --- | ---: | ---: |"
    for kind, told in sorted(counted.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"| {kind} | {len(told)} | {sum(told)} |"


def _by_place(results: Sequence[Told]) -> Iterator[str]:
    yield "| fix | place | what waits | told by |"
    yield "| --- | --- | --- | --- |"
    for result in results:
        for place, mechanism in zip(result.fix.places, result.mechanisms, strict=True):
            where = f"`{place.file}:{place.lines[0]}` {place.symbol}"
            yield f"| #{result.fix.number} | {where} | {place.words} | {mechanism or '-'} |"


def _scanned(history: History, fix: Fix, cache: Path) -> Told:
    if not fix.commit:
        return Told(fix, ())
    with tempfile.TemporaryDirectory(prefix="llmlint-fixes-") as folder:
        tree = WorkTree(history, Path(folder))
        tree.lay(sources(history.files(f"{fix.commit}~1"), fix.parts))
        return judged(fix, scan(Path(folder), fix.parts, cache=cache, rules=RULES, timeout=3600).findings)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--histories", type=Path, required=True, help="the folder that holds vLLM's clone")
    parser.add_argument("--number", type=int, action="append", help="only this fix; the result is not written then")
    options = parser.parse_args(arguments)
    history = find_history(options.histories, PROJECT)
    if history is None:
        parser.error(f"{options.histories} holds no clone of {PROJECT}")
    fixes = load_fixes((HERE / "sync_fixes.toml").read_text("utf-8"))
    chosen = [fix for fix in fixes if not options.number or fix.number in options.number]
    with history, tempfile.TemporaryDirectory(prefix="llmlint-cache-") as cache:
        text = table([_scanned(history, fix, Path(cache)) for fix in chosen])
    if not options.number:
        (HERE / "results" / "sync_fixes.md").write_text(text, "utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
