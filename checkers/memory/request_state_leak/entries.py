"""A map keyed by requests whose entry some end of the request leaves behind.

Two forms: nothing in the program ever shrinks the map; a way to end a request takes its entry in hand, or tells the
object below that the request is over, and leaves the entry, while another way removes it.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmlint.code.domain.state import CONSTRUCTORS, Change, changes_of, functions_of, is_keyed, is_setup, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_SHRINKING = frozenset({"remove", "clear", "delete"})
_CARRIERS = frozenset("batch output metadata input info result data config args params response message stats".split())
_OF_PEER = frozenset({("session", "id"), ("conn", "id"), ("connection", "id")})
_BOUNDED = frozenset("lru ttl weak bounded fifo".split())
_SENDS = frozenset("send put notify publish post emit dispatch rpc broadcast push".split())
_DONE = frozenset("finished done aborted failed completed cancelled status state finish".split())


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.classes:
        if _is_carrier(program, cls):
            continue
        changes = changes_of(program, cls)
        for attribute, its in changes.items():
            fills = [c for c in its if _fills_by_request(program, c) and c.function.owner is cls]
            if not fills or not _is_unbounded_map(cls, attribute):
                continue
            shrinks = _shrinks(program, cls, attribute)
            if not shrinks:
                yield from _never_removed(program, cls, attribute, fills)
            else:
                yield from _left_by_one_end(program, cls, attribute, fills, shrinks)


def _is_carrier(program: Program, cls: ClassInfo) -> bool:
    """An object that belongs to one request or one step takes its maps with it."""
    name = words(cls.facts.name)
    if not name or name[-1] in _CARRIERS or any("dataclass" in d for d in cls.facts.decorators):
        return True
    made = cls.method("__init__")
    own = [p.name for p in made.facts.params] if made is not None else []
    return any(program.vocabulary.is_request_id(p) or p in ("req", "request") for p in own)


def _fills_by_request(program: Program, change: Change) -> bool:
    effect = change.effect
    if effect.op != "insert" or change.function.name in CONSTRUCTORS or effect.path != f"self.{change.attribute}":
        return False
    if _is_of_peer(effect.key):
        return False
    return effect.via in ("[]=", "setdefault", "add", "emplace", "insert_or_assign", "try_emplace") and bool(
        effect.key and program.vocabulary.is_request_id(effect.key)
    )


def _is_of_peer(key: str) -> bool:
    """A session with words before it is one of a transport, which lasts as long as the peer: `mooncake_session_id`."""
    name = words(_last(key))
    return len(name) > 2 and name[-2:] in _OF_PEER


def _is_unbounded_map(cls: ClassInfo, attribute: str) -> bool:
    known = cls.attributes.get(attribute)
    if known is None or not known.is_container or not is_keyed(known):
        return False
    return "maxlen" not in known.source and not _BOUNDED & set(words(known.source)) | _BOUNDED & set(words(attribute))


def _shrinks(program: Program, cls: ClassInfo, attribute: str) -> list[tuple[FunctionInfo, Effect]]:
    """Everything anywhere that takes entries out, empties or replaces the map, or is handed the whole of it."""
    found = [
        (touch.function, touch.effect)
        for touch in program.touches(cls, attribute)
        if touch.effect.op in _SHRINKING or touch.effect.op == "assign"
        if touch.effect.op == "remove" or not is_setup(touch.function)
    ]
    whole = f"self.{attribute}"
    for relative in (*cls.mro, *cls.subclasses):
        for function in functions_of(program, relative):
            for effect in function.effects:
                is_handed_on = effect.op == "call" and any(a.path == whole for a in effect.args)
                if is_handed_on or (effect.op == "return" and effect.path == whole):
                    found.append((function, effect))
    return found


# ---------------------------------------------------------------- nobody removes


def _never_removed(program: Program, cls: ClassInfo, attribute: str, fills: list[Change]) -> Iterator[Report]:
    first = fills[0]
    known = cls.attributes[attribute]
    ends = [m for m in cls.all_methods.values() if program.vocabulary.is_terminal(m.name) and m.facts.has_body]
    evidence = [
        Step(known.path, known.line, f"self.{attribute} begins empty"),
        *(
            Step(f.function.path, f.effect.line, f"{f.function.name} adds an entry for {f.effect.key}")
            for f in fills[:3]
        ),
        *(Step(m.path, m.facts.line, f"{m.name} ends a request and leaves the entry") for m in ends[:2]),
    ]
    yield Report(
        program.place(first.function, first.effect),
        symbol_of(first.function),
        f"self.{attribute} gets an entry for each {_last(first.effect.key)} and nothing ever removes one",
        tuple(evidence),
        confidence="high" if ends else "medium",
        reason="no removal, clear or reassignment of the map was found anywhere in the program"
        + (f", though {ends[0].name} ends requests here" if ends else ""),
        subject=attribute,
        fix=f"remove the entry where the request ends{f', in {ends[0].name}' if ends else ''}",
        data={"runtime": _runtime(cls, attribute, fills, [])},
    )


# ---------------------------------------------------------------- one end forgets


def _left_by_one_end(
    program: Program,
    cls: ClassInfo,
    attribute: str,
    fills: list[Change],
    shrinks: list[tuple[FunctionInfo, Effect]],
) -> Iterator[Report]:
    removing = [(f, e) for f, e in shrinks if e.op == "remove" and f.owner is not None and f.owner in cls.mro]
    if not removing or any(
        e.op in ("clear", "assign") and not is_setup(f) and not _resets(program, f) for f, e in shrinks
    ):
        return
    removers = {id(f) for f, _ in removing}
    if not any(_removes_at_the_end(program, f, e) for f, e in removing):
        return
    for method in cls.methods.values():
        if id(method) in removers or not _ends_one_request(program, method):
            continue
        handled = _marks_done(method, attribute) or _tells_below(program, method)
        if handled is None or _goes_on_to_remove(program, cls, method, attribute, removers):
            continue
        remover, removal = removing[0]
        yield Report(
            program.place(method, handled),
            symbol_of(method),
            f"{method.name} ends the request but leaves its entry in self.{attribute}, which {remover.name} removes",
            (
                Step(fills[0].function.path, fills[0].effect.line, f"{fills[0].function.name} adds the entry"),
                Step(remover.path, removal.line, f"{remover.name} removes it"),
                Step(
                    method.path, handled.line, f"{method.name} says here that the request is over, and leaves the entry"
                ),
            ),
            confidence="medium",
            reason=f"{remover.name} and {method.name} both end a request, and only one takes the entry out",
            subject=attribute,
            fix=f"remove the entry in {method.name} too",
            data={"runtime": _runtime(cls, attribute, fills, [method])},
        )


def _removes_at_the_end(program: Program, function: FunctionInfo, removal: Effect) -> bool:
    """By the function's name, or by the condition the removal stands under: `if finished:`."""
    if program.vocabulary.is_terminal(function.name) or _DONE & set(words(function.name)):
        return True
    region = function.regions[removal.region]
    return region.kind == "if" and bool(_DONE & set(words(region.text)))


