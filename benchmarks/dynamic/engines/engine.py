"""What the benchmark needs to know of an engine, and the trees it makes of the engine's package."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from llmlint.runtime.block import Block

HERE = Path(__file__).resolve().parent


class Seed(NamedTuple):
    """A bug of a few lines: `was` stands once in the file, and becomes `now`; `more` such pairs may belong to it."""

    file: str
    was: str
    now: str
    rule: str
    why: str
    name: str = "seeded"
    """What its tree is called."""
    more: tuple[tuple[str, str], ...] = ()
    symbol: str = ""
    told: Block | None = None
    """What a run is told to watch where the scan does not find the bug."""
    line: str = ""
    """How the line begins that the bug stands in; nothing for the line of its function."""


class Engine(NamedTuple):
    """An engine from PyPI, and how it is run here."""

    name: str
    requirements: tuple[tuple[str, ...], ...]
    """What each call of pip is given."""
    package: str
    scanned: str
    program: str
    arguments: tuple[str, ...]
    seeds: tuple[Seed, ...]
    environment: dict[str, str]
    left_out: tuple[str, ...] = ()
    """Files of the package that its trees do without."""
    disguise: str = ""
    """The version that the package is to give, where it looks for a word in it."""
    launcher: tuple[str, ...] = ()
    """What stands between Python and the program."""
    source: str = ""
    """The folder beside this file that the package is taken from, for one that no index has."""
    kill: tuple[str, ...] = ()
    """What makes the program kill its child; nothing for an engine in one process."""

    def python(self, workdir: Path) -> Path:
        return workdir / self.name / "venv" / "bin" / "python"

    def tree(self, workdir: Path, variant: str) -> Path:
        return workdir / self.name / variant

    def command(self, workdir: Path, more: tuple[str, ...] = ()) -> list[str]:
        filled = [argument.replace("WORKDIR", str(workdir / self.name)) for argument in (*self.arguments, *more)]
        return [str(self.python(workdir)), *self.launcher, str(HERE / self.program), *filled]

    def surroundings(self, workdir: Path, variant: str) -> dict[str, str]:
        """The environment of a run: the variant's tree before the installed package."""
        found = {**os.environ, **self.environment, "PYTHONHASHSEED": "0"}
        paths = [str(self.tree(workdir, variant)), os.environ.get("PYTHONPATH", "")]
        return {**found, "PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def versions(self, workdir: Path) -> dict[str, str]:
        listed = subprocess.run(
            [self.python(workdir), "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        every = dict(line.split("==", 1) for line in listed.splitlines() if "==" in line)
        told = (self.package.replace("_", "-"), self.package, "llama_cpp_python", "torch", "transformers", "numpy")
        return {name: every[name] for name in told if name in every}


def set_up(engine: Engine, workdir: Path, base: str) -> None:
    """The engine's virtual environment and its two trees, once."""
    folder = workdir / engine.name
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([base, "-m", "venv", folder / "venv"], check=True)
        for requirements in engine.requirements:
            pip = [engine.python(workdir), "-m", "pip", "install", "--quiet", *requirements]
            subprocess.run(pip, check=True, env={**os.environ, **engine.environment})
        (folder / "ready").touch()
    for variant, seed in (("clean", None), *((seed.name, seed) for seed in engine.seeds)):
        if not engine.tree(workdir, variant).exists():
            make_tree(engine, workdir, variant, seed)


def make_tree(engine: Engine, workdir: Path, variant: str, seed: Seed | None) -> None:
    """A copy of the installed package, seeded or as it is."""
    installed = next((workdir / engine.name / "venv" / "lib").glob("python*/site-packages"))
    installed = HERE / engine.source if engine.source else installed
    tree = engine.tree(workdir, variant)
    unwanted = shutil.ignore_patterns("__pycache__", *engine.left_out)
    shutil.copytree(installed / engine.package, tree / engine.package, ignore=unwanted)
    if engine.disguise:
        told = tree / f"{engine.package}-{engine.disguise}.dist-info"
        told.mkdir()
        (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {engine.package}\nVersion: {engine.disguise}\n")
    for was, now in ((seed.was, seed.now), *seed.more) if seed is not None else ():
        file = tree / seed.file
        text = file.read_text()
        if text.count(was) != 1:
            raise ValueError(f"{seed.file} holds {text.count(was)} times {was!r}")
        file.write_text(text.replace(was, now))
