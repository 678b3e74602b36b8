"""LLM110: a late event for a request that is gone: its entry is taken for granted, or made anew.

Three forms. A handler indexes a map by the id of a message, or counts in it, where another method removes entries and a
sibling asks first whether the entry is there. What handles events, or works off a queue of them, indexes a map by what
they name, where another function removes, without minding that there may be none, what it is told to. A function
that removes entries on its way appends to an entry of the same `defaultdict` afterwards: it brings back what was taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.code.domain.drains import drains_in
from llmlint.code.domain.state import Change, attribute_of, changes_of, is_setup, mentioned_by, symbol_of
from llmlint.code.facts.facts import Effect
from llmlint.code.flow.summaries import does
from llmlint.code.flow.with_helpers import whole
from llmlint.code.link.program import ClassInfo, FunctionInfo, Program, root_of
from llmlint.findings import Report, Step
from llmlint.vocabulary import words

_HANDLES = frozenset("handle on receive received complete completed arrived".split())
_STEPS = frozenset("handle on process update finish post".split())
_MAKES_ENTRIES = re.compile("defaultdict|Counter|tensor|zeros|array")
_QUEUES = frozenset("append appendleft extend put put_nowait push push_back emplace_back push_front".split())
_WHAT = {True: "one that is gone is made anew", False: "one that is gone raises"}
_CAUGHT = ("", "KeyError", "Exception", "LookupError", "BaseException")


def check_program(program: Program) -> Iterator[Report]:
    for cls in program.asked.classes:
        for attribute, changes in changes_of(program, cls).items():
            removals = [c for c in changes if c.effect.op == "remove" and c.effect.path == f"self.{attribute}"]
            if removals:
                yield from _taken_for_granted(program, cls, attribute, removals)
                yield from _crossed(program, cls, attribute, changes, removals)
                yield from _made_anew(program, cls, attribute)


# ---------------------------------------------------------------- taken for granted


def _taken_for_granted(program: Program, cls: ClassInfo, attribute: str, removals: list[Change]) -> Iterator[Report]:
    for method in cls.methods.values():
        taken = next((e for e in method.effects if _needs(program, cls, method, e, attribute)), None)
        if taken is None or _is_caught(method, taken) or _asks(method, attribute):
            continue
        own = {method, *(done.function for done in does(program, method, cls))}
        others = (c for c in removals if c.function not in own)
        removal = next((c for c in others if program.vocabulary.is_reset(c.function.name) is None), None)
        sibling = next((f for f in cls.functions if f is not method and _is_careful(program, f, attribute)), None)
        if removal is None or sibling is None:
            continue
        yield Report(
            program.place(method, taken),
            symbol_of(method),
            f"{method.name} takes for granted an entry of self.{attribute} that {removal.function.name} removes",
            (
                program.step(method, taken, f"self.{attribute} is indexed by the id that it is told"),
                program.step(removal.function, removal.effect, f"{removal.function.name} removes entries"),
                program.step(sibling, sibling.facts.line, f"{sibling.name} asks first whether the entry is there"),
            ),
            confidence="medium",
            reason=f"{sibling.name} of the same class expects that an entry may be gone",
            subject=attribute,
            fix=f"use self.{attribute}.get and leave when there is none",
        )


def _is_careful(program: Program, function: FunctionInfo, attribute: str) -> bool:
    """A step that asks whether the entry is there, or any that looks it up by a request's id it is given."""
    if _begins(function, _STEPS):
        return _asks(function, attribute)
    given = {param.name for param in function.params}
    looked = (e for e in function.effects if _looks_up(e, f"self.{attribute}") and e.args)
    keys = (effect.args[0].path for effect in looked)
    return any(key.partition(".")[0] in given and program.vocabulary.is_request_id(key) for key in keys)


def _needs(program: Program, cls: ClassInfo, method: FunctionInfo, effect: Effect, attribute: str) -> bool:
    if _begins(method, _HANDLES) and _indexes(program, method, effect, attribute):
        return True
    return _counts(program, cls, method, effect, attribute) and not any(
        _asks_by_helper(program, cls, caller, attribute) for caller, _ in program.callers(method)
    )


def _counts(program: Program, cls: ClassInfo, method: FunctionInfo, effect: Effect, attribute: str) -> bool:
    """`self.left[rid] -= 1` for a request that the method is told of: an entry of a plain dict has to be there."""
    known = cls.attributes.get(attribute)
    is_plain = known is not None and not _MAKES_ENTRIES.search(f"{known.source} {known.annotation}")
    is_count = effect.op == "insert" and effect.path == f"self.{attribute}" and effect.via in ("[]-=", "[]+=")
    given = effect.key.split(".")[0] in {p.name for p in method.params}
    return is_plain and is_count and given and program.vocabulary.is_request_id(effect.key)


