"""`python -m benchmarks.peers --manifest FILE --histories DIR`: what other tools say of the same real bugs.

Each tool is asked about the files of a bug, as they were before its fix and after it. A bug counts as *found* when an
alarm stands at its place and is gone after the fix: no tool but ours names a cause, so none is asked for. Beside it the
alarms per 1,000 lines of these files, which is what a reader would have to go through.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
import msgspec

from benchmarks.histories import WorkTree, existing, sources
from benchmarks.peers.tools import NATIVE, PYTHON, TOOLS, Alarm, Tool, semgrep_with
from benchmarks.real_bugs.cases import HERE, Case, Project, chosen, load_cases, load_projects
from benchmarks.real_bugs.judge import NEAR, shown
from benchmarks.real_bugs.options import cache_option, histories_option, listed, open_history
from benchmarks.real_bugs.run import neighbourhood
from benchmarks.scanning import scan
from llmlint.findings import Finding

OURS = "llmlint"
OURS_WITH_LOW = "llmlint, low ones too"


class Said(msgspec.Struct, frozen=True):
    """What one tool said of one case: the alarms at the place that the fix took away, and how many there were."""

    case: str
    tool: str
    found: tuple[str, ...]
    alarms: int
    lines: int


@click.command(help=__doc__)
@histories_option
@cache_option
@click.option("--manifest", type=click.Path(path_type=Path, exists=True), default=HERE / "manifest.jsonl")
@click.option("--language", type=click.Choice([PYTHON, NATIVE]), help="Only bugs in Python, or in C, C++ and CUDA.")
@click.option("--sample", default=0, help="So many bugs of each language, drawn by seed; 0 for all.")
@click.option("--seed", default=1, show_default=True)
@click.option("--causes", default="", help="Only bugs of these root causes, with commas between.")
@click.option("--tool", "names", multiple=True, help="Only these tools.")
@click.option(
    "--semgrep-rules",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A folder with rules for semgrep, in `c` and `python`; without one it is not asked.",
)
@click.option(
    "--log", type=click.Path(path_type=Path), required=True, help="Where answers are kept: a later run goes on."
)
@click.option("--page", type=click.Path(path_type=Path), help="Write the table here as well.")
def main(
    histories: Path | None,
    cache: Path,
    manifest: Path,
    language: str | None,
    sample: int,
    seed: int,
    causes: str,
    names: Sequence[str],
    semgrep_rules: Sequence[Path],
    log: Path,
    page: Path | None,
) -> None:
    of_causes = chosen(load_cases(manifest), causes=listed(causes))
    cases = drawn([case for case in of_causes if language in (None, speech(case))], sample, seed)
    asked = (*TOOLS, *semgrep_with([folder.resolve() for folder in semgrep_rules]))
    tools = [tool for tool in asked if tool.is_here and (not names or tool.name in names)]
    known = list(read_log(log))
    projects = load_projects()
    for project in sorted({case.project for case in cases}):
        _ask(
            [case for case in cases if case.project == project], projects[project], tools, known, histories, cache, log
        )
    text = table(cases, tools, list(read_log(log)), seed if sample else None)
    click.echo(text)
    if page is not None:
        page.write_text(text, "utf-8")


def drawn(cases: Iterable[Case], sample: int, seed: int) -> list[Case]:
    by_speech: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_speech[speech(case)].append(case)
    chance = random.Random(seed)
    chosen = [
        chance.sample(group, min(sample, len(group))) if sample else group for _, group in sorted(by_speech.items())
    ]
    return sorted((case for group in chosen for case in group), key=lambda case: (case.project, case.date, case.id))


def speech(case: Case) -> str:
    return PYTHON if case.language == "python" else NATIVE


def _ask(
    cases: Sequence[Case],
    project: Project,
    tools: Sequence[Tool],
    known: Iterable[Said],
    histories: Path | None,
    cache: Path,
    log: Path,
) -> None:
    answered = {(said.case, said.tool) for said in known}
    with tempfile.TemporaryDirectory(prefix="peers-") as folder, open_history(cases[0], histories, cache) as history:
        (Path(folder) / "llmlint.toml").write_text("root = true\n")
        tree = WorkTree(history, Path(folder).resolve())
        for case in cases:
            wanted = [tool for tool in tools if tool.speaks == speech(case) and (case.id, tool.name) not in answered]
            ours = not answered.issuperset([(case.id, OURS), (case.id, OURS_WITH_LOW)])
            if not wanted and not ours:
                continue
            before, lines = _answers(case, case.parent, tree, project, wanted, ours, cache)
            after, _ = _answers(case, case.fix, tree, project, wanted, ours, cache)
            with log.open("ab") as file:
                for name, alarms in before.items():
                    said = Said(case.id, name, tuple(gone(case, alarms, after[name])), len(alarms), lines)
                    file.write(msgspec.json.encode(said) + b"\n")


def _answers(
    case: Case, commit: str, tree: WorkTree, project: Project, tools: Sequence[Tool], ours: bool, cache: Path
) -> tuple[dict[str, list[Alarm]], int]:
    files = sources(tree.history.files(commit), project.scopes)
    tree.lay(sources(tree.history.files(commit), (*project.scopes, "vendor")))  # headers that only compilers ask for
    about = [path for path in case.files if path in files]
    answers = {tool.name: tool.alarms(tree.folder, about) if about else [] for tool in tools}
    if ours:
        tree.lay(neighbourhood(case, files, tree.history))
        answers |= _our_alarms(tree.folder, list(existing(tree.folder, project.scopes)), about, cache / OURS)
    return answers, sum((tree.folder / path).read_bytes().count(b"\n") for path in about)


def _our_alarms(folder: Path, scopes: Sequence[str], about: Sequence[str], cache: Path) -> dict[str, list[Alarm]]:
    told = [f for f in scan(folder, scopes, cache=cache).findings if f.path in about and f.suppressed is None]
    return {
        OURS: [_as_alarm(finding) for finding in told if shown(finding)],
        OURS_WITH_LOW: [_as_alarm(finding) for finding in told],
    }


def _as_alarm(finding: Finding) -> Alarm:
    return Alarm(finding.path, finding.line, finding.rule, finding.message)


def gone(case: Case, before: Iterable[Alarm], after: Iterable[Alarm]) -> Iterator[str]:
    """Alarms at the place that are fewer after the fix; where the fix leaves the pattern, all that stand there."""
    left = Counter((alarm.path, alarm.code, alarm.text) for alarm in after)
    for alarm in before:
        key = (alarm.path, alarm.code, alarm.text)
        left[key] -= 1
        if (left[key] < 0 or not case.gone) and _is_at(case, alarm):
            yield alarm.code


def _is_at(case: Case, alarm: Alarm) -> bool:
    places = (where for where in case.where if where.file == alarm.path)
    return any(where.lines[0] - NEAR <= alarm.line <= where.lines[1] + NEAR for where in places)


def read_log(log: Path) -> Iterator[Said]:
    for line in log.read_bytes().splitlines() if log.exists() else ():
        yield msgspec.json.decode(line, type=Said)


def table(cases: Sequence[Case], tools: Sequence[Tool], known: Iterable[Said], seed: int | None) -> str:
    asked = {case.id: speech(case) for case in cases}
    groups: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for said in known:
        if said.case in asked:
            groups[asked[said.case], said.tool].append(said)
    versions = {tool.name: f" {tool.version_text()}" for tool in tools}
    how = "all bugs" if seed is None else f"bugs drawn with seed {seed}"
    rows = [f"{how} of the manifest, files of each bug before and after its fix", ""]
    rows += [
        "| language | tool | bugs | found | alarms per 1,000 lines | by |",
        "| --- | --- | ---: | ---: | ---: | --- |",
    ]
    for (language, name), group in sorted(groups.items()):
        found = [said for said in group if said.found]
        lines = sum(said.lines for said in group)
        noise = 1000 * sum(said.alarms for said in group) / lines if lines else 0
        by = Counter(code for said in found for code in set(said.found)).most_common(6)
        codes = ", ".join(f"{code} {count}" for code, count in by)
        rows.append(
            f"| {language} | {name}{versions.get(name, '')} | {len(group)} | {len(found)} | {noise:.2f} | {codes} |"
        )
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
