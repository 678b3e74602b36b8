"""Watching without a finding of a scan: what a user names, or a package's life-cycle by its words, becomes findings.

    --watch 'Scheduler.add_request:enter, finish:leave, abort:leave' --container running
    --watch-template request-lifecycle ./my_engine        (`templates.py`)

The roles say which rule is asked; a third part names the entity (`add:enter:request.request_id`). Without one it is the
parameter that looks most like a request's id, or else the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from llmlint.catalogue import Catalogue
from llmlint.findings import Finding, fingerprint
from llmlint.runtime.block import Block, Role, Target, Watch
from llmlint.runtime.methods import Method, methods_under
from llmlint.vocabulary import Vocabulary

RULES = (
    (frozenset({"leave"}), "request-state-leak"),
    (frozenset({"scope", "acquire", "release"}), "leak-on-error-path"),
    (frozenset({"offload", "onload"}), "offload-drops-state"),
    (frozenset({"reset"}), "restore-leaves-state"),
    (frozenset({"insert"}), "unbounded-cache"),
)
"""The first rule all of whose roles are named."""


class WatchError(ValueError):
    """What is asked can't be watched; the message says why."""


class Part(NamedTuple):
    """One function of what a user asks for."""

    qualname: str
    role: Role
    entity: str


class More(msgspec.Struct, frozen=True):
    """What a finding asks beside its targets and containers."""

    locks: tuple[str, ...] = ()
    options: dict[str, str | int | bool | list[str]] = {}
    needs: dict[str, int] = {}


NOTHING_MORE = More()


def named_by_hand(
    texts: Iterable[str], containers: Sequence[str], root: Path, catalogue: Catalogue, vocabulary: Vocabulary
) -> list[Finding]:
    """A finding for each `--watch`."""
    methods = list(methods_under([str(root)])) if texts else []
    return [_by_hand(_parts(text), containers, methods, root, catalogue, vocabulary) for text in texts]


def _parts(text: str) -> list[Part]:
    owner, parts = "", []
    for piece in text.split(","):
        name, _, rest = piece.strip().partition(":")
        role, _, entity = rest.partition(":")
        known = next((one for one in get_args(Role) if one == role), None)
        if known is None:
            raise WatchError(f"{piece.strip()!r}: expected NAME:ROLE with one of {', '.join(get_args(Role))}")
        owner = name.rpartition(".")[0] or owner
        parts.append(Part(f"{owner}.{name.rpartition('.')[2]}".lstrip("."), known, entity))
    return parts


def _by_hand(
    parts: list[Part],
    containers: Sequence[str],
    methods: list[Method],
    root: Path,
    catalogue: Catalogue,
    vocabulary: Vocabulary,
) -> Finding:
    roles = {part.role for part in parts}
    rule = next((name for needed, name in RULES if needed <= roles), "")
    if not rule:
        raise WatchError(f"no rule is about {' and '.join(sorted(roles))} alone")
    found = [_only(part.qualname, methods, root) for part in parts]
    targets = [
        target_of(method, part.role, part.entity, root, vocabulary) for part, method in zip(parts, found, strict=True)
    ]
    return finding_of(rule, targets, containers, found[0], root, catalogue)


def _only(qualname: str, methods: list[Method], root: Path) -> Method:
    owner, _, name = qualname.rpartition(".")
    found = [method for method in methods if (method.owner, method.node.name) == (owner, name)]
    if len(found) != 1:
        places = f"in {', '.join(sorted(method.path for method in found)[:4])}" if found else f"under {root}"
        raise WatchError(f"{qualname} is defined {len(found)} times {places}; it must be once")
    return found[0]


def target_of(method: Method, role: Role, entity: str, root: Path, vocabulary: Vocabulary) -> Target:
    wants_one = role in ("enter", "leave", "insert", "acquire", "release")
    entity = entity or (entity_of(method, vocabulary) if wants_one else "")
    via = method.node.name if role == "leave" else ""
    return Target(method.qualname, role, path=_relative(method.path, root), entity=entity, via=via)


def entity_of(method: Method, vocabulary: Vocabulary) -> str:
    """The parameter that looks most like a request's id, or else the first."""
    names = method.parameters
    ids = [name for name in names if vocabulary.is_request_id(name)]
    about = [name for name in names if vocabulary.speaks_of_requests(name)]
    return next(iter([*ids, *about, *names]), "")


def finding_of(
    rule_name: str,
    targets: list[Target],
    containers: Sequence[str],
    place: Method,
    root: Path,
    catalogue: Catalogue,
    more: More = NOTHING_MORE,
) -> Finding:
    rule = next(rule for rule in catalogue if rule.name == rule_name)
    path, watched = _relative(place.path, root), " and ".join((*containers, *more.locks))
    what = f"{watched} of {place.owner or 'the module'}" if watched else "what it does"
    block = Block(
        targets=tuple(targets),
        watch=tuple(Watch(one, owner=place.owner, path=path) for one in containers),
        needs=more.needs,
        options={**more.options, **({"locks": list(more.locks)} if more.locks else {})},
    )
    asked = ", ".join(f"{target.qualname} ({target.role})" for target in targets)
    return Finding(
        rule=rule.code, name=rule.name, causes=rule.causes, path=path, line=place.node.lineno, column=1,
        end_line=place.node.end_lineno or place.node.lineno, end_column=1, symbol=place.qualname,
        severity=rule.severity, confidence="low", confidence_reason="no scan found it: it was asked of a traced run",
        message=f"{what} was watched through {asked}", evidence=(),
        fingerprint=fingerprint(rule.code, place.qualname, asked, watched, 0), runtime=block.plain(),
    )  # fmt: skip


def _relative(path: str, root: Path) -> str:
    file, base = Path(path).resolve(), root.resolve()
    return file.relative_to(base).as_posix() if file.is_relative_to(base) else str(file)