def _asks_by_helper(program: Program, cls: ClassInfo, caller: FunctionInfo, attribute: str) -> bool:
    """Does the caller look at the map, or ask a method that answers from it?"""
    asked = (f for e in caller.effects if e.result != "" for f in program.callees(caller, e) if f.owner in cls.mro)
    looks = any(f".{attribute}" in region.text for region in caller.regions if region.kind in ("if", "else", "loop"))
    return looks or any(any(f"self.{attribute}" in e.reads for e in f.effects if e.op == "return") for f in asked)


def _indexes(program: Program, method: FunctionInfo, effect: Effect, attribute: str) -> bool:
    """`state = self.states[message.rid]`"""
    params = {p.name for p in method.params}
    if effect.op != "bind" or effect.source != f"self.{attribute}[]" or effect.via:
        return False
    keys = [path for path in effect.reads if path != effect.source and path.split(".")[0] in params]
    return any(program.vocabulary.is_request_id(key) for key in keys)


def _asks(function: FunctionInfo, attribute: str) -> bool:
    """Looks whether an entry is there: by a condition on the map itself, or a look-up that may come back empty."""
    named = f"self.{attribute}"
    whole = re.compile(rf"{re.escape(named)}\b(?!\[)")
    if any(whole.search(region.text) for region in function.regions if region.kind in ("if", "else", "and", "loop")):
        return True
    return any(_looks_up(effect, named) for effect in function.effects)


def _looks_up(effect: Effect, named: str) -> bool:
    may_be_none = effect.callee in (f"{named}.get", f"{named}.setdefault")
    return may_be_none or (effect.callee == f"{named}.pop" and len(effect.args) > 1)


def _begins(function: FunctionInfo, verbs: frozenset[str]) -> bool:
    return not verbs.isdisjoint(words(function.name)[:1])


def _is_caught(function: FunctionInfo, effect: Effect) -> bool:
    tried, region = set(), effect.region
    while region:
        if function.regions[region].kind == "try":
            tried.add(region)
        region = function.regions[region].parent
    return any(
        region.kind == "except" and region.first in tried and (not region.text or region.text.split(".")[-1] in _CAUGHT)
        for region in function.regions
    )


# ---------------------------------------------------------------- an event that crosses a removal


def _crossed(
    program: Program, cls: ClassInfo, attribute: str, changes: Sequence[Change], removals: list[Change]
) -> Iterator[Report]:
    """What an event names is looked for where a removal that minds nothing may have come first."""
    minding = [c for c in removals if _minds_nothing(c) and not is_setup(c.function)]
    whole_path = f"self.{attribute}"
    filled = {c.function for c in changes if c.effect.op == "insert" and c.effect.path == whole_path}
    for method in cls.functions if minding else ():
        if is_setup(method) or _asks(method, attribute) or _looks_elsewhere(method, attribute):
            continue
        found = next(filter(None, (_told_by(cls, method, e, attribute) for e in method.effects)), None)
        if found is None or _is_caught(method, found.taken) or method in filled:
            continue
        own = {method, *(done.function for done in does(program, method, cls))}
        removal = next(
            (c for c in minding if c.function not in own and _is_apart(program, cls, c, method, found)), None
        )
        if removal is None or any(_sees_to_it(program, cls, c.function, attribute) for c in program.callers(method)):
            continue
        yield _crossed_report(program, cls, method, attribute, found, removal)


def _sees_to_it(program: Program, cls: ClassInfo, caller: FunctionInfo, attribute: str) -> bool:
    """Does a caller ask for the entry, or make it, before it calls?"""
    if _asks_by_helper(program, cls, caller, attribute):
        return True
    whole_path = f"self.{attribute}"
    return caller.owner in cls.mro and any(
        d.how == "insert" and d.path == whole_path for d in does(program, caller, cls)
    )


class Told(NamedTuple):
    """Where an entry is taken for granted, by a key of what `queue` holds, or of what the method is given ("")."""

    taken: Effect
    queue: str


def _minds_nothing(removal: Change) -> bool:
    """`pop(key, None)`, an `erase` by key, or a removal behind a question, of what the function is told to remove."""
    function, effect = removal.function, removal.effect
    is_told = root_of(effect.key) in {param.name for param in function.params}
    named = effect.path
    quietly = (effect.via == "pop" and len(effect.args) > 1) or (effect.via == "erase" and effect.key != f"{named}[]")
    found = effect.key == f"{named}[]" and any(
        e.callee == f"{named}.find" and e.args and root_of(e.args[0].path) in {param.name for param in function.params}
        for e in function.effects
    )
    return found or (is_told and (quietly or _asks(function, removal.attribute)))


def _told_by(cls: ClassInfo, method: FunctionInfo, effect: Effect, attribute: str) -> Told | None:
    entry = f"self.{attribute}[]"
    if effect.op != "bind" or effect.source != entry or effect.via:
        return None
    params = {param.name for param in method.params}
    for key in effect.reads:
        if key == entry:
            continue
        if root_of(key) in params:
            return Told(effect, "") if _handles_events(cls, method) else None
        queue = _queue_of(method, key)
        if queue and queue != attribute and _is_filled_by_others(cls, method, queue):
            return Told(effect, queue)
    return None


