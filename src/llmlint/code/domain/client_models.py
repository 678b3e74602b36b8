"""Which classes a client fills: what the routes of a service take as the body of a request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.answers import is_route
from llmlint.code.facts.facts import FieldFact
from llmlint.code.link.once import once
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Step

_VALIDATES = re.compile(r"validator|__post_init__|^validate|^verify|^check|^normalize")
_READS = frozenset({"Request", "Response", "BackgroundTasks", "WebSocket", "UploadFile"})


class ClientField(NamedTuple):
    """A field of a class that a client fills, and the route that takes the class."""

    model: ClassInfo
    owner: ClassInfo
    field: FieldFact
    route: FunctionInfo

    @property
    def steps(self) -> tuple[Step, ...]:
        taken = f"the route {self.route.name} takes {self.model.name} from the client"
        said = f"{self.field.name} is declared" + (f" {self.field.annotation}" if self.field.annotation else "")
        return (
            Step(self.route.path, self.route.facts.line, taken),
            Step(self.owner.path, self.field.line, f"{said}: a client may send any such value"),
        )


def client_models(program: Program) -> dict[ClassInfo, FunctionInfo]:
    """Each class that a route takes, with the first route that does."""
    return once(program, _models)


def _models(program: Program) -> dict[ClassInfo, FunctionInfo]:
    return dict(_taken(program))


def _taken(program: Program) -> Iterator[tuple[ClassInfo, FunctionInfo]]:
    routes = [f for f in program.functions if f.language == "python" and is_route(f.facts.decorators)]
    for route in reversed(routes):
        for param in route.params:
            if param.annotation and param.annotation.rpartition(".")[2] not in _READS:
                model = program.class_of(route, param.name)
                if model is not None and any(cls.facts.fields for cls in model.mro):
                    yield model, route


def _field_names(program: Program) -> frozenset[str]:
    """A sieve: the class of an object is asked only where a field has the name."""
    return once(program, _names_of_fields)


def _names_of_fields(program: Program) -> frozenset[str]:
    return frozenset(f.name for model in client_models(program) for cls in model.mro for f in cls.facts.fields)


def client_field(program: Program, function: FunctionInfo, path: str) -> ClientField | None:
    """The field that an access path names, where it is one that a client fills."""
    root, _, name = path.rpartition(".")
    models = client_models(program)
    if not root or name not in _field_names(program) or "(" in root or "[" in root:
        return None
    cls = function.owner if root == "self" else program.class_of(function, root)
    if cls is None:
        return None
    model = cls if cls in models else next((m for m in models if cls in m.mro or m in cls.mro), None)
    if model is None:
        return None
    for owner in (*cls.mro, *model.mro):
        field = next((f for f in owner.facts.fields if f.name == name), None)
        if field is not None:
            return ClientField(model, owner, field, models[model])
    return None


def is_given_elsewhere(program: Program, field: ClientField) -> bool:
    """Somebody gives it another value, or a validator of the model looks at it."""
    name = field.field.name
    if any(touch.effect.op == "assign" for touch in program.touches(field.owner, name)):
        return True
    return any(
        _speaks(method, name)
        for cls in (*field.model.mro, *field.owner.mro)
        for method in cls.methods.values()
        if _VALIDATES.search(method.name) or any(_VALIDATES.search(d) for d in method.facts.decorators)
    )


def _speaks(method: FunctionInfo, name: str) -> bool:
    said = (f".{name}", f"'{name}'", f'"{name}"')
    texts = (text for e in method.effects for text in (e.path, e.key, e.source, *e.reads, *(a.literal for a in e.args)))
    return any(
        word in text for text in (*texts, *method.facts.decorators, *(r.text for r in method.regions)) for word in said
    )
