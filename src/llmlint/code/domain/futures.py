"""What is known to be a future or a promise, by its type or by who makes it: other things have a `set_value` too."""

from __future__ import annotations

import re

from llmlint.code.link.names import Outside
from llmlint.code.link.objects import Instance, One
from llmlint.code.link.once import once
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.phrases import last_name

_MAKERS = ("create_future", "Future")
_KINDS = re.compile("future|promise", re.IGNORECASE)
_FROM_PROCESSES = "multiprocessing."
"""What comes from another process is a copy that no event loop made."""
_OF_PYTHON = frozenset({"set_result", "set_exception"})


def is_future(program: Program, function: FunctionInfo, callee: str) -> bool:
    """Is what is set there known to be one: said by its type, or made in the file where nothing says its type?"""
    receiver, _, method = callee.rpartition(".")
    if function.language == "python" and method not in _OF_PYTHON:
        return False
    told = {_tells(one, method, function.language) for one in program.meanings(function, receiver)}
    if told - {None}:
        return True in told
    if function.language == "python":
        return function.path in once(program, _files_of_futures)
    return last_name(receiver.replace("[]", "")) in once(program, _declared_promises)


def is_something_else(program: Program, function: FunctionInfo, callee: str) -> bool:
    """Does the type of what is set say that it is no future?"""
    receiver, _, method = callee.rpartition(".")
    told = {_tells(one, method, function.language) for one in program.meanings(function, receiver)}
    return False in told and True not in told


def _tells(one: One, method: str, language: str) -> bool | None:
    match one:
        case Instance(cls=None, text=text):
            is_open = language == "python" or "auto" in text or not text  # what is declared awaitable may be a future
            return bool(_KINDS.search(text)) or (None if is_open else False)
        case Instance(cls=cls) if cls is not None:
            beyond = (name for above in cls.mro for name in above.unknown_bases)
            if any(_KINDS.search(last_name(name)) for name in beyond):
                return True
            return False if cls.method(method) is not None else None  # a class without it is only what is waited for
        case Outside(name=name):
            if name.startswith(_FROM_PROCESSES):
                return False
            return True if _KINDS.search(last_name(name)) else None
    return None


def _files_of_futures(program: Program) -> frozenset[str]:
    """Python files that make futures, or import their type."""
    making = (call.function.path for name in _MAKERS for call in program.calls_named(name))
    importing = (path for path, facts in program.files.items() if any(one.target in _MAKERS for one in facts.imports))
    return frozenset((*making, *importing))


def _declared_promises(program: Program) -> frozenset[str]:
    """How fields are called that C++ declares to be promises."""
    classes = (cls for cls in program.classes if cls.language != "python")
    return frozenset(field.name for cls in classes for field in cls.facts.fields if _KINDS.search(field.annotation))
