"""What is made once, as a class or a function is read, and looks as if it were made each time."""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmlint.checkers.contracts.slip_of_the_pen.known import Known
from llmlint.checkers.contracts.slips import Slip
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
    for member in node.body:
        match member:
            case tree.Assign(targets=[tree.Name(id=name)], value=tree.Node() as value, annotation=annotation):
                given = _default(value)
                if given is None and (annotation is None or "ClassVar" in tree.path_of(_outer(annotation))):
                    continue
                for slip in _told(given or value, file, f"the objects of {node.name}", name, node.name):
                    if given is not None or _is_record(node.name, file):
                        yield slip


def of_parameters(node: tree.Node, file: Known) -> Iterator[Slip]:
    """The same of the default of a parameter; a function in a function is read anew each time."""
    assert isinstance(node, tree.Function)
    for param in node.params:
        if param.default is not None and node.name:
            for slip in _told(param.default, file, f"the calls of {node.name}", param.name, node.name):
                if len(functions_at(file.facts, node.line)) == 1:
                    yield slip


def _told(default: tree.Node, file: Known, who: str, name: str, of: str) -> Iterator[Slip]:
    below = tree.walk(default, into=tree.is_of_the_same)
    calls = [one for one in below if isinstance(one, tree.Call)]
    if any(file.meant(tree.path_of(call.function)) in _NEVER_THE_SAME for call in calls):
        says = f"made once, as the code is read: {who} that are not given {name} share it"
        is_stamp = any(isinstance(call.function, tree.Attribute) and call.function.name == "strftime" for call in calls)
        is_of_a_run = _ONE_FOR_A_RUN.search(of) is not None or (is_stamp and who.startswith("the calls"))
        sure = "low" if is_of_a_run else "medium"
        doubts = "it may be meant for all that one process does"
        yield Slip(default, says, "make it where the object is made, or in the body", sure, doubts)


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
