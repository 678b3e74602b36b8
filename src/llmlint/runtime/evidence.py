"""What other tools wrote of a run: logs of sanitizers and of checks for waits, dumps of torch's flight recorder,
answers of NCCL's RAS, snapshots of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding
from llmlint.runtime.driving import wrong_use
from llmlint.timelines import Timeline

if TYPE_CHECKING:
    from llmlint.dynamic.read import Run


def evidence_options(command: Callable[..., object]) -> Callable[..., object]:
    for option in (
        click.option(
            "--memory-snapshot",
            "snapshots",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A snapshot that torch has pickled, for the chart of memory and findings of allocation.",
        ),
        click.option(
            "--nccl-ras",
            "answers",
            multiple=True,
            type=click.Path(path_type=Path),
            help="What NCCL's RAS answered during a run that is given, in text or JSON; twice is surer than once.",
        ),
        click.option(
            "--flight-recorder",
            "dumps",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A dump of torch's flight recorder, one a rank: FILE_0, FILE_1 …",
        ),
        click.option(
            "--sanitizer-log",
            "logs",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A log of ASan, LSan, TSan, UBSan, valgrind or compute-sanitizer.",
        ),
        click.option(
            "--sync-log",
            "sync_logs",
            multiple=True,
            type=click.Path(path_type=Path),
            help="A log of torch's check for waits, or of vLLM's (VLLM_GPU_SYNC_CHECK).",
        ),
    ):
        command = option(command)
    return command


class Evidence(NamedTuple):
    """The files that were named, by kind."""

    logs: Sequence[Path] = ()
    dumps: Sequence[Path] = ()
    snapshots: Sequence[Path] = ()
    answers: Sequence[Path] = ()
    sync_logs: Sequence[Path] = ()

    def joined_to(
        self, findings: Sequence[Finding], root: Path, catalogue: Catalogue, runs: Sequence[Run] = ()
    ) -> tuple[list[Finding], list[Timeline]]:
        """The findings with what these files show of them, and the memory that they tell of."""
        from llmlint.runtime.plain_pickles import NotPlain

        try:
            return self._joined_to(list(findings), root, catalogue, runs)
        except OSError as error:
            wrong_use(f"cannot read {error.filename}: {error.strerror}")
        except NotPlain as error:
            wrong_use(str(error))

    def _joined_to(
        self, findings: list[Finding], root: Path, catalogue: Catalogue, runs: Sequence[Run]
    ) -> tuple[list[Finding], list[Timeline]]:
        timelines: list[Timeline] = []
        if self.logs:
            from llmlint.runtime.sanitizers import read_log, with_sightings

            texts = [log.read_bytes().decode("utf-8", "replace") for log in self.logs]
            sightings = [sighting for text in texts for sighting in read_log(text)]
            findings = with_sightings(findings, sightings, [str(log) for log in self.logs])
        if self.sync_logs:
            from llmlint.runtime.sync_checks import read_log as read_waits
            from llmlint.runtime.sync_checks import with_waits

            waits = [w for log in self.sync_logs for w in read_waits(log.read_bytes().decode("utf-8", "replace"))]
            findings, unknown = with_waits(findings, waits, [str(log) for log in self.sync_logs])
            for place in unknown:
                click.echo(f"llmlint: {place} waited for the device, and no finding is about it", err=True)
        if self.dumps:
            from llmlint.runtime.flight_recorder import read_dumps, with_dumps

            names = [str(file) for file in self.dumps]
            findings = with_dumps(findings, read_dumps(self.dumps), names, root, catalogue)
        if self.answers:
            from llmlint.runtime.nccl_ras import read_answer
            from llmlint.runtime.ras_verdicts import with_answers

            names = [str(file) for file in self.answers]
            answers = [read_answer(file) for file in self.answers]
            findings, unjoined = with_answers(findings, answers, names, runs, root, catalogue)
            for said in unjoined:
                click.echo(f"llmlint: {said}", err=True)
        if self.snapshots:
            from llmlint.runtime.memory_snapshots import read_snapshot, timelines_in, with_snapshots

            read = [read_snapshot(file) for file in self.snapshots]
            names = [str(file) for file in self.snapshots]
            findings = with_snapshots(findings, read, names)
            timelines = [line for one, file in zip(read, names, strict=True) for line in timelines_in(one, file)]
        return findings, timelines
