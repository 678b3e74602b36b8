"""LLM804: what one half of a pair saves and the other does not bring back.

Four forms: a `copy` that lists the class's fields by hand and leaves one out; a save and a restore of one class that
do not name the same keys; a save that writes members one by one, beside a restore that never speaks of one of them; a
restore of a byte stream that reads in one branch what it passes over in the other, or reads what belongs to the object
into a local and leaves it there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from llmlint.code.domain.state import only_looks, symbol_of
from llmlint.code.domain.streams import branches, loop_of, read, written
from llmlint.code.facts.facts import Effect, FieldFact
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.findings import Place, Report, Step

_FEWEST_LISTED = 4
_FEWEST_KEYS = 2
_FEWEST_WRITTEN = 3
_WHOLESALE = frozenset({"update", "items", "values", "keys"})


# ---------------------------------------------------------------- copies that list fields by hand


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        for method in cls.methods.values():
            if program.vocabulary.is_copy(method.name):
                yield from _copy(program, cls, whole(program, method))
        for save, restore in program.vocabulary.save_restore_pairs(cls.methods):
            if cls.methods[save].language != "python":
                yield from _passed_over(program, cls.methods[save], cls.methods[restore])
    for saving, restoring in _pairs(program):
        yield from _never_spoken_of(program, whole(program, saving), whole(program, restoring))
    for function in program.asked.functions:
        if function.language != "python" and program.vocabulary.is_restore(function.name):
            yield from _read_into_a_local(program, whole(program, function))


def _copy(program: Program, cls: ClassInfo, method: FunctionInfo) -> Iterator[Report]:
    for effect in method.effects:
        if effect.op != "call" or not _makes_same_class(cls, effect):
            continue
        keywords = {a.keyword for a in effect.args if a.keyword.isidentifier()}
        same = [a.keyword for a in effect.args if a.path == f"self.{a.keyword}" or f"self.{a.keyword}" in a.reads]
        if len(same) < _FEWEST_LISTED or any(a.keyword in ("", "*", "**") for a in effect.args):
            return
        left = [f for f in cls.facts.fields if _is_owed(cls, method, effect, f.name, f.value, f.annotation, keywords)]
        if len(left) > 1:
            left = [field for field in left if field.name in _handed_over_elsewhere(program, cls, keywords)]
        left = [f for f in cls.facts.fields if _is_required(cls, f) and f.name not in keywords] or left
        if not left:
            return
        names = ", ".join(field.name for field in left)
        yield Report(
            program.place(method, effect),
            symbol_of(method),
            f"{method.name} copies {len(same)} fields by hand and leaves out {names}",
            (
                Step(method.path, effect.line, f"{len(same)} fields are handed over one by one"),
                *(
                    Step(
                        cls.path,
                        f.line,
                        f"{f.name} is {'left at its default' if f.value else 'needed, and has no default'}",
                    )
                    for f in left[:3]
                ),
            ),
            confidence="high" if len(left) == 1 or not left[0].value else "low",  # several may be left out on purpose
            reason=f"{len(same)} of {len(same) + len(left)} fields are listed",
            subject=names,
            fix=f"hand over {names} too, or use dataclasses.replace / copy.copy",
        )
        return


def _is_required(cls: ClassInfo, field: FieldFact) -> bool:
    """A field of a dataclass that has no default: a constructor call without it fails."""
    made_by_hand = "__init__" in cls.methods or "ClassVar" in field.annotation
    return cls.declares_fields and bool(field.annotation) and not field.value and not made_by_hand


def _handed_over_elsewhere(program: Program, cls: ClassInfo, keywords: set[str]) -> set[str]:
    """What another call of the constructor names beside all that the copy names."""
    named = [
        {a.keyword for a in effect.args}
        for name in (cls.name, "cls")
        for function, effect in program.calls_named(name)
        if name != "cls" or function.owner is cls
    ]
    return {extra for each in named if each > keywords for extra in each - keywords}


def _makes_same_class(cls: ClassInfo, effect: Effect) -> bool:
    return effect.path.rsplit(".", 1)[-1] in (cls.facts.name, "cls", "self") or effect.path == "type()"


def _is_owed(
    cls: ClassInfo, method: FunctionInfo, made: Effect, name: str, value: str, annotation: str, given: set[str]
) -> bool:
    if name in given or not value or not annotation or "ClassVar" in annotation or name.startswith("_"):
        return False
    later = any(e.path in (f"{made.result}.{name}", f"self.{name}") for e in method.effects if e is not made)
    used = any(path.startswith(f"self.{name}") for f in cls.functions if f is not method for path, _ in f.facts.reads)
    return not later and used


# ---------------------------------------------------------------- streams of bytes


def _passed_over(program: Program, save: FunctionInfo, restore: FunctionInfo) -> Iterator[Report]:
    items = {item.name: item for item in written(save)}
    taken = read(restore)
    for first, one, second, other in branches(restore, taken):
        names, others = {item.name for item in one}, {item.name for item in other}
        if not names & others:
            continue
        for name in sorted((names ^ others) & items.keys()):
            lacking, having = (second, one) if name in names else (first, other)
            item = next(item for item in having if item.name == name)
            if loop_of(restore, item) not in {loop_of(restore, each) for each in having if each.name in names & others}:
                continue  # as many as a count says, and the other branch may want none
            yield Report(
                Place(restore.path, restore.regions[lacking].line, 1, restore.regions[lacking].line, 1),
                symbol_of(restore),
                f"{restore.name} reads {name} in one branch and passes over it in the other: what follows is misread",
                (
                    program.step(save, items[name].effect, f"{save.name} writes {name}"),
                    program.step(restore, item.effect, "this branch reads it"),
                    program.step(restore, restore.regions[lacking].line, "this one reads the same items, and not it"),
                ),
                confidence="high",
                reason=f"both branches read {', '.join(sorted(names & others))}",
                subject=f"branch:{name}",
                fix=f"read {name} in both branches, under the condition it is written under",
            )


def _read_into_a_local(program: Program, restore: FunctionInfo) -> Iterator[Report]:
    """`n_outputs` is read and used, and the member of that name beside the members that are restored is not set."""
    restored = {_split(e.path)[0] for e in restore.effects if e.op in ("assign", "insert") and "." in e.path}
    mentioned = {part for path in _paths_of(restore) for part in _split(path)[1:]}
    for item in read(restore):
        for root in sorted(restored):
            held = restore.owner if root == "self" else program.class_of(restore, root)
            if held is None or item.name not in held.own_attributes or item.name in mentioned:
                continue
            yield Report(
                program.place(restore, item.effect),
                symbol_of(restore),
                f"{restore.name} reads {item.name} into a local and never sets {held.name}.{item.name}",
                (
                    program.step(restore, item.effect, f"{item.name} is read from what was saved"),
                    Step(held.path, held.own_attributes[item.name].line, f"{held.name} has a member of that name"),
                ),
                confidence="medium",
                reason=f"other members of {root} are restored here",
                subject=f"local:{item.name}",
                fix=f"set {root}->{item.name} too",
            )


def _paths_of(function: FunctionInfo) -> Iterator[str]:
    for effect in function.effects:
        yield from (effect.path, effect.source, *effect.reads)
        for argument in effect.args:
            yield from (argument.path, *argument.reads)
    yield from (path for path, _ in function.reads)


def _split(path: str) -> list[str]:
    return path.replace("[]", "").replace("()", "").split(".")


# ---------------------------------------------------------------- members written one by one


def _pairs(program: Program) -> Iterator[tuple[FunctionInfo, FunctionInfo]]:
    """Saves with their restores: methods of one class, or functions of one file."""
    together: dict[tuple[str, ClassInfo | None], dict[str, FunctionInfo]] = defaultdict(dict)
    for function in program.asked.functions:
        if function.facts.has_body:
            together[function.path, function.owner].setdefault(function.name, function)
    for functions in together.values():
        for save, restore in program.vocabulary.save_restore_pairs(functions):
            yield functions[save], functions[restore]


def _never_spoken_of(program: Program, save: FunctionInfo, restore: FunctionInfo) -> Iterator[Report]:
    """`w.put(s.n_keep)`, `w.put(s.n_shift)`: the restore that sets `s.n_keep` leaves `s.n_shift` at its default."""
    spoken_of = {part for path in _paths_of(restore) for part in _split(path)}
    spoken_of |= {argument.keyword for effect in restore.effects for argument in effect.args}
    set_again = {part for path in _paths_of(restore) for part in _split(path)[1:]}
    for members in _written_members(program, save).values():
        left = [name for name in members if name not in spoken_of]
        shared = members.keys() & set_again
        if len(left) != 1 or len(members) < _FEWEST_WRITTEN or len(shared) < len(members) - 1:
            continue
        name = left[0]
        yield Report(
            program.place(restore),
            symbol_of(restore),
            f"{save.name} writes {name} with {len(shared)} other members, and {restore.name} never sets it",
            (
                program.step(save, members[name], f"{save.name} writes {name}"),
                program.step(restore, restore.facts.line, f"{restore.name} names {', '.join(sorted(shared))}"),
            ),
            confidence="medium",
            reason=f"{len(shared)} of {len(members)} members that are written are named by the restore",
            subject=f"member:{name}",
            fix=f"set {name} too, or stop saving it",
        )


def _written_members(program: Program, save: FunctionInfo) -> dict[tuple[str, str], dict[str, Effect]]:
    """The members of one object, the function's own or a given one, that are handed to one writer, each by itself."""
    objects = {"self", *(param.name for param in save.params)}
    found: dict[tuple[str, str], dict[str, Effect]] = defaultdict(dict)
    for effect in save.effects:
        for argument in effect.args if not only_looks(program, effect) else ():
            root, _, name = argument.path.rpartition(".")
            if root in objects and name.isidentifier():
                found[effect.callee or effect.path, root].setdefault(name, effect)
    return found


