"""What a run is asked to watch of the device and of memory without a finding, and which functions are steps."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from llmlint.files import discover
from llmlint.runtime.plan import file_of
from llmlint.runtime.timeline import PROBE as MEMORY
from llmlint.runtime.watching import WatchError

SYNCS = "device-syncs"
RACES = "device-races"
NOWHERE = "<process>"
"""The path of an entry that is about a process as a whole."""


def device_options(command: Callable[..., object]) -> Callable[..., object]:
    for option in (
        click.option(
            "--device",
            default="cuda",
            show_default=True,
            metavar="TYPE",
            help="What torch calls the device of the run.",
        ),
        click.option(
            "--step", "steps", multiple=True, metavar="FUNCTION", help="What runs the model once: 'Engine.step'."
        ),
        click.option("--races", is_flag=True, help="Find accesses of memory that nothing orders (needs --step)."),
        click.option("--syncs", is_flag=True, help="Find the lines at which the host waits for the device in a step."),
        click.option(
            "--memory-timeline", "memory", is_flag=True, help="Record memory over time, and the lines that hold it."
        ),
    ):
        command = option(command)
    return command


class DeviceWatch(NamedTuple):
    """What the flags of `trace` ask for, by their names."""

    memory: bool = False
    syncs: bool = False
    races: bool = False
    steps: Sequence[str] = ()
    device: str = "cuda"

    @property
    def flags(self) -> str:
        return "--memory-timeline, --syncs, --races"

    @property
    def probes(self) -> list[str]:
        return [name for name, asked in ((MEMORY, self.memory), (SYNCS, self.syncs), (RACES, self.races)) if asked]


def with_device_watch(plan: dict[str, Any], watch: DeviceWatch, root: Path) -> dict[str, Any]:
    """The plan with one more entry for each probe that is asked for."""
    plan = {**plan, "device": watch.device}
    if not watch.probes:
        return plan
    steps = [step for name in watch.steps for step in [_step(name, root)]]
    entries = [
        {
            "key": f"the process's {probe}", "rule": "", "probe": probe, "path": NOWHERE, "targets": steps, "watch": [],
        }
        for probe in watch.probes
    ]  # fmt: skip
    files = {step["path"]: file_of(root, step["path"]) for step in steps}
    return {**plan, "findings": [*plan["findings"], *entries], "files": {**files, **plan["files"]}}


def _step(name: str, root: Path) -> dict[str, str]:
    """`Engine.step`, `run_step` or, where several are called so, `engine/core.py:Engine.step`."""
    path, _, qualname = name.rpartition(":")
    found = [
        (place, one)
        for place in ([root / path] if path else _files(root))
        for one in _functions_in(place, qualname)
        if one == qualname or one.endswith(f".{qualname}")
    ]
    if len(found) != 1:
        where = f"in {', '.join(sorted(str(place) for place, _ in found)[:4])}" if found else f"under {root}"
        raise WatchError(f"--step {name}: defined {len(found)} times {where}; it must be once")
    place, whole = found[0]
    file, base = place.resolve(), root.resolve()
    told = file.relative_to(base).as_posix() if file.is_relative_to(base) else str(file)
    return {"path": told, "qualname": whole, "role": "step"}


def _files(root: Path) -> Iterator[Path]:
    return (Path(source.file) for source in discover([str(root)]).sources if source.language == "python")


def _functions_in(file: Path, qualname: str) -> Iterator[str]:
    """The functions of a module and of its classes, by their whole names."""
    name = qualname.rpartition(".")[2]
    try:
        data = file.read_bytes()
        tree = ast.parse(data) if f"def {name}".encode() in data else ast.Module([], [])
    except (OSError, SyntaxError, ValueError):
        return
    yield from _within(tree.body, "", name)


def _within(body: Iterable[ast.stmt], owner: str, name: str) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _within(node.body, f"{owner}{node.name}.", name)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            yield f"{owner}{name}"
