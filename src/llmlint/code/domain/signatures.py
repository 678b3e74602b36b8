"""What a call hands over against what a definition takes, by Python's rules for binding arguments.

A signature is None where something could take other arguments than the ones that are written: an unknown decorator, or
a constructor that a base outside of the program brings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from llmlint.code.facts.facts import Argument, Effect, FieldFact, Param
from llmlint.code.link.entities import ClassInfo, FunctionInfo
from llmlint.code.link.objects import Method, One
from llmlint.code.link.program import Program

Signature = tuple[Param, ...]

_KEEPING = frozenset(
    "staticmethod classmethod abstractmethod override final no_grad inference_mode lru_cache cache contextmanager "
    "asynccontextmanager deprecated".split()
)
"""Decorators that hand on all arguments, as the documents of the standard library, typing and torch say."""

_ADDING_NOTHING = frozenset({"object", "ABC", "abc.ABC", "Generic", "typing.Generic", "Protocol", "typing.Protocol"})
_OWN_CONSTRUCTION = ("__new__", "__getattr__", "__init_subclass__")
_NO_FIELD = re.compile(r"\bClassVar\b")
_KEYWORDS_ONLY = re.compile(r"\bkw_only\s*=\s*True\b")
_NO_CONSTRUCTOR = re.compile(r"\binit\s*=\s*False\b")
_NEEDS, _TOO = "needs ", " too"
_NOT_TAKEN = frozenset({"init=False", "init=0", "init=0.0", "init=None"})
"""What `dataclasses` takes for false."""


def signature_of(meaning: One) -> Signature | None:
    """What a caller hands to what an access path stands for."""
    match meaning:
        case Method():
            return _of_function(meaning.function, meaning.params)
        case FunctionInfo():  # a class method is bound to its class by whatever name it is reached
            return _of_function(meaning, meaning.params if meaning.is_class_method else meaning.facts.params)
        case ClassInfo():
            return _of_constructor(meaning)
    return None


Form = tuple[str, ...]
"""How arguments are handed over: a keyword each, "" for a positional one."""


class Named:
    """All signatures of one name, whatever it stands for: a call that fits each of them needs no second look."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._of_name: dict[str, dict[Signature, None]] = {}
        self._misfits: dict[tuple[str, Form], bool] = {}
        self._classes = {cls.name for cls in program.classes}

    def _known(self, name: str) -> dict[Signature, None]:
        known = self._of_name.get(name)
        if known is None:
            methods = (f for f in self._program.functions_named(name) if f.language == "python")
            signatures = [_of_function(function, function.params) for function in methods]
            classes = (c for c in self._program.classes_named(name) if c.language == "python" and c.name == name)
            signatures += map(_of_constructor, classes)
            known = self._of_name[name] = dict.fromkeys(s for s in signatures if s is not None)
        return known

    def may_misfit(self, effect: Effect) -> bool:
        receiver, _, name = effect.callee.rpartition(".")
        known = self._known(name)
        return bool(known) and (receiver.rpartition(".")[2] in self._classes or self._misfit_one(name, known, effect))

    def _misfit_one(self, name: str, known: Iterable[Signature], effect: Effect) -> bool:
        """Most calls of a name are written alike."""
        form = tuple(argument.keyword for argument in effect.args)
        said = self._misfits.get((name, form))
        if said is None:
            said = self._misfits[name, form] = any(misfit(signature, effect.args) for signature in known)
        return said


def _of_function(function: FunctionInfo, taken: Signature) -> Signature | None:
    if function.language != "python" or not all(map(keeps_arguments, function.facts.decorators)):
        return None
    return taken


def keeps_arguments(decorator: str) -> bool:
    """Does what it makes of a function hand on to it what it is given?"""
    return decorator.partition("(")[0].rpartition(".")[2] in _KEEPING


def _of_constructor(cls: ClassInfo) -> Signature | None:
    """Of `__init__`, or the one that a dataclass is given, or, of a class that has none, nothing."""
    if cls.language != "python" or any(cls.method(name) is not None for name in _OWN_CONSTRUCTION):
        return None
    if any(_is_made_by_own_rules(above) or _has_several_constructors(above) for above in cls.mro):
        return None
    for at, above in enumerate(cls.mro):
        if any(field.name == "__init__" for field in above.facts.fields):
            return None  # `__init__ = partialmethod(Base.__init__, starting=True)`
        if "__init__" in above.methods:
            is_known = all(_adds_nothing(below) for below in cls.mro[:at])
            made = above.methods["__init__"]
            return _of_function(made, made.params) if is_known else None
        if _is_dataclass(above):
            return _of_fields(cls) if all(_adds_nothing(below) for below in cls.mro[:at]) else None
    return () if all(_adds_nothing(above) for above in cls.mro) else None