# ---------------------------------------------------------------- keys saved and not restored


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.tree.language != "python":
        return
    for node in tree.walk(file.tree, into=lambda n: isinstance(n, tree.Module | tree.Class)):
        if isinstance(node, tree.Class):
            methods = {m.name: m for m in node.body if isinstance(m, tree.Function)}
            for save, restore in file.vocabulary.save_restore_pairs(methods):
                yield from _compare(node, methods[save], methods[restore])


def _compare(cls: tree.Class, save: tree.Function, restore: tree.Function) -> Iterator[Report]:
    saved, read = _keys_written(save), _keys_read(restore)
    if len(saved) < _FEWEST_KEYS or len(read) < _FEWEST_KEYS or _is_wholesale(restore) or _is_wholesale(save):
        return
    if len(set(saved) & set(read)) < _FEWEST_KEYS:
        return
    for key in [k for k in saved if k not in read]:
        yield _missing(
            cls, save, restore, key, saved[key], f"{save.name} saves {key!r} and {restore.name} never reads it"
        )


def _missing(
    cls: tree.Class, save: tree.Function, restore: tree.Function, key: str, at: tree.Node, message: str
) -> Report:
    return Report(
        Place("", restore.line, restore.column, restore.line, restore.column + len(restore.name) + 4),
        f"{cls.name}.{restore.name}",
        message,
        (
            Step("", at.line, f"{save.name} writes {key!r}"),
            Step("", restore.line, f"{restore.name} reads the others, and not this one"),
        ),
        confidence="medium",
        reason="both halves name their keys one by one",
        subject=key,
        fix=f"read {key!r} in {restore.name}, or stop saving it",
    )


