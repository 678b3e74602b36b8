"""Every file a new rule needs: its page, its checker and its probe.

The page's cases mark what the checker is to find, so the tests fail until the checker finds it.
"""

from __future__ import annotations

import re
from pathlib import Path

from llmlint.catalogue import chapter_of, load_catalogue

_PAGE = """+++
code = "{code}"
name = "{name}"
title = "{title}"
chapter = "{chapter}"
severity = "P2"
languages = ["python"]
scope = "program"
since = "0.1.0"
causes = ["{name}"]
tags = []
probe = "{module}"
+++

## What it catches

{title}.

## Why it hurts in production

What the user of a serving process sees, and how long after the cause.

## Bad

```python
class Example:
    def method(self):  # expect: {code}
        pass
```

## Good

```python
class Example:
    def method(self):
        return self
```

## How to fix

The change that makes the finding go away for the right reason.

## Limits

What it does not see, and what it may take for the bug.

## Seen in the wild

Upstream changes that mended it.
"""

_CHECKER = '''"""{code}: {lower}."""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.link.program import Program
from llmlint.findings import Report


def check_program(program: Program) -> Iterator[Report]:
    """Yield a `Report` for each place; `program` says which questions it answers."""
    yield from ()
'''

_PROBE = '''"""{code}: what a run must show for the finding to be confirmed, and whether it may ever be refuted.

Choose or write the oracle in `dynamic/oracles/`, and name it `Probe` here.
"""
'''


_OWN_PAGE = _PAGE.replace('chapter = "{chapter}"\n', "").replace('probe = "{module}"\n', "")
"""The page of a rule of one's own: its prefix is its chapter."""


class NewRuleError(ValueError):
    """A name or code that cannot be given to a new rule."""


def write_rule(root: Path, name: str, code: str, title: str) -> list[Path]:
    """Writes the three files into a clone at `root`; answers their paths."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise NewRuleError(f"{name!r} is no rule name: lower-case words joined by hyphens")
    is_own = not code.startswith("LLM")
    if not re.fullmatch(r"[A-Z]{2,10}[0-9]{3}", code) or not (is_own or chapter_of(code)):
        raise NewRuleError(
            f"{code!r} is no code: LLM and three digits that begin as a chapter's do, or a prefix of yours"
        )
    for rule in load_catalogue():
        if code == rule.code or name == rule.name:
            raise NewRuleError(f"{rule.code} {rule.name} exists already; codes and names are never used twice")
    if not is_own and (not (root / "checkers").is_dir() or not (root / "rules").is_dir()):
        raise NewRuleError(f"{root} is no clone of llmlint: it has no checkers/ and rules/")
    chapter, module = chapter_of(code), name.replace("-", "_")
    words = {
        "code": code,
        "name": name,
        "title": title,
        "chapter": chapter,
        "module": module,
        "lower": title[:1].lower() + title[1:],
    }
    files = (
        _own_files(root, name)
        if is_own
        else {
            root / "rules" / chapter / f"{name}.md": _PAGE,
            root / "checkers" / chapter / f"{module}.py": _CHECKER,
            root / "dynamic" / "probes" / f"{module}.py": _PROBE,
        }
    )
    taken = [str(path) for path in files if path.exists()]
    if taken:
        raise NewRuleError(f"exists already: {', '.join(taken)}")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(**words), encoding="utf-8")
    return list(files)


def _own_files(folder: Path, name: str) -> dict[Path, str]:
    """Page and checker lie side by side."""
    return {folder / f"{name}.md": _OWN_PAGE, folder / f"{name.replace('-', '_')}.py": _CHECKER}
