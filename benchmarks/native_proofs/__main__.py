"""`python -m benchmarks.native_proofs --tree LLAMA_CPP`: findings, and programs that crash where they point.

Builds each program of `programs/` with the few files of llama.cpp that it needs, under the address sanitizer and the
one for undefined behaviour, and runs it. A proof holds when llmlint reports the finding in this tree, and the sanitizer
stops the program at its line. Fetches nothing; needs g++, cmake and ninja.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import platformdirs

from benchmarks.histories import existing
from benchmarks.native_proofs.proofs import HERE, Outcome, Proof, crash_of, load_proofs, table
from benchmarks.scanning import scan
from llmlint.findings import Finding

SCOPES = ("common", "examples", "ggml", "include", "src", "tools")
LONGEST = 300
"""Seconds for one program."""
WATCHED = {"ASAN_OPTIONS": "handle_abort=1", "UBSAN_OPTIONS": "print_stacktrace=1", "GGML_NO_BACKTRACE": "1"}


@click.command(help=__doc__)
@click.option(
    "--tree",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="llama.cpp's sources: common, examples, ggml, include, src, tools and vendor.",
)
@click.option(
    "--build",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(platformdirs.user_cache_dir("llmlint-benchmarks")) / "native_proofs",
    show_default="the user's cache folder",
    help="Where programs are built; what is built already is kept.",
)
@click.option("--only", multiple=True, metavar="PROGRAM", help="Only these programs.")
@click.option("--jobs", default=1, show_default=True, help="Compilers side by side.")
@click.option("--page", type=click.Path(path_type=Path), help="Write the table here as well.")
def main(tree: Path, build: Path, only: Sequence[str], jobs: int, page: Path | None) -> None:
    proofs = [proof for proof in load_proofs() if not only or proof.program in only]
    if not proofs:
        raise click.UsageError("no such program")
    trouble = build_all([proof.program for proof in proofs], tree.resolve(), build, jobs)
    reported = findings_in(tree, proofs, build)
    outcomes = [outcome_of(proof, reported.get(proof.fingerprint), build, trouble) for proof in proofs]
    text = "\n".join(table(outcomes))
    click.echo(text)
    if page is not None:
        page.write_text(text + "\n", "utf-8")
    sys.exit(not all(outcome.holds for outcome in outcomes))


def build_all(programs: Sequence[str], tree: Path, build: Path, jobs: int) -> str:
    """Build what can be built; what the tools said last where something could not be."""
    build.mkdir(parents=True, exist_ok=True)
    configure = ["cmake", "-G", "Ninja", "-S", str(HERE), "-B", str(build), f"-DTREE={tree}"]
    for command in (configure, ["ninja", "-C", str(build), "-k", "0", "-j", str(jobs), *programs]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return (done.stderr or done.stdout).strip().splitlines()[-1]
    return ""


def findings_in(tree: Path, proofs: Sequence[Proof], build: Path) -> dict[str, Finding]:
    rules = sorted({proof.rule for proof in proofs})
    found = scan(tree, list(existing(tree, SCOPES)), cache=build / "llmlint", rules=rules).findings
    return {finding.fingerprint: finding for finding in found}


def outcome_of(proof: Proof, finding: Finding | None, build: Path, trouble: str) -> Outcome:
    program = build / proof.program
    if not program.exists():
        return Outcome(proof, finding, None, trouble)
    with tempfile.TemporaryDirectory(prefix="native-proof-") as folder:
        try:
            done = subprocess.run(
                [program.resolve()],
                cwd=folder,
                env={**os.environ, **WATCHED},
                capture_output=True,
                timeout=LONGEST,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(proof, finding, None, f"the program ran for {LONGEST} seconds")
    return Outcome(proof, finding, crash_of(done.stderr.decode("utf-8", "replace"), program.resolve()))


if __name__ == "__main__":
    main()
