"""Frames of native stacks, as sanitizers and addr2line tell them, and whether they lie in a function of the source."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

_ARGUMENTS_OF_TEMPLATES = re.compile(r"<[^<>]*>")


class Frame(msgspec.Struct, frozen=True):
    """An unknown file is "", an unknown line 0."""

    function: str
    file: str
    line: int


def same_file(path: str, told: str) -> bool:
    """Do the two name one file? Tools tell the path of the build, findings that of the scan: what both have decides."""
    ours, theirs = PurePosixPath(path).parts[-2:], PurePosixPath(told).parts[-2:]
    return ours[-1:] == theirs[-1:] and (len(ours) != len(theirs) or len(ours) < 2 or ours == theirs)


def bare_name(function: str) -> str:
    """`pool::admit` of `int pool::admit<char>(int) [clone .part.0]`."""
    text = function.replace("(anonymous namespace)::", "").partition("(")[0]
    while text != (text := _ARGUMENTS_OF_TEMPLATES.sub("", text)):
        pass
    return text.strip().rpartition(" ")[2].partition(".")[0]


def is_called(function: str, qualname: str) -> bool:
    """Is this the function that the facts call `pool.admit`, `pool.__init__` or `pool.__del__`?"""
    *owners, name = qualname.split(".")
    owner = owners[-1] if owners else ""
    name = {"__init__": owner, "__del__": f"~{owner}"}.get(name, name)
    *told_owners, told = bare_name(function).split("::")
    return bool(name) and told == name and (not told_owners or not owner or told_owners[-1] == owner)
