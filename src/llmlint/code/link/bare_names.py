"""Where facts of C++ say `~name`: written bare in a method, it is a member of the class or a name of the file."""

from __future__ import annotations

from llmlint.code.facts.facts import Argument, Effect


def mentions_bare(effect: Effect) -> bool:
    if effect.path.startswith("~") or effect.source.startswith("~") or effect.key.startswith("~"):
        return True
    if effect.result.startswith("~") or _any_bare(effect.reads) or _any_bare(effect.options):
        return True
    return any(arg.path.startswith("~") or _any_bare(arg.reads) for arg in effect.args)


def is_bare(arg: Argument) -> bool:
    return arg.path.startswith("~") or arg.written.startswith("~") or _any_bare(arg.reads)


def _any_bare(paths: tuple[str, ...]) -> bool:
    return bool(paths) and any(path.startswith("~") for path in paths)
