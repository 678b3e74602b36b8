"""Which places of a function are tensors, as far as types and makings tell; and which of these may be on the device.

Wider than `device_values`, which wants the device named: a parameter or a field that is declared a tensor counts, and
what torch's functions and a tensor's methods give, unless something says that it is the host's.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from llmlint.code.domain.device_values import DeviceValues
from llmlint.code.domain.device_waits import is_host_name
from llmlint.code.domain.tensors import DEVICE, bound_memory
from llmlint.code.facts.facts import Effect
from llmlint.code.link.arguments import arguments_by_parameter
from llmlint.code.link.entities import ClassInfo
from llmlint.code.link.program import FunctionInfo, Program

_TENSOR = re.compile(r"\b(?:torch\.)?(?:Tensor|Parameter|LongTensor|IntTensor|FloatTensor|BoolTensor)\b")
_NO_TENSOR = re.compile(
    r"\b(?:list|List|dict|Dict|tuple|Tuple|Callable|Sequence|Iterable|deque|int|float|bool|str|ndarray)\b"
)
_GIVES_TENSORS = ("torch.", "torch.nn.functional.")
_NO_TENSORS = frozenset(
    "device dtype is_tensor is_floating_point is_grad_enabled get_default_dtype iinfo finfo Generator no_grad "
    "inference_mode compile load save manual_seed numel Size".split()
)


class TensorValues(DeviceValues):
    """`asks_others`: a parameter without a type is a tensor where every call hands over one, and one that has the type
    is the host's where a call says so; an attribute is one where all that its class gives it are."""

    def __init__(self, program: Program, function: FunctionInfo, asks_others: bool = False) -> None:
        self._asks_others = asks_others
        self._handed: dict[str, bool] = {}
        self._from_host: dict[str, bool] = {}
        declared = {param.name for param in function.params if is_tensor_text(param.annotation)}
        rebound = declared & {effect.path for effect in function.effects if effect.op == "bind"}
        self._declared = frozenset(declared)
        super().__init__(program, function)
        self._declared -= rebound - self.names

    def holds(self, path: str) -> bool:
        parts = path.replace("[]", "").split(".")
        if is_host_name(self.program.vocabulary, path):
            return False
        if parts[0] != "self" and len(parts) > 1 and not parts[-1].endswith("()") and parts[0] not in self.names:
            return self._is_declared(path)
        if parts[-1].endswith("()") and self._gives_back_tensor(path.removesuffix("()")):
            return True
        is_parameter = len(parts) == 1 and (self._is_tensor_param(parts[0]) or self._is_handed(parts[0]))
        return super().holds(path) or is_parameter

    def _is_tensor_param(self, name: str) -> bool:
        return name in self._declared and not (self._asks_others and self._comes_from_host(name))

    def _comes_from_host(self, name: str) -> bool:
        """Does a caller hand over what is called after the host, or was made of the device's there?"""
        if name not in self._from_host:
            calls = self.program.callers(self.function)
            given = (arguments_by_parameter(self.function, call.effect).get(name) for call in calls)
            vocabulary = self.program.vocabulary
            self._from_host[name] = any(one is not None and is_host_name(vocabulary, one.path) for one in given)
        return self._from_host[name]

    def _is_handed(self, name: str) -> bool:
        if self._asks_others and name not in self._handed:
            self._handed[name] = all_hand_over(self.program, self.function, name, self._is_tensor_of)
        return self._handed.get(name, False)

    def _is_tensor_of(self, caller: FunctionInfo, path: str) -> bool:
        return TensorValues(self.program, caller).holds(path)

    def _is_declared(self, path: str) -> bool:
        """A field of an object of the program's that is declared a tensor."""
        base, _, name = path.replace("[]", "").rpartition(".")
        cls = self.program.class_of(self.function, base)
        known = cls.attributes.get(name) if cls is not None else None
        return known is not None and is_tensor_text(known.annotation)

    def _gives_back_tensor(self, callee: str) -> bool:
        """Does every function of the program that the call may run declare so?"""
        call = next((effect for effect in self.function.effects if effect.callee == callee), None)
        callees = self.program.callees(self.function, call) if call is not None else ()
        return bool(callees) and all(is_tensor_text(function.facts.returns) for function in callees)

    def _is_made(self, effect: Effect, at: int) -> bool:
        callee = self.program.resolve(self.function, effect.source)
        if self.program.vocabulary.makes_tensor(callee):
            return bound_memory(self.program, self.function, at) == {DEVICE}
        prefix, _, name = callee.rpartition(".")
        if f"{prefix}." in _GIVES_TENSORS and name not in _NO_TENSORS:
            return not any(is_host_name(self.program.vocabulary, path) for path in effect.reads)
        return super()._is_made(effect, at)

    def _is_kept(self, attribute: str) -> bool:
        known = self._attributes.get(attribute)
        if known is None:
            known = is_tensor_attribute(self.function.owner, attribute)
            known = known or (self._asks_others and self._is_worked_out(attribute))
            self._attributes[attribute] = known
        return known or super()._is_kept(attribute)

    def _is_worked_out(self, attribute: str) -> bool:
        owner = self.function.owner
        given = [
            TensorValues(self.program, function)._is_device(attribute, at)
            for function in (owner.functions if owner is not None else ())
            if attribute in function.facts.gist.changes
            for at, effect in enumerate(function.effects)
            if effect.op == "assign" and effect.path == f"self.{attribute}" and effect.value != "none"
        ]
        return bool(given) and all(given)


def all_hand_over(
    program: Program, function: FunctionInfo, name: str, is_such: Callable[[FunctionInfo, str], bool]
) -> bool:
    """Is there no type on the parameter, and does each call of the function that there is hand over such a value?"""
    is_open = any(param.name == name and not param.annotation and not param.kind for param in function.params)
    if not is_open or any(effect.op == "bind" and effect.path == name for effect in function.effects):
        return False
    calls = program.callers(function)
    given = [(call.function, arguments_by_parameter(function, call.effect).get(name)) for call in calls]
    return bool(given) and all(argument is not None and is_such(caller, argument.path) for caller, argument in given)


def is_tensor_text(annotation: str) -> bool:
    """Is it the type of a tensor alone, and not of something that holds several?"""
    return bool(_TENSOR.search(annotation)) and not _NO_TENSOR.search(annotation)


def is_tensor_attribute(cls: ClassInfo | None, attribute: str) -> bool:
    """Is it declared a tensor?"""
    known = cls.attributes.get(attribute) if cls is not None else None
    return known is not None and is_tensor_text(known.annotation)