def _adds_nothing(cls: ClassInfo) -> bool:
    return not cls.facts.decorators and not cls.facts.keywords and set(cls.unknown_bases) <= _ADDING_NOTHING


def _is_made_by_own_rules(cls: ClassInfo) -> bool:
    """By a metaclass that may take a call for itself, as that of a singleton does."""
    return any(said.startswith("metaclass=") and not said.endswith("ABCMeta") for said in cls.facts.keywords)


def _has_several_constructors(cls: ClassInfo) -> bool:
    """One in each branch of a test in the body of the class, as for two versions of a library."""
    return sum(1 for function in cls.functions if function.name == "__init__") > 1


def _is_dataclass(cls: ClassInfo) -> bool:
    return any(d.partition("(")[0].rpartition(".")[2] == "dataclass" for d in cls.facts.decorators)


def _of_fields(cls: ClassInfo) -> Signature | None:
    """The fields of a dataclass and of those it descends from; None where anything else takes part."""
    taken: dict[str, Param] = {}
    for above in reversed(cls.mro):
        if not _is_dataclass(above):
            if not _adds_nothing(above):
                return None
            continue
        if len(above.facts.decorators) != 1 or not set(above.unknown_bases) <= _ADDING_NOTHING:
            return None
        decorator = above.facts.decorators[0]
        if _NO_CONSTRUCTOR.search(decorator):
            return None
        kind = "only" if _KEYWORDS_ONLY.search(decorator) else ""
        for name in (field.name for field in above.facts.fields if not _NOT_TAKEN.isdisjoint(field.specifiers)):
            taken.pop(name, None)  # set anew below, it is asked of nobody any more
        taken.update({param.name: param for param in _params(above.facts.fields, kind)})
    return tuple(taken.values())


def _params(fields: Sequence[FieldFact], kind: str) -> Iterator[Param]:
    for field in fields:
        if field.annotation.rpartition(".")[2] == "KW_ONLY":
            kind = "only"
        elif field.annotation and not _NO_FIELD.search(field.annotation) and _NOT_TAKEN.isdisjoint(field.specifiers):
            own = "only" if "kw_only=True" in field.specifiers else "" if "kw_only=False" in field.specifiers else kind
            yield Param(field.name, field.annotation, "..." if _has_default(field) else "", own)


def _has_default(field: FieldFact) -> bool:
    made_by_field = field.value == "new" and field.source.rpartition(".")[2] == "field"
    return any(s.startswith("default") for s in field.specifiers) if made_by_field else bool(field.value)


def misfit(signature: Signature, arguments: Sequence[Argument]) -> str:
    """Why the arguments do not fit, "" where they do or may."""
    ordinary = [param.name for param in signature if param.kind == ""]
    named = {param.name for param in signature if param.kind in ("", "only")}
    kinds = {param.kind for param in signature}
    spread = {argument.keyword for argument in arguments} & {"*", "**"}
    positional = sum(1 for argument in arguments if not argument.keyword)
    keywords = [argument.keyword for argument in arguments if argument.keyword not in ("", "*", "**")]
    if positional > len(ordinary) and "*" not in kinds:
        return f"takes {len(ordinary)} positional arguments, not {positional}"
    unknown = next((keyword for keyword in keywords if keyword not in named), "")
    if unknown and "**" not in kinds:
        return f"has no parameter {unknown}"
    given = {*ordinary[:positional], *keywords}
    if len(given) < min(positional, len(ordinary)) + len(keywords):
        twice = next(keyword for keyword in keywords if keyword in ordinary[:positional])
        return f"is given {twice} twice"
    missing = [p.name for p in signature if p.kind in ("", "only") and not p.default and p.name not in given]
    return f"{_NEEDS}{', '.join(missing)}{_TOO}" if missing and not spread else ""


def names_missing(why: str) -> list[str]:
    """The parameters that a misfit leaves without a value, where that is all that is wrong."""
    return why.removeprefix(_NEEDS).removesuffix(_TOO).split(", ") if why.startswith(_NEEDS) else []
