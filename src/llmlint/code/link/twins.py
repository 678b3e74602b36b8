"""Classes of one name in a Python file: one for each branch of an `if`, one for where an import fails.

Which of them an object is of is decided at run time. The last one speaks for all: it has the bases, the fields and the
methods of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from llmlint.code.facts.facts import Class, FieldFact


def told_together(classes: Sequence[Class]) -> Sequence[Class]:
    """The classes of a file, where the last one of a name has what all of that name have."""
    named: dict[str, list[Class]] = {}
    for cls in classes:
        named.setdefault(cls.qualname, []).append(cls)
    if len(named) == len(classes):
        return classes
    return [cls if cls is not named[cls.qualname][-1] else _together(named[cls.qualname]) for cls in classes]


def _together(twins: Sequence[Class]) -> Class:
    if len(twins) == 1:
        return twins[0]
    last = twins[-1]
    return replace(
        last,
        bases=_each_once(base for cls in (last, *twins) for base in cls.bases),
        decorators=_each_once(decorator for cls in (last, *twins) for decorator in cls.decorators),
        keywords=_each_once(keyword for cls in (last, *twins) for keyword in cls.keywords),
        methods=_each_once(name for cls in (last, *twins) for name in cls.methods),
        fields=_fields_of_all((last, *twins)),
    )


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def _fields_of_all(classes: Sequence[Class]) -> tuple[FieldFact, ...]:
    """Each class's own, without what an earlier one has by that name."""
    found: dict[str, FieldFact] = {}
    for cls in classes:
        for field in cls.fields:
            if cls is classes[0] or field.name not in found:
                found[field.name] = field
    return tuple(found.values())
