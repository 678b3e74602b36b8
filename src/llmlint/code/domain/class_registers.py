"""Classes that others keep a list of, and make from it."""

from __future__ import annotations

from llmlint.code.link.entities import ClassInfo


def is_registered(cls: ClassInfo) -> bool:
    """May it be made where its name does not stand: by a decorator, or by a class that knows its heirs?"""
    if any("__init_subclass__" in above.facts.methods for above in cls.mro[1:]):
        return True
    return any(
        c.facts.keywords or any(not d.lstrip("_").startswith("dataclass") for d in c.facts.decorators) for c in cls.mro
    )
