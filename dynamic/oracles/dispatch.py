"""Sees the operations of torch that a thread runs, between a begin and an end, by a dispatch mode of torch's."""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable
from typing import Any

See = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]
"""Told of an operation when it is done: itself, its arguments, by name too, and what it made."""


class Modes:
    """What the compiler makes of a program is the same with and without: it does not see the mode."""

    def __init__(self, torch: Any, see: See) -> None:
        self.torch = torch
        self.see = see
        self.failed = 0
        self.on: list[tuple[int, Any]] = []
        """The threads in which a mode is on, each with its mode; None for a begin within a begin."""
        self.kind = self._kind()

    def begin(self) -> bool:
        """Whether what this thread runs from here on is seen."""
        if self._may_disturb():
            return False
        thread = get_ident()
        mode = None
        if not any(one == thread for one, _ in self.on):
            mode = self.kind()
            mode.__enter__()
        self.on.append((thread, mode))
        return True

    def end(self) -> None:
        thread = get_ident()
        for at in range(len(self.on) - 1, -1, -1):
            if self.on[at][0] == thread:
                _, mode = self.on.pop(at)
                if mode is not None:
                    mode.__exit__(None, None, None)
                return

    def _may_disturb(self) -> bool:
        """An older torch compiles nothing under a mode, and runs what it has compiled without it."""
        if not hasattr(self.kind, "ignore_compile_internals") and "torch._dynamo.symbolic_convert" in sys.modules:
            return True
        return bool(self.torch.compiler.is_compiling())

    def _kind(self) -> Any:
        def dispatch(mode: Any, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = kwargs or {}
            made = function(*args, **given)
            try:
                self.see(function, args, given, made)
            except Exception:  # whatever is odd about this operation, the program must go on
                self.failed += 1
            return made

        base = sys.modules["torch.utils._python_dispatch"].TorchDispatchMode
        of_compilers = {
            "ignore_compile_internals": classmethod(lambda mode: True),
            # Dynamo need not be loaded to be told to keep out
            "_should_skip_dynamo": classmethod(lambda mode: "torch._dynamo" in sys.modules),
        }
        known = {name: method for name, method in of_compilers.items() if hasattr(base, name)}
        return type("Seeing", (base,), {"__torch_dispatch__": dispatch, **known})
