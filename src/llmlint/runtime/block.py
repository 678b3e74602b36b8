"""What a finding asks a traced run to watch: plain data that a checker builds and a probe reads.

A checker whose rule has a probe puts a block into its report:

    data={"runtime": Block(targets=(...), watch=(...)).plain()}

`docs/confirm.md` says which roles each probe understands. A block names things as the source names them, so a checker
needs nothing that it doesn't already have: a file, a qualname, an attribute, an access path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

Role = Literal[
    "instance",
    "enter",
    "leave",
    "insert",
    "reset",
    "restore",
    "save",
    "offload",
    "onload",
    "scope",
    "acquire",
    "release",
    "format",
    "key",
    "lookup",
    "collective",
    "group",
    "wait",
    "advance",
    "answer",
    "step",
]


class Target(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A function to watch and the part it plays.

    `path` is the file as the scan names it; "" is the finding's own file. `entity` is an access path in the language
    of the facts, rooted in a parameter, in `return`, or (read when the function ends) in a local variable:
    `request.request_id`, `self.slots[slot].rid`, `requests[].request_id`, `return.block_ids[]`, `key`. It is parsed,
    never evaluated as code. `via` names the terminal path a `leave` stands for: finish, abort, error, preempt …
    """

    qualname: str
    role: Role
    path: str = ""
    entity: str = ""
    owner: str = ""
    via: str = ""


class Watch(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An attribute of every instance of a class (`owner` is its qualname), or a global of the file (`owner` is "")."""

    attribute: str
    owner: str = ""
    path: str = ""


class Block(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The whole request. `needs` overrides how often something must be seen before a probe may judge (`ended`, `keys`,
    `resets` …); `options` is for one probe's own settings. The probe itself is named by the rule's page."""

    targets: tuple[Target, ...] = ()
    watch: tuple[Watch, ...] = ()
    needs: dict[str, int] = {}
    options: dict[str, str | int | bool | list[str]] = {}

    def plain(self) -> dict[str, Any]:
        """As it goes into `Report.data["runtime"]` and from there into `Finding.runtime`."""
        data: dict[str, Any] = msgspec.to_builtins(self)
        return data


def read_block(data: dict[str, Any]) -> Block:
    """The block of a finding read back from JSON; raises `msgspec.ValidationError` on anything else."""
    return msgspec.convert(data, Block)


def with_paths(data: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The block with its files under other names: those a reader of the findings knows."""
    parts: dict[str, Any] = {
        part: [{**one, "path": names.get(one["path"], one["path"])} if one.get("path") else one for one in data[part]]
        for part in ("targets", "watch")
        if part in data
    }
    return {**data, **parts}
