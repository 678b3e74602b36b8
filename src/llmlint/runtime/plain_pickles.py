"""Pickles of others, read as data: whatever would run code or make an object of a class is refused."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

MOST_BYTES = 1 << 30

_LISTS = ("build_intlist", "build_doublelist", "build_boollist", "build_tensorlist")
"""By these torch's own writer in C++ says what a list holds; the list itself stands beside it."""


class NotPlain(ValueError):
    """It is no file of plain data; the message says why."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module == "torch.jit._pickle" and name in _LISTS:
            return list
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, and only plain data is read")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to data elsewhere")


def read_pickle(file: Path) -> Any:
    """Dictionaries, lists, numbers and texts. Raises NotPlain for all else, and OSError."""
    if file.stat().st_size > MOST_BYTES:
        raise NotPlain(f"{file} is larger than {MOST_BYTES >> 20} MiB")
    try:
        return _Unpickler(io.BytesIO(file.read_bytes())).load()
    except (pickle.UnpicklingError, EOFError, ValueError, IndexError, KeyError, TypeError, AttributeError) as error:
        raise NotPlain(f"{file}: {error}") from None
    except (MemoryError, RecursionError, OverflowError):
        raise NotPlain(f"{file} asks for more than there is") from None
