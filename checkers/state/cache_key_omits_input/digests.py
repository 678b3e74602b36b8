"""Hashes and keys as they are computed.

Four forms: a hash over a list of factors that nobody fills; a parameter that is stored beside the hash and not mixed
into it; raw bytes of an array hashed without its shape and type; `id()` of an object as a key that outlives the object.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import commonprefix

from llmlint.code.domain.state import attribute_of, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.link.program import FunctionInfo, Program
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_KEYS = frozenset("hash key keys digest fingerprint checksum".split())
_DIGESTS = frozenset("md5 sha1 sha256 sha512 blake2b xxh64 xxh3 xxhash xxh128 hash safe_hash sha256_cbor".split())
_KEEPS = frozenset("cache memo table store map pool".split())


def incomplete(program: Program, function: FunctionInfo) -> Iterator[Report]:
    if not _KEYS & set(words(function.name)):
        return
    digests = [e for e in function.effects if is_digest(function, e)]
    if digests:
        yield from _nobody_fills(program, function, digests)
        yield from _stored_beside(program, function, digests)
        yield from _raw_bytes(program, function, digests)


def is_digest(function: FunctionInfo, effect: Effect) -> bool:
    if not effect.callee:
        return False
    name = effect.callee.rsplit(".", 1)[-1]
    if name in _DIGESTS or (effect.callee == name and {"hash"} & set(words(name)) and _is_parameter(function, name)):
        return True
    return name == "update" and any(w in ("hasher", "digest", "hash", "md5", "sha256") for w in words(effect.path))


def _is_parameter(function: FunctionInfo, name: str) -> bool:
    return any(p.name == name for p in function.facts.params)


def flows_into(function: FunctionInfo, effects: list[Effect]) -> set[str]:
    """Every path and local that reaches the arguments of the given effects, through locals and local containers."""
    reached = {
        path for e in effects for path in (*e.reads, *(a.path for a in e.args), *(r for a in e.args for r in a.reads))
    }
    while True:
        more = {
            read
            for e in function.effects
            if e.path in reached and e.op in ("bind", "insert", "assign")
            for read in (*e.reads, e.source, e.key)
        }
        if more <= reached:
            return reached
        reached |= more


# ---------------------------------------------------------------- a list of factors that stays empty


def _nobody_fills(program: Program, function: FunctionInfo, digests: list[Effect]) -> Iterator[Report]:
    reached = flows_into(function, digests)
    for made in function.doing("bind"):
        if made.value != "empty" or made.path not in reached:
            continue
        if any(e is not made and e.path.split("[")[0] == made.path for e in function.effects) or _is_passed(
            function, made
        ):
            continue
        fields = function.owner.facts.fields if function.owner is not None else ()
        if len(fields) < 2:
            continue
        mixed = _mixed_in_elsewhere(program, function)
        yield Report(
            program.place(function, made),
            symbol_of(function),
            f"{function.name} hashes {made.path}, which is empty: all {len(fields)} fields of the class give one key",
            (
                Step(function.path, made.line, f"{made.path} starts empty"),
                Step(function.path, digests[0].line, "it is hashed, and nothing was added in between"),
                mixed or Step(function.path, fields[0].line, f"{fields[0].name} is a field the hash never sees"),
            ),
            confidence="medium" if mixed else "low",
            reason="another hash adds one of the fields by itself, in one branch"
            if mixed
            else "no statement of the function fills the list; whether a field should is for who knows it to say",
            subject=made.path,
            fix="add every field that changes the cached value, or say why none does",
        )


def _mixed_in_elsewhere(program: Program, function: FunctionInfo) -> Step | None:
    """Where a hash of the same name adds a field of this class itself, and only in a branch: that the field matters."""
    for other in program.functions_named(function.name):
        if other.owner is function.owner or function.owner is None:
            continue
        for effect in other.effects:
            for path in {path for argument in effect.args for path in (argument.path, *argument.reads)}:
                holder, _, name = path.rpartition(".")
                if not effect.region or name not in {f.name for f in function.owner.facts.fields}:
                    continue
                if holder and program.class_of(other, holder) is function.owner:
                    return program.step(other, effect, f"{other.facts.qualname} adds {path} by hand, in one branch")
    return None


def _is_passed(function: FunctionInfo, made: Effect) -> bool:
    return any(
        a.path == made.path and e.callee.rsplit(".", 1)[-1] not in ("str", "repr", "tuple", *_DIGESTS)
        for e in function.effects
        for a in e.args
    )


# ---------------------------------------------------------------- stored beside the hash, not in it


def _stored_beside(program: Program, function: FunctionInfo, digests: list[Effect]) -> Iterator[Report]:
    reached = flows_into(function, digests)
    parameters = [p.name for p in function.facts.params if p.name not in ("self", "cls") and not p.kind.startswith("*")]
    mixed = [p for p in parameters if any(path.split(".")[0].split("[")[0] == p for path in reached)]
    returned = [e for e in function.effects if e.op == "return" and e.value in ("new", "container")]
    for name in parameters:
        if name in mixed or not mixed or any(d.path == name for d in digests):
            continue
        beside = [
            e for e in returned if name in e.reads and any(d.line >= e.line or d.result in e.reads for d in digests)
        ]
        if not beside:
            continue
        yield Report(
            program.place(function, digests[0]),
            symbol_of(function),
            f"{function.name} stores {name} beside the hash but does not mix it in: two values share one key",
            (
                Step(function.path, function.facts.line, f"{name} is an input"),
                Step(function.path, digests[0].line, f"the hash sees {', '.join(mixed)} only"),
                Step(function.path, beside[0].line, f"{name} goes into the result next to it"),
            ),
            confidence="high",
            reason=f"{len(mixed)} of the inputs are hashed and {name} is not",
            subject=name,
            fix=f"hash {name} together with {mixed[-1]}",
            data={"runtime": _runtime(program, function, name)},
        )


_SHOWN = 4


def _runtime(program: Program, function: FunctionInfo, omitted: str) -> dict[str, object]:
    """What a traced run watches: keys as they are made, and the nearest look-ups by something called a key."""
    lookups = [
        (f, e.args[0].path)
        for f, e in program.calls_named("get")
        if e.args and any(p.name == e.args[0].path for p in f.facts.params)
        if _KEYS & set(words(e.args[0].path)) and program.files[f.path].language == "python"
    ]
    lookups.sort(key=lambda one: -len(commonprefix((one[0].path, function.path))))
    targets = [{"qualname": function.facts.qualname, "role": "key", "entity": "return"}]
    for f, key in lookups[:_SHOWN]:
        targets.append({"qualname": f.facts.qualname, "role": "lookup", "entity": key, "path": f.path})
    return {"targets": targets, "options": {"omitted": [omitted], "beside": True}}


# ---------------------------------------------------------------- bytes without shape and type


def _raw_bytes(program: Program, function: FunctionInfo, digests: list[Effect]) -> Iterator[Report]:
    raw = next((e for e in function.doing("call") if e.path.endswith(".tobytes")), None)
    if raw is None or any(path.endswith((".shape", ".dtype", ".size")) for path, _ in function.facts.reads):
        return
    yield Report(
        program.place(function, raw),
        symbol_of(function),
        f"{function.name} hashes the raw bytes of an array: arrays of another shape or type give the same key",
        (
            Step(function.path, raw.line, "tobytes() drops shape and dtype"),
            Step(function.path, digests[0].line, "and the bytes are hashed"),
        ),
        confidence="medium",
        reason="neither shape nor dtype is read in the function",
        subject="tobytes",
        fix="hash the shape and the dtype too, and whatever else tells two such requests apart",
    )


# ---------------------------------------------------------------- id() as a key


def keyed_by_id(program: Program, function: FunctionInfo) -> Iterator[Report]:
    for effect in function.doing("insert"):
        attribute = attribute_of(effect.path)
        if not effect.key.startswith("id(") or not _KEEPS & set(words(attribute)):
            continue
        held = effect.key[3:-1]
        if held and any(held in (r, r.split(".")[0]) for r in effect.reads):
            continue
        owner = function.owner
        removed = owner is not None and any(
            e.op in ("remove", "clear") and attribute_of(e.path) == attribute
            for f in owner.functions
            for e in f.effects
        )
        if removed:
            continue
        yield Report(
            program.place(function, effect),
            symbol_of(function),
            f"self.{attribute} is keyed by {effect.key}: once the object is gone, another takes its id and its entry",
            (Step(function.path, effect.line, "the entry does not keep the object alive"),),
            confidence="medium",
            reason="nothing removes the entry, and the object itself is not stored in it",
            subject=attribute,
            fix="key by content or by a number of your own, or store the object in the entry",
        )
