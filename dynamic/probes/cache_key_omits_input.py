"""LLM806: one key for two different inputs, and a hit for the second."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Sequence
from typing import Any, ClassVar

from ..paths import Roots, one_value
from ..plan import Finding, Target
from ..probe import (
    ALL,
    CLEAN,
    CONFIRMED,
    NOT_EXERCISED,
    REFUTED,
    Judgement,
    Quick,
    State,
    in_a_stretch,
    need,
    total,
)
from ..probe import Probe as Base
from ..values import Mark, mark, size_of

KEYS = 50_000
PAIRS = 2048
"""Of so many keys all that they are made of is looked at."""
APART = 3
"""So many times another value of the omitted inputs alone must have made another key."""


class Probe(Base):
    """Remembers marks only: of each key, and of the inputs that the finding says are left out of it.

    With `options.beside` the omitted inputs lie beside the key in what is returned; each of its other parts that looks
    like a digest is a name under which a look-up may ask for it.
    """

    exercised: ClassVar[str] = "the omitted input took at least two values"
    may_refute: ClassVar[bool] = True
    attached: ClassVar[str] = CONFIRMED

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.beside = bool(finding.options.get("beside"))
        self.inputs: dict[Mark, Mark] = {}
        """The inputs that a key was first made for."""
        self.latest: dict[tuple[int, Mark], Mark] = {}
        """The inputs that a thread made a key for last."""
        self.values: set[Mark] = set()
        self.made = 0
        self.asked = 0
        self.shared: set[Mark] = set()
        self.hits = 0
        self.dropped = 0
        self.others: dict[Mark, dict[Mark, Mark]] = {}
        """By what else a key was made of: by the omitted inputs, the key."""
        self.told_apart = 0
        """Keys that were another for another value of the omitted inputs and the same of all else."""

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if target.role == "key":
            given = [path for path in self.finding.extra_paths() if path.root in roots.names]
            found = {path.text: [mark(value) for value in path.values(roots)] for path in given}
            return found, self._rest({name: roots(name) for name in roots.names})
        if target.role == "lookup" and target.entity is not None:
            return _one_mark(target.entity.values(roots))
        return None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if error is not None:
            return
        if target.role == "key" and isinstance(token, tuple):
            given, rest = token
            omitted: list[Mark] = []
            for path in self.finding.extra_paths():
                omitted.extend(given.get(path.text) or [mark(value) for value in path.values(roots)])
            if self.beside:
                self._make(result, omitted, rest)
            elif target.entity is not None and (found := target.entity.values(roots)):
                self._make(found[0] if len(found) == 1 else tuple(found), omitted, rest)
        elif target.role == "lookup" and target.entity is not None:
            key = token if token is not None else _one_mark(target.entity.values(roots))
            if key is not None and _is_hit(result):
                self._hit(key)  # type: ignore[arg-type]

    def quick(self, target: Target, names: tuple[str, ...]) -> Quick | None:
        if target.role == "key" and (self.beside or (target.entity is not None and target.entity.text == "return")):
            reads = [one_value(path, names) for path in self.finding.extra_paths()]
            known = [read for read in reads if read is not None]
            if len(known) < len(reads):
                return None

            def made(token: tuple[list[Mark], Mark | None], result: object, error: BaseException | None) -> None:
                if error is None:
                    self._make(result, *token)

            def given(values: tuple[object, ...]) -> tuple[list[Mark], Mark | None]:
                if not in_a_stretch(self.made + 1):
                    return [], None
                return [mark(read(values)) for read in known], self._rest(dict(zip(names, values, strict=False)))

            return Quick(given, made)
        read = one_value(target.entity, names) if target.role == "lookup" else None
        if read is None:
            return None

        def looked_up(key: Any, result: object, error: BaseException | None) -> None:
            if key is not None and error is None and _is_hit(result):
                self._hit(key)

        def asked(values: tuple[object, ...]) -> object:
            self.asked += 1
            return mark(read(values)) if in_a_stretch(self.asked) else None

        return Quick(asked, looked_up)

    def _rest(self, given: dict[str, object]) -> Mark | None:
        """What else a key is made of: all parameters that are no omitted input. None where one is an object that holds
        such an input, or anything that is no plain value: what is the same of it can't be told cheaply."""
        paths = [path for path in self.finding.extra_paths() if path.root in given]
        if self.made >= PAIRS or any(path.steps for path in paths):
            return None
        left_out = {"self", "cls", *(path.root for path in paths)}
        rest = [value for name, value in given.items() if name not in left_out]
        return hash(tuple(map(mark, rest))) if all(map(_is_plain, rest)) else None

    def _tell_apart(self, key: Mark, inputs: Mark, rest: Mark) -> None:
        before = self.others.setdefault(rest, {})
        self.told_apart += inputs not in before and bool(before) and key not in before.values()
        before[inputs] = key

    def _make(self, returned: object, marks: list[Mark], rest: Mark | None = None) -> None:
        """A key was made; `marks` stand for what the finding says that it does not see."""
        self.made += 1
        if not in_a_stretch(self.made) or len(marks) < len(self.finding.extra_paths()):
            return
        inputs = marks[0] if len(marks) == 1 else hash(tuple(marks))
        names = self._names(returned, marks) if self.beside else [mark(returned)]
        if len(self.inputs) >= KEYS or len(self.values) >= KEYS:
            self.dropped += 1
            return
        self.values.add(inputs)
        if rest is not None:
            self._tell_apart(names[0], inputs, rest)
        thread = get_ident()
        for name in names:
            if self.inputs.setdefault(name, inputs) != inputs:
                self.shared.add(name)
            self.latest[(thread, name)] = inputs

    def _names(self, returned: object, omitted: list[Mark]) -> list[Mark]:
        """What a look-up may ask for: the parts that look like a digest, or else all parts together."""
        parts = _parts(returned)
        names = [found for part in parts if _is_a_name(part) and (found := mark(part)) not in omitted]
        return names or [hash(tuple([found for part in parts if (found := mark(part)) not in omitted]))]

    def _hit(self, key: Mark) -> None:
        mine = self.latest.get((get_ident(), key))
        if mine is not None and self.inputs.get(key, mine) != mine:
            self.hits += 1

    def state(self) -> dict[str, Any]:
        return {
            "made": self.made,
            "values": len(self.values),
            "shared": len(self.shared),
            "hits": self.hits,
            "told_apart": self.told_apart,
            "dropped": self.dropped,
            "skipped": max(0, self.made - ALL),
        }

    @classmethod
    def judge(cls, finding: Finding, states: Sequence[State]) -> Judgement:
        made, values, shared = total(states, "made"), total(states, "values"), total(states, "shared")
        hits = total(states, "hits")
        seen = f"{made} keys made for {values} different inputs"
        omitted = ", ".join(path.text for path in finding.extra_paths()) or "the omitted input"
        looked_up = any(target.role == "lookup" for target in finding.targets)
        if hits or (shared and not looked_up and not finding.options.get("beside")):
            what = f"{hits} hits were for another input" if hits else "nobody watched the look-ups"
            said = f"{shared} keys stood for inputs that differ in {omitted}; {what} ({seen})"
            return Judgement(CONFIRMED, said, [seen])
        if not made:
            return Judgement(NOT_EXERCISED, "no key was made")
        if values < 2:
            return Judgement(NOT_EXERCISED, f"{omitted} never took a second value ({seen})")
        if shared:
            return Judgement(CLEAN, f"{shared} keys stood for different inputs, but no hit was seen ({seen})")
        unseen = total(states, "dropped") + total(states, "skipped")
        told_apart = total(states, "told_apart")
        if values >= need(finding, "values", 8) and told_apart >= APART and not unseen:
            return Judgement(REFUTED, f"different inputs always had different keys ({seen})")
        aside = f"; {unseen} of them were not looked at" if unseen else ""
        alone = f", {told_apart} times with all else the same"
        return Judgement(CLEAN, f"different inputs had different keys{alone} ({seen}{aside})")


def _is_plain(value: object) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= 4096 and all(isinstance(part, (int, str, bytes, float, type(None))) for part in value)
    return isinstance(value, (int, str, bytes, float, type(None)))


def _one_mark(values: list[object]) -> Mark | None:
    if not values:
        return None
    return mark(values[0] if len(values) == 1 else tuple(values))


def _parts(value: object) -> Sequence[object]:
    if isinstance(value, tuple):
        return value
    return list(getattr(value, "__dict__", {}).values()) or [value]


def _is_a_name(part: object) -> bool:
    kind = type(part)
    if kind is str or kind is bytes:
        return len(part) >= 8  # type: ignore[arg-type]
    return kind is int and abs(part) >= 1 << 24  # type: ignore[arg-type]


def _is_hit(result: object) -> bool:
    """None, False and an empty container mean that nothing was found; a tensor has no truth to ask for."""
    if result is None or result is False:
        return False
    return type(result) is int or size_of(result) != 0
