"""What each kind of statement records: regions for the branches, effects for what is done."""

from __future__ import annotations

from functools import partial

from llmlint.code.facts.bodies.assignments import binding_of, target_text
from llmlint.code.facts.bodies.body_calls import bound_value, call, key_of
from llmlint.code.facts.bodies.body_expressions import elements_of
from llmlint.code.facts.bodies.body_reading import BodyReader, statement
from llmlint.code.facts.bodies.possible import each_of, followed, held_in, options_of
from llmlint.code.facts.bodies.scope import met
from llmlint.code.facts.bodies.tests import test_of
from llmlint.code.facts.values import classify
from llmlint.code.syntax import tree


@statement(tree.Function, tree.Class, tree.Import)
def _declaration(reader: BodyReader, node: tree.Node) -> None:
    reader.declare(node)


@statement(tree.Expression)
def _expression(reader: BodyReader, node: tree.Expression) -> None:
    value = node.value
    if isinstance(value, tree.Await) and isinstance(value.value, tree.Call):
        call(reader, value.value, result="", awaited=True)
    elif isinstance(value, tree.Call):
        call(reader, value, result="")
    elif isinstance(value, tree.Cast) and _is_void(value.type) and isinstance(value.value, tree.Call):
        call(reader, value.value, result="<void>")
    elif isinstance(value, tree.Conditional):
        _if(reader, _as_branch(value))
    elif isinstance(value, tree.Collection) and value.kind == "tuple":
        for item in value.items:
            _expression(reader, _alone(item))
    else:
        reader.read_value(value)


def _alone(value: tree.Node) -> tree.Expression:
    """`check(q), check(k)` by itself gives nobody a value, nor does each part of it."""
    return tree.Expression(value.line, value.column, value.end_line, value.end_column, value)


def _as_branch(node: tree.Conditional) -> tree.If:
    """The same for `close() if held else None`."""
    place = (node.line, node.column, node.end_line, node.end_column)
    return tree.If(*place, node.test, [_alone(node.body)], [_alone(node.orelse)])


def _is_void(written: tree.Node) -> bool:
    return isinstance(written, tree.TypeName) and written.text == "void"


@statement(tree.If)
def _if(reader: BodyReader, node: tree.If) -> None:
    mark = len(reader.seen)
    reader.read_value(node.test)
    reads, text = reader.reads_since(mark), reader.source.of(node.test)
    test, first = test_of(reader, node.test), len(reader.regions)
    reader.apart(
        lambda: reader.in_region("if", node.body, text, reads, at=node, test=test),
        lambda: node.orelse and reader.in_region("else", node.orelse, text, reads, first, test=test),
    )


@statement(tree.Loop)
def _loop(reader: BodyReader, node: tree.Loop) -> None:
    reader.scope.unsettle(_bound_in(node, reader.bound_in))
    before = reader.scope.meaning()
    _read_loop(reader, node)
    reader.scope.take(met([before, reader.scope.meaning()]))


def _bound_in(loop: tree.Loop, known: dict[int, set[str]]) -> set[str]:
    """The names that a loop's body gives another meaning; each loop is walked once, also one within others."""
    found = known.get(id(loop))
    if found is None:
        found = known[id(loop)] = set()
        for part in (part for below in tree.children(loop) for part in tree.walk(below, into=_is_read_along)):
            if type(part) is tree.Assign and not part.op:
                found.update(target.id for target in part.targets if type(target) is tree.Name)
            elif type(part) is tree.Loop:
                found |= _bound_in(part, known)
    return found


def _is_read_along(node: tree.Node) -> bool:
    return type(node) not in (tree.Lambda, tree.Function, tree.Loop)


def _read_loop(reader: BodyReader, node: tree.Loop) -> None:
    if node.kind == "for":
        mark = len(reader.seen)
        element = elements_of(reader, node.iterable)
        reads = reader.reads_since(mark)
        if node.is_async and node.iterable is not None:
            reader.emit("await", _asked_for_next(node.iterable), node.iterable)
        text = f"for {reader.source.of(node.target, 60)} in {reader.source.of(node.iterable, 90)}"
        hint = each_of(reader, node.iterable)
        bind: list[tree.Node] = []
        if node.target is not None:
            bind.append(binding_of(node, node.target, element, "for", hint, node.iterable))
        first = reader.in_region("loop", [*bind, *node.body], text, reads, at=node)
    elif node.kind == "count":
        parts = node.iterable.items if isinstance(node.iterable, tree.Collection) else [node.iterable]
        if parts and parts[0] is not None:
            reader.block([parts[0]])
        rest = [part for part in parts[1:] if part is not None]
        text = f"for {reader.source.of(node.iterable, 120)}"
        first = reader.in_region("loop", [*rest, *node.body], text, at=node)
    else:
        test = [node.test] if node.test is not None else []
        text = f"{'do ' if node.kind == 'do' else ''}while {reader.source.of(node.test)}"
        body = [*node.body, *test] if node.kind == "do" else [*test, *node.body]
        asked = test_of(reader, node.test) if node.test is not None else None
        first = reader.in_region("loop", body, text, _paths_in(reader, node.test), at=node, test=asked)
    if node.orelse:
        reader.in_region("loop-else", node.orelse, first=first)


def _asked_for_next(iterable: tree.Node) -> str:
    """What `async for` waits for again and again."""
    if isinstance(iterable, tree.Call):
        return f"{tree.path_of(iterable.function)}()"
    return tree.path_of(iterable)


