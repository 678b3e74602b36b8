"""Which values of a function are surely tensors on the device: made there, and what is worked out of such.

Only what is made in the function or kept in an attribute that is made there counts; what a parameter stands for only
who asks what comes of it can say. What a host reads of it (`item`, `cpu`) is on the host again.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.device_waits import is_host_name
from llmlint.code.domain.tensors import DEVICE, bound_memory, is_host, makings
from llmlint.code.facts.facts import Argument, Effect
from llmlint.code.link.program import FunctionInfo, Program, root_of
from llmlint.phrases import last_name
from llmlint.vocabulary import words

_TO_HOST = frozenset("item tolist cpu numpy size dim numel stride element_size nelement get_device data_ptr".split())
_OF_VALUES = frozenset({"max()", "min()", "sum()", "int", "float", "bool", "len", "max", "min", "sum"})
_OF_HOST_VALUES = frozenset({"tensor", "as_tensor"})
_ABOUT = frozenset("shape device dtype ndim is_cuda nbytes itemsize layout".split())
_MOVES = frozenset({"to", "cuda"})
_TELLING = frozenset({"new", "path", "other"})


class DeviceValues:
    """`given` are parameters that a caller is taken to hand tensors of the device to."""

    def __init__(self, program: Program, function: FunctionInfo, given: frozenset[str] = frozenset()) -> None:
        self.program = program
        self.function = function
        self._given = given - {effect.path for effect in function.effects if effect.op == "bind"}
        self._attributes: dict[str, bool] = {}
        self.names = self._names()

    def holds(self, path: str) -> bool:
        """Is what the path stands for on the device?"""
        parts = path.replace("[]", "").split(".")
        if is_host_name(self.program.vocabulary, path) or any(_leaves(part) for part in parts[1:]):
            return False
        if parts[0] == "self":
            return len(parts) > 1 and self._is_kept(parts[1])
        return parts[0] in self.names or parts[0] in self._given

    def sent_from_host(self, path: str, read_at: int) -> int | None:
        """Where a local was made on the device of values that the host has, when nothing has changed it before it is
        read: the place of its binding."""
        name, *parts = path.replace("[]", "").split(".")
        effects = self.function.effects
        bound = [at for at, effect in enumerate(effects) if effect.op == "bind" and effect.path == name]
        if not bound or any(part not in _OF_VALUES for part in parts) or not self.holds(name):
            return None
        are_sent = all(effects[at].value == "new" and last_name(effects[at].source) in _OF_HOST_VALUES for at in bound)
        between = effects[bound[0] : read_at]
        return bound[0] if are_sent and not any(self._may_change(effect, name) for effect in between) else None

    def _may_change(self, effect: Effect, name: str) -> bool:
        """Is it written to, or given to a call that may write to it: a collective, a kernel, a method in place?"""
        if effect.op in ("insert", "clear", "remove") and root_of(effect.path) == name:
            return True
        receiver, _, method = effect.callee.rpartition(".")
        if root_of(receiver) == name:
            return method.endswith("_") and not method.startswith("_")
        is_given = any(root_of(argument.path) == name for argument in effect.args)
        is_pure = effect.callee.startswith("torch.") and effect.callee.count(".") == 1
        return is_given and not is_pure and effect.callee not in _OF_VALUES

    def _names(self) -> frozenset[str]:
        """The locals that are on the device by each of their bindings, in as many rounds as bring new ones."""
        bound: dict[str, list[int]] = {}
        for at, effect in enumerate(self.function.effects):
            if effect.op == "bind" and effect.path.isidentifier():
                bound.setdefault(effect.path, []).append(at)
        self.names = frozenset()
        while True:
            found = frozenset(n for n, ats in bound.items() if all(self._is_device(n, at) for at in ats))
            if found == self.names:
                return found
            self.names = found

    def _is_device(self, name: str, at: int) -> bool:
        effect = self.function.effects[at]
        if effect.value not in _TELLING or (effect.via and not effect.via.endswith("=")):
            return False
        if effect.via:
            return name in self.names
        if effect.value == "path":
            return self.holds(effect.source)
        if effect.value == "new":
            return self._is_made(effect, at)
        return not effect.options and any(self.holds(path) for path in operands(effect.reads) if root_of(path) != name)

    def _is_made(self, effect: Effect, at: int) -> bool:
        callee = self.program.resolve(self.function, effect.source)
        if self.program.vocabulary.makes_tensor(callee):
            return bound_memory(self.program, self.function, at) == {DEVICE}
        receiver = effect.source.rpartition(".")[0]
        if callee.startswith("torch.") and callee.count(".") == 1:
            return any(self.holds(path) for path in effect.reads if "()" not in path)
        method = last_name(effect.source)
        if method in _MOVES and receiver:
            return self._is_sent(self.function.effects[at - 1], method)
        return bool(receiver) and not _leaves(method) and self.holds(receiver)

    def _is_sent(self, call: Effect, method: str) -> bool:
        """Does the call that is bound name a device to go to?"""
        target = next((a for a in call.args if a.keyword in ("", "device")), None)
        if last_name(call.callee) != method or (target is None and method != "cuda"):
            return False
        return target is None or (not is_host(target) and _names_device(target))

    def _is_kept(self, attribute: str) -> bool:
        known = self._attributes.get(attribute)
        if known is None:
            found = makings(self.program, self.function, f"self.{attribute}", 0)
            known = self._attributes[attribute] = bool(found) and all(made.memory == DEVICE for made in found)
        return known


def operands(reads: tuple[str, ...]) -> Iterator[str]:
    """What an expression works with, of all that it reads: not that of which it asks only something else."""
    return (path for path in reads if not any(other.startswith(f"{path}.") for other in reads))


def _names_device(argument: Argument) -> bool:
    return "device" in words(last_name(argument.path)) or argument.literal.strip("\"'").startswith("cuda")


def _leaves(part: str) -> bool:
    return part.removesuffix("()") in _TO_HOST or part in _ABOUT