def _resets(program: Program, function: FunctionInfo) -> bool:
    return program.vocabulary.is_reset(function.name) is not None


def _ends_one_request(program: Program, method: FunctionInfo) -> bool:
    return program.vocabulary.is_terminal(method.name) and len(method.facts.params) >= 2


def _marks_done(method: FunctionInfo, attribute: str) -> Effect | None:
    """The method takes the entry in hand and writes into it that the request is over."""
    for effect in method.effects:
        if effect.op == "assign" and effect.path.startswith(f"self.{attribute}[]."):
            if _DONE & set(words(effect.path.rsplit(".", 1)[-1])):
                return effect
    return None


def _tells_below(program: Program, method: FunctionInfo) -> Effect | None:
    """The method hands the request's id to a call that ends it in an object of its own, and sends nothing: what is
    sent comes back as an answer that takes the entry out."""
    ids = {p.name for p in method.params if program.vocabulary.is_request_id(p.name)}
    if len(words(method.name)) > 1 and not program.vocabulary.speaks_of_requests(method.name):
        return None  # it ends something of the request, as a prefetch
    if len([e for e in method.effects if e.callee]) == 1 and method.effects[0].callee.endswith(f".{method.name}"):
        return None  # it only passes the call on
    if any(_SENDS & set(words(e.callee.rpartition(".")[2])) for e in method.effects if e.callee):
        return None
    for effect in method.effects:
        if effect.op != "call" or effect.path.count(".") < 2 or not effect.path.startswith("self."):
            continue
        name = effect.path.rpartition(".")[2]
        below = program.callees(method, effect) if program.vocabulary.is_terminal(name) else ()
        if ids & {a.path for a in effect.args} and below and not any(_sends(f) for f in below):
            return effect
    return None


def _sends(function: FunctionInfo) -> bool:
    return function.is_abstract or any(_SENDS & set(words(e.callee)) for e in function.effects if e.callee)


def _goes_on_to_remove(
    program: Program, cls: ClassInfo, method: FunctionInfo, attribute: str, removers: set[int]
) -> bool:
    if any(d.path == f"self.{attribute}" and d.effect.op in _SHRINKING for d in does(program, method, cls)):
        return True
    return any(id(call.function) in removers for call in program.callers(method))


def _runtime(cls: ClassInfo, attribute: str, fills: list[Change], ends: list[FunctionInfo]) -> dict[str, object]:
    targets = [
        {"qualname": f.function.facts.qualname, "role": "insert", "owner": cls.facts.qualname, "entity": f.effect.key}
        for f in fills[:3]
    ]
    targets += [{"qualname": m.facts.qualname, "role": "leave", "owner": cls.facts.qualname} for m in ends]
    return {"targets": targets, "watch": [{"attribute": attribute, "owner": cls.facts.qualname}]}


def _last(path: str) -> str:
    return path.rsplit(".", 1)[-1]
