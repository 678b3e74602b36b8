"""What `self` is in a function: an object of the class around it, the class itself, or only a name."""

from __future__ import annotations

from llmlint.code.link.entities import FunctionInfo
from llmlint.code.link.starts import Starts


def hands_over_self(starts: Starts, function: FunctionInfo) -> bool:
    """Is its `self` a plain parameter, that of a static method or of a function inside, or a local?"""
    here: FunctionInfo | None = function
    while here is not None and not any(param.name == "self" for param in here.facts.params):
        if here.is_class_method and "self" in starts.of_locals(here):
            return True
        here = starts.around(here)
    if here is None or here.language != "python":
        return False
    return here.is_static or not here.is_method


def is_of_class(starts: Starts, function: FunctionInfo) -> bool:
    """Is `self` the class: in a class method, or a function nested in one?"""
    here: FunctionInfo | None = function
    while here is not None and not here.is_method:
        here = starts.around(here)
    return here is not None and here.language == "python" and here.is_class_method