def _keys_written(function: tree.Function) -> dict[str, tree.Node]:
    found: dict[str, tree.Node] = {}
    for node in tree.walk_own(function):
        if isinstance(node, tree.Return) and isinstance(node.value, tree.Collection):
            for key in node.value.keys:
                if isinstance(key, tree.Literal) and key.kind == "string":
                    found.setdefault(key.text, key)
        elif isinstance(node, tree.Assign):
            displays = [node.value] if isinstance(node.value, tree.Collection) else []
            found.update(
                {k.text: k for d in displays for k in d.keys if isinstance(k, tree.Literal) and k.kind == "string"}
            )
            for target in node.targets:
                if (
                    isinstance(target, tree.Index)
                    and isinstance(target.key, tree.Literal)
                    and target.key.kind == "string"
                ):
                    found.setdefault(target.key.text, target.key)
    return found


def _keys_read(function: tree.Function) -> dict[str, tree.Node]:
    found: dict[str, tree.Node] = {}
    for node in tree.walk_own(function):
        key: tree.Node | None = None
        if isinstance(node, tree.Index):
            key = node.key
        elif isinstance(node, tree.Call) and isinstance(node.function, tree.Attribute) and node.args:
            key = node.args[0] if node.function.name in ("get", "pop", "setdefault") else None
        elif isinstance(node, tree.Compare) and node.ops[0] in ("in", "not in"):
            key = node.operands[0]
        if isinstance(key, tree.Literal) and key.kind == "string":
            found.setdefault(key.text, key)
    return found


def _is_wholesale(function: tree.Function) -> bool:
    """Does the function hand a mapping on as a whole (`**state`, `update(state)`, a loop over it)?"""
    for node in tree.walk_own(function):
        if isinstance(node, tree.Keyword) and not node.name:
            return True
        if (
            isinstance(node, tree.Call)
            and isinstance(node.function, tree.Attribute)
            and node.function.name in _WHOLESALE
        ):
            return True
        if isinstance(node, tree.Collection) and None in node.keys:
            return True
    return False