@statement(tree.Try)
def _try(reader: BodyReader, node: tree.Try) -> None:
    first = len(reader.regions)
    before = reader.scope.meaning()

    def tried() -> None:
        reader.in_region("try", node.body, at=node)
        if node.orelse:
            reader.in_region("try-else", node.orelse, first=first)

    def handled(handler: tree.Handler) -> None:
        reader.scope.take(met([before, after]))
        if handler.name:
            reader.forget(handler.name)
        caught = ", ".join(reader.source.of(t, 60) for t in handler.types)
        reader.in_region("except", handler.body, caught, first=first, at=handler)

    tried()
    after = reader.scope.meaning()
    reader.apart(lambda: reader.scope.take(after), *(partial(handled, handler) for handler in node.handlers))
    if node.final:
        reader.in_region("finally", node.final, first=first)


@statement(tree.With)
def _with(reader: BodyReader, node: tree.With) -> None:
    bindings: list[tree.Node] = []
    for context, target in node.items:
        bound_value(reader, context, target_text(reader, target))
        if target is not None:
            entered = followed(reader, context)
            bindings.append(binding_of(context, target, "", "with", f"{entered}.__enter__" if entered else ""))
    text = ", ".join(reader.source.of(context, 80) for context, _ in node.items)
    reader.in_region("with", [*bindings, *node.body], text, at=node)


@statement(tree.Switch)
def _switch(reader: BodyReader, node: tree.Switch) -> None:
    reader.read_value(node.subject)
    first = len(reader.regions)

    def taken(case: tree.Case) -> None:
        text = ", ".join(reader.source.of(p, 60) for p in case.patterns)
        guard = [case.guard] if case.guard is not None else []
        reader.in_region("case", [*guard, *case.body], text, first=first, at=case, runs_on=case.falls_through)

    reader.apart(*(partial(taken, case) for case in node.cases), lambda: None)


@statement(tree.Return)
def _return(reader: BodyReader, node: tree.Return) -> None:
    if node.value is None:
        reader.emit("return", "", node, value="none")
        return
    mark = len(reader.seen)
    path = bound_value(reader, node.value, "<return>")
    value, source = classify(node.value, reader.source, path)
    options, holds = options_of(reader, node.value), held_in(reader, node.value)
    count, reads = _count_of(node.value), reader.reads_since(mark)
    reader.emit("return", path, node, key=count, value=value, source=source, reads=reads, options=options, holds=holds)


def _count_of(value: tree.Node) -> str:
    """How many values a written tuple has; "" where it is none, or takes in others with a star."""
    if not isinstance(value, tree.Collection) or value.kind != "tuple":
        return ""
    return "" if any(isinstance(item, tree.Star) for item in value.items) else str(len(value.items))


@statement(tree.Raise)
def _raise(reader: BodyReader, node: tree.Raise) -> None:
    mark = len(reader.seen)
    if isinstance(node.value, tree.Call):
        call(reader, node.value, result="<expression>", says=True)
    else:
        reader.read_value(node.value)
    reader.read_value(node.cause)
    value = node.value.function if isinstance(node.value, tree.Call) else node.value
    reader.emit("raise", tree.path_of(value), node, reads=reader.reads_since(mark))


@statement(tree.Assert)
def _assert(reader: BodyReader, node: tree.Assert) -> None:
    mark = len(reader.seen)
    reader.read_value(node.test)
    if node.message is not None:
        bound_value(reader, node.message, "<message>")
    reader.emit("assert", "", node, reads=reader.reads_since(mark), source=reader.source.of(node.test))


@statement(tree.Jump)
def _jump(reader: BodyReader, node: tree.Jump) -> None:
    reader.emit(node.kind, node.label, node)


@statement(tree.Label)
def _label(reader: BodyReader, node: tree.Label) -> None:
    reader.emit("label", node.name, node)


@statement(tree.Delete)
def _delete(reader: BodyReader, node: tree.Delete) -> None:
    for target in node.targets:
        if isinstance(target, tree.Index):
            container, key = reader.path(target.value), key_of(reader, target.key)
            reader.emit("remove", reader.changed(target.value, container), target, key=key, via="del")
        else:
            reader.emit("delete", reader.path(target), target)


@statement(tree.Outer)
def _outer_names(reader: BodyReader, node: tree.Outer) -> None:
    if node.kind == "global":
        reader.outer_names.update(node.names)
        reader.scope.locals.difference_update(node.names)


@statement(tree.Block)
def _nested_block(reader: BodyReader, node: tree.Block) -> None:
    declared = (part.value for part in node.body if isinstance(part, tree.Assign) and part.annotation)
    if any(isinstance(value, tree.Call) for value in declared):
        reader.in_region("block", node.body, at=node)  # an object that is made here ends with it
    else:
        reader.block(node.body)


@statement(tree.Broken)
def _unparsed(reader: BodyReader, node: tree.Broken) -> None:
    reader.in_region("unparsed", node.body, at=node)


def _paths_in(reader: BodyReader, node: tree.Node | None) -> tuple[str, ...]:
    """Paths in a test that is visited elsewhere (a loop's, in its own region)."""
    if node is None:
        return ()
    found = []
    for part in tree.walk(node, into=lambda n: not isinstance(n, tree.Attribute | tree.Lambda)):
        if isinstance(part, tree.Name | tree.Attribute):
            path = tree.path_of(part)
            root, dot, rest = path.partition(".")
            found.append(reader.root(root) + dot + rest if "[" not in root and "(" not in root else path)
    return tuple(dict.fromkeys(p for p in found if p))
