"""What is made once, as a class or a function is read, and looks as if it were made each time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.contracts.slip_of_the_pen.known import Known, Slip
from llmlint.code.domain.whereabouts import functions_at
from llmlint.code.link.entities import FIELD_MAKERS
from llmlint.code.syntax import tree

_NEVER_THE_SAME = frozenset(
    "time.time time.time_ns time.monotonic time.perf_counter datetime.datetime.now datetime.datetime.utcnow "
    "datetime.datetime.today datetime.date.today uuid.uuid1 uuid.uuid4 secrets.token_hex secrets.token_urlsafe "
    "random.random random.randint random.randrange random.getrandbits os.urandom".split()
)
"""Of the library of Python: what gives another value each time."""
_ONE_FOR_A_RUN = re.compile(r"(?:Args|Arguments|Config|Configuration|Settings|Options|Params|Parameters)$|^main$")


def of_fields(node: tree.Node, file: Known) -> Iterator[Slip]:
    """A time or an id that all objects of a class share, as their field has it for a default."""
    assert isinstance(node, tree.Class)
    is_record = _is_record(node.name, file)
    for member in node.body:
        match member:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Node() as value, annotation=annotation):
                default = _default(value) or (value if is_record and annotation is not None else None)
                if default is not None and "ClassVar" not in tree.path_of(_outer(annotation)):
                    yield from _told(default, file, f"the objects of {node.name}", name, node.name)


def of_parameters(node: tree.Node, file: Known) -> Iterator[Slip]:
    """The same of the default of a parameter; a function in a function is read anew each time."""
    assert isinstance(node, tree.Function)
    if node.name and len(functions_at(file.facts, node.line)) == 1:
        for param in node.params:
            if param.default is not None:
                yield from _told(param.default, file, f"the calls of {node.name}", param.name, node.name)


def _told(default: tree.Node, file: Known, who: str, name: str, of: str) -> Iterator[Slip]:
    below = list(tree.walk(default, into=tree.is_of_the_same))
    calls = [one for one in below if isinstance(one, tree.Call)]
    if not any(file.meant(tree.path_of(call.function)) in _NEVER_THE_SAME for call in calls):
        return
    says = f"made once, as the code is read: {who} that are not given {name} share it"
    is_stamp = any(isinstance(call.function, tree.Attribute) and call.function.name == "strftime" for call in calls)
    if is_stamp or _ONE_FOR_A_RUN.search(of):
        yield Slip(default, says, "make it in the body", "low", "it may be meant for all that one process does")
    else:
        yield Slip(default, says, "make it where the object is made, or in the body", "medium")


def _default(value: tree.Node) -> tree.Node | None:
    """`field(default=…)`, whatever the field is called."""
    if isinstance(value, tree.Call):
        for keyword in value.keywords:
            if keyword.name == "default":
                return keyword.value
    return None


def _outer(annotation: tree.Node | None) -> tree.Node | None:
    return annotation.value if isinstance(annotation, tree.Index) else annotation


def _is_record(name: str, file: Known) -> bool:
    classes = {cls.name: cls for cls in file.facts.classes}
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if any(maker in one for maker in FIELD_MAKERS):
            return True
        if one in classes and one not in seen:
            seen.add(one)
            waiting += [*classes[one].bases, *classes[one].decorators]
    return False
