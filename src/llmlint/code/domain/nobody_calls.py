"""Functions that nobody in a tree is known to call: what always fails in them has never been met.

It is no proof that they are unused, for a library is called from outside, and of many objects nobody can tell what they
are. Of a call that can only fail it says the more, since whoever came there would have mended it.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.roots import roots_of
from llmlint.code.link.dispatch import CALLED_BY_CLASS
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.objects import unbound
from llmlint.code.link.program import Program
from llmlint.phrases import last_name

CALLS_NO_HEIR = frozenset(
    "object abc.ABC typing.Protocol typing.Generic enum.Enum Exception pydantic.BaseModel torch.nn.Module".split()
)
"""Classes that call no method that their heirs think of, or only such as are called by name elsewhere too."""
_CHANGE_NO_CALLER = frozenset(
    "staticmethod classmethod override typing.override torch.no_grad torch.inference_mode".split()
)


def is_called_by_nobody(program: Program, function: FunctionInfo) -> bool:
    """Is no call known to run it, nor is it spoken of as a value, though its file is imported and its class made?"""
    name, owner = function.name, function.owner
    is_nested = "." in function.facts.qualname and not function.is_method
    if function.language != "python" or is_nested or name.startswith(("__", "<")) or name in CALLED_BY_CLASS:
        return False
    if not _CHANGE_NO_CALLER.issuperset(decorator.partition("(")[0] for decorator in function.facts.decorators):
        return False
    if not roots_of(program).is_imported(function.path):
        return False
    if owner is not None and not (calls_no_heir(owner) and _is_made(program, owner)):
        return False
    is_called = any(call.function is not function for call in program.callers(function))
    return not is_called and not _is_known_to_be_handed(program, function)


def _is_made(program: Program, cls: ClassInfo) -> bool:
    return any(program.functions_calling(one.name) for one in (cls, *cls.subclasses))


def calls_no_heir(cls: ClassInfo) -> bool:
    return CALLS_NO_HEIR.issuperset(base for above in cls.mro for base in above.unknown_bases)


def is_handed(program: Program, function: FunctionInfo) -> bool:
    """Does anybody speak of it other than to call it, as far as names tell?"""
    gists = (other.facts.gist for other in program.functions)
    return any(function.name in (*gist.reads, *gist.spoken) for gist in gists) or any(_handed(program, function))


def _is_known_to_be_handed(program: Program, function: FunctionInfo) -> bool:
    """The same as far as what a path stands for is known, and of its name as a text."""
    if any(function.name in other.facts.gist.spoken for other in program.functions):
        return True
    meant = (one for other, path in _handed(program, function) for one in program.meanings(other, path))
    return any(unbound(one) is function for one in meant)


def _handed(program: Program, function: FunctionInfo) -> Iterator[tuple[FunctionInfo, str]]:
    """The paths ending in its name that are bound or handed over where it is known, each with who does so."""
    for other in (other for path in _importing(program, function) for other in program.functions_in(path)):
        for path in (p for e in other.effects for p in (e.source, *(argument.path for argument in e.args))):
            if last_name(path) == function.name:
                yield other, path


def _importing(program: Program, function: FunctionInfo) -> Iterator[str]:
    """Its own file, and those that import its name or that of its class."""
    names = {"*", function.name, *((function.owner.name,) if function.owner is not None else ())}
    for path, facts in program.files.items():
        if path == function.path or any(fact.target in names for fact in facts.imports):
            yield path
