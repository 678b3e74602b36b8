"""What a project needs to use llmlint: settings, a pre-commit hook, a workflow, a baseline of what is there already.

Each step looks first: what the project has is extended or left alone, never overwritten.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from llmlint.baseline import baseline_of, write_baseline
from llmlint.findings import Finding
from llmlint.installed import Source
from llmlint.opening import read_small
from llmlint.writing import Changed, write_file

_LARGEST = 10_000_000

BASELINE = "llmlint-baseline.json"

SETTINGS = """\
# Least confidence shown: low, medium, high or certain.
min-confidence = "medium"
# Left out, as in .gitignore.
exclude = []
"""

_KNOWN = f"""\
# Findings that were here before; `llmlint baseline update` forgets the mended ones.
baseline = "{BASELINE}"
"""

_HOOK = """\
- repo: local
  hooks:
    - id: llmlint
      name: llmlint
      entry: llmlint scan --force-exclude
      language: python
      additional_dependencies: [REQUIREMENT]
      types_or: [python, c, c++, cuda]
      require_serial: true
"""

_WORKFLOW = """\
name: llmlint
on:
  push:
    branches: [main]
  pull_request:

permissions: {}

jobs:
  llmlint:
    runs-on: ubuntu-latest
    permissions:
      contents: read
      actions: read
      security-events: write
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - run: pipx install REQUIREMENT
        working-directory: ${{ runner.temp }}
      - run: llmlint scan . --format github --output sarif:llmlint.sarif
      - uses: github/codeql-action/upload-sarif@89a39a4e59826350b863aa6b6252a07ad50cf83e # v4.32.4
        if: ${{ !cancelled() }}
        with:
          sarif_file: llmlint.sarif
          category: llmlint
"""


class Step(msgspec.Struct, frozen=True):
    """One file to write: `question` asks leave, `text` is all that the file will hold, `before` what it holds now."""

    file: Path
    question: str
    text: str
    before: bytes | None = None

    def take(self) -> None:
        """Raises OSError, and the file is as it was."""
        if self.before is None and self.file.exists():
            raise Changed(self.file)
        write_file(self.file, self.text.encode(), self.before, parents=True)


class Unreachable(msgspec.Struct, frozen=True):
    """A file that is of no use, as the server that reads it could not install llmlint."""

    file: Path
    source: Source


class ByHand(msgspec.Struct, frozen=True):
    """A file llmlint does not dare to change, with what to add to it, and where."""

    file: Path
    text: str
    where: str


def steps(root: Path, with_baseline: bool, source: Source) -> Iterator[Step | ByHand | Unreachable]:
    """What is still missing in the project at `root`; hook and workflow install llmlint from `source`."""
    for step in (_settings(root, with_baseline), _hook(root, source), _workflow(root, source)):
        if step is not None:
            yield step


def write_known(root: Path, findings: list[Finding]) -> Path:
    file = root / BASELINE
    write_baseline(file, baseline_of(findings, file))
    return file


def _settings(root: Path, with_baseline: bool) -> Step | ByHand | None:
    wanted = SETTINGS
    if with_baseline:
        wanted += _KNOWN
    own, project = root / "llmlint.toml", root / "pyproject.toml"
    if own.exists():
        here = tomllib.loads(read_small(own, _LARGEST).decode())
        return _baseline_by_hand(own, here, "before any table") if with_baseline else None
    if not project.exists():
        return Step(own, "Write the settings to llmlint.toml?", wanted)
    data = read_small(project, _LARGEST)
    text = data.decode()
    here = tomllib.loads(text).get("tool", {}).get("llmlint")
    if here is not None:
        return _baseline_by_hand(project, here, "below `[tool.llmlint]`") if with_baseline else None
    added = _appended(text, f"\n[tool.llmlint]\n{wanted}")
    return Step(project, "Add [tool.llmlint] to pyproject.toml?", added, data)


def _baseline_by_hand(file: Path, settings: object, where: str) -> ByHand | None:
    """Settings that were there before do not know of the baseline."""
    knows = isinstance(settings, dict) and "baseline" in settings
    return None if knows else ByHand(file, _KNOWN, where)


def _hook(root: Path, source: Source) -> Step | ByHand | None:
    hook = _HOOK.replace("REQUIREMENT", msgspec.json.encode(source.requirement()).decode())
    file = root / ".pre-commit-config.yaml"
    if not file.exists():
        return Step(file, "Write .pre-commit-config.yaml?", f"repos:\n{_indented(hook, 2)}")
    data = read_small(file, _LARGEST)
    if b"llmlint" in data:
        return None
    return _hook_appended(file, data, hook)


def _appended(text: str, lines: str) -> str:
    """The lines below the text, ending as its own do."""
    return text.rstrip() + f"\n{lines}".replace("\n", "\r\n" if "\r\n" in text else "\n")


def _hook_appended(file: Path, data: bytes, hook: str) -> Step | ByHand:
    """The new entry goes below the last one, where the list of repositories is the end of the file."""
    text = data.decode()
    entries = list(re.finditer(r"^( *)- repo:", text, re.MULTILINE))
    after = text[entries[-1].end() :] if entries else ""
    if not entries or re.search(r"^[^\s#-]", after, re.MULTILINE):
        return ByHand(file, hook, "below `repos:`")
    added = _appended(text, _indented(hook, len(entries[-1][1])))
    return Step(file, "Add llmlint to .pre-commit-config.yaml?", added, data)


def _indented(text: str, depth: int) -> str:
    return "".join(" " * depth + line for line in text.splitlines(keepends=True))


def _workflow(root: Path, source: Source) -> Step | Unreachable | None:
    file = root / ".github" / "workflows" / "llmlint.yml"
    if file.exists():
        return None
    if not source.elsewhere:
        return Unreachable(file, source)
    text = _WORKFLOW.replace("REQUIREMENT", shlex.quote(source.requirement()))
    return Step(file, "Write the GitHub workflow .github/workflows/llmlint.yml?", text)