def _handles_events(cls: ClassInfo, method: FunctionInfo) -> bool:
    """By its name, or because the class hands it out as a function to call."""
    handed_out = any(path == f"self.{method.name}" for f in cls.functions for path, _ in f.reads)
    return _begins(method, _HANDLES) or handed_out


def _queue_of(method: FunctionInfo, key: str) -> str:
    """The attribute whose elements, swapped into a local or not, the key is a part of."""
    root = root_of(key)
    if root == "self":
        attribute = attribute_of(key)
        return attribute if key.startswith(f"self.{attribute}[]") else ""
    for effect in method.effects:
        receiver, _, name = effect.callee.rpartition(".")
        if name == "swap" and effect.args and root in (receiver, effect.args[0].path):
            return attribute_of(effect.args[0].path if root == receiver else receiver)
    return next((attribute_of(drain.place) for drain in drains_in(method) if drain.local == root), "")


def _is_filled_by_others(cls: ClassInfo, method: FunctionInfo, queue: str) -> bool:
    """Do other functions put what they are told of into the queue?"""
    return any(
        effect.op == "insert" and effect.path == f"self.{queue}" and effect.via in _QUEUES and function is not method
        for function in cls.functions
        for effect in function.effects
    )


def _looks_elsewhere(method: FunctionInfo, attribute: str) -> bool:
    """Does another look-up, or a helper that answers, decide first?"""
    asked = (e for e in method.effects if e.callee.endswith((".get", ".find", ".count", ".contains")))
    if any(attribute_of(e.callee) not in ("", attribute) for e in asked):
        return True
    tests = (region.text for region in method.regions if region.kind in ("if", "and"))
    return any(" in self." in text for text in tests)


def _is_apart(program: Program, cls: ClassInfo, removal: Change, method: FunctionInfo, told: Told) -> bool:
    """Does the removal leave the queue alone, and not call what handles the event?"""
    function = removal.function
    if program.vocabulary.is_reset(function.name) is not None:
        return False
    return not told.queue or told.queue not in mentioned_by(program, function, cls)


def _crossed_report(
    program: Program, cls: ClassInfo, method: FunctionInfo, attribute: str, told: Told, removal: Change
) -> Report:
    by = f"by what self.{told.queue} holds" if told.queue else "by what it is told"
    known = cls.attributes.get(attribute)
    makes = known is not None and (cls.language != "python" or "defaultdict" in f"{known.source} {known.annotation}")
    return Report(
        program.place(method, told.taken),
        symbol_of(method),
        f"{method.name} takes for granted an entry of self.{attribute} that {removal.function.name} may have removed",
        (
            program.step(method, told.taken, f"self.{attribute} is indexed {by}; " + _WHAT[makes]),
            program.step(removal.function, removal.effect, f"{removal.function.name} removes entries, and minds none"),
        ),
        confidence="medium",
        reason="an event that was under way comes after the removal, and nothing asks whether the entry is still there",
        subject=attribute,
        fix="look the entry up without making one, and leave when there is none",
    )


# ---------------------------------------------------------------- made anew


def _made_anew(program: Program, cls: ClassInfo, attribute: str) -> Iterator[Report]:
    known = cls.attributes.get(attribute)
    if known is None or "defaultdict" not in f"{known.source} {known.annotation}":
        return
    for step, function, effect in _put_into(program, cls, f"self.{attribute}[]"):
        if not _is_bare_in_loop(function, effect) or _asks(function, attribute):
            continue
        removal = next((d for d in does(program, step, cls) if d.how == "remove" and d.attribute == attribute), None)
        if removal is None or len(removal.chain) < 2 or removal.chain[0].effect.line >= effect.line:
            continue
        first = removal.chain[0].effect
        yield Report(
            program.place(function, effect),
            symbol_of(function),
            f"{function.name} may bring back an entry of self.{attribute} that it has just removed",
            (
                Step(known.path, known.line, f"self.{attribute} makes an entry for any key"),
                program.step(function, first, f"{first.callee} is called first"),
                program.step(removal.function, removal.effect, f"{removal.function.name} removes the entry"),
                program.step(function, effect, "and here one is made again for whatever key comes"),
            ),
            confidence="medium",
            reason="nothing asks between the two whether the key is still there",
            subject=attribute,
            fix="skip the keys that were removed",
        )
        return


def _put_into(program: Program, cls: ClassInfo, element: str) -> Iterator[tuple[FunctionInfo, FunctionInfo, Effect]]:
    """Where a step of the object appends to an entry, also by a helper: the step as written, and as a whole."""
    for step in (function for ancestor in reversed(cls.mro) for function in ancestor.functions):
        if _begins(step, _STEPS) and not is_setup(step):
            function = whole(program, step)
            yield from ((step, function, e) for e in function.effects if e.op == "insert" and e.path == element)


def _is_bare_in_loop(function: FunctionInfo, effect: Effect) -> bool:
    """Within a loop, with no condition in between that asks whether something holds the key."""
    region = effect.region
    while region and function.regions[region].kind != "loop":
        if " in " in function.regions[region].text:
            return False
        region = function.regions[region].parent
    return bool(region)
