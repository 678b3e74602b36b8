"""Functions that a run should reach whether or not anything was found in them: where the bugs of our rules live.

Ends of a request's life, resets, restores, offloads, and whoever calls a collective or takes something that must come
back. A traced run counts their calls and nothing else, so that `confirm --coverage` can say which were never reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from llmlint.catalogue import Catalogue
from llmlint.code.facts.facts import Function
from llmlint.files import discover
from llmlint.reading import read_bytes
from llmlint.vocabulary import Vocabulary

KEY = "sites"
MOST = 500


def with_sites(plan: dict[str, Any], paths: Iterable[str], vocabulary: Vocabulary) -> dict[str, Any]:
    """The plan with one more entry that only counts."""
    targets = [
        {"path": path, "qualname": function.qualname, "role": "scope"}
        for path, function in _functions(paths, vocabulary)
        if _is_relevant(function, vocabulary)
    ][:MOST]
    if not targets:
        return plan
    files = {path: {"absolute": str(Path(path).absolute()), "sha256": ""} for path in {one["path"] for one in targets}}
    entry = {"key": KEY, "rule": "", "probe": KEY, "path": targets[0]["path"], "targets": targets, "watch": []}
    return {**plan, "findings": [*plan["findings"], entry], "files": {**files, **plan["files"]}}


def _functions(paths: Iterable[str], vocabulary: Vocabulary) -> Iterator[tuple[str, Function]]:
    for source in discover(paths).sources:
        if source.language != "python":
            continue
        try:
            data = Path(source.file).read_bytes()
        except OSError:
            continue
        for function in read_bytes(data, "python", vocabulary, Catalogue(())).facts.functions:
            yield source.path, function


def _is_relevant(function: Function, vocabulary: Vocabulary) -> bool:
    if not function.has_body or function.shape in ("pass", "raise", "constant") or function.name == "<module>":
        return False
    name = function.name
    if vocabulary.is_terminal(name) or vocabulary.is_reset(name) is not None or vocabulary.is_offload(name):
        return True
    callees = {effect.callee for effect in function.effects if effect.callee}
    return any(vocabulary.collective(callee) or vocabulary.entered_by(callee) for callee in callees)
