"""LLM806: one key for two different inputs, and a hit for the second."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import Sequence
from typing import Any, ClassVar

from ..paths import Roots
from ..plan import Finding, Target
from ..probe import CLEAN, CONFIRMED, NOT_EXERCISED, REFUTED, Judgement, State, need, total
from ..probe import Probe as Base
from ..values import digest, size_of

KEYS = 50_000


class Probe(Base):
    """Remembers digests only: of each key, and of the inputs that the finding says are left out of it.

    With `options.beside` the key is what is returned less the omitted inputs themselves, which lie beside it; each of
    its parts is a name under which a look-up may ask for it.
    """

    exercised: ClassVar[str] = "the omitted input took at least two values"
    may_refute: ClassVar[bool] = True

    def __init__(self, finding: Finding, tell: Any) -> None:
        super().__init__(finding, tell)
        self.looked_up = any(target.role == "lookup" for target in finding.targets)
        self.beside = bool(finding.options.get("beside"))
        self.inputs: dict[str, str] = {}
        """The inputs that a key was first made for."""
        self.latest: dict[tuple[int, str], str] = {}
        """The inputs that a thread made a key for last."""
        self.values: set[str] = set()
        self.made = 0
        self.shared: set[str] = set()
        self.hits = 0
        self.dropped = 0

    def called(self, target: Target, subject: object, roots: Roots) -> object:
        if target.role == "key":
            paths = self.finding.extra_paths()
            known = ((path.text, path.values(roots)) for path in paths)
            return {text: digest(values) for text, values in known if values}
        if target.role == "lookup":
            return self._key(target, roots)
        return None

    def returned(
        self, target: Target, token: object, roots: Roots, result: object, error: BaseException | None
    ) -> None:
        if error is not None:
            return
        if target.role == "key":
            made = dict(token) if isinstance(token, dict) else {}
            for path in self.finding.extra_paths():
                if path.text not in made:  # a local variable
                    made[path.text] = digest(path.values(roots))
            inputs = digest(sorted(made.items()))
            if self.beside:
                omitted = [given for path in self.finding.extra_paths() for given in path.values(roots)]
                return self._make_parts(result, omitted, inputs)
            key = self._key(target, roots)
            if key is not None:
                self._make(key, inputs)
        elif target.role == "lookup":
            key = token if isinstance(token, str) else self._key(target, roots)
            if key is not None and _is_hit(result):
                self._hit(key)
        return None

    def _key(self, target: Target, roots: Roots) -> str | None:
        found = target.entity.values(roots) if target.entity else []
        return digest(found) if found else None

    def _make_parts(self, returned: object, omitted: list[object], inputs: str) -> None:
        """The parts of what was returned, less the omitted inputs; those that look like a digest are names of it."""
        beside = {digest(one) for one in omitted}
        parts = [part for part in _parts(returned) if digest(part) not in beside]
        names = [digest([part]) for part in parts if _is_a_name(part)]
        self._make(digest(parts), inputs, names)

    def _make(self, key: str, inputs: str, names: Sequence[str] = ()) -> None:
        self.made += 1
        if len(self.inputs) >= KEYS or len(self.values) >= KEYS:
            self.dropped += 1
            return
        self.values.add(inputs)
        if self.inputs.setdefault(key, inputs) != inputs:
            self.shared.add(key)
        for name in names:
            self.inputs.setdefault(name, inputs)
        for name in (key, *names):
            self.latest[(get_ident(), name)] = inputs

    def _hit(self, key: str) -> None:
        mine = self.latest.get((get_ident(), key))
        if mine is not None and self.inputs.get(key, mine) != mine:
            self.hits += 1

    def state(self) -> dict[str, Any]:
        return {
            "made": self.made,
            "values": len(self.values),
            "keys": len(self.inputs),
            "shared": len(self.shared),
            "hits": self.hits,
            "dropped": self.dropped,
            "looked_up": self.looked_up,
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
        if values >= need(finding, "values", 8) and not total(states, "dropped"):
            return Judgement(REFUTED, f"different inputs always had different keys ({seen})")
        return Judgement(CLEAN, f"different inputs had different keys ({seen})")


def _parts(value: object) -> list[object]:
    if isinstance(value, tuple):
        return list(value)
    return list(getattr(value, "__dict__", {}).values()) or [value]


def _is_a_name(part: object) -> bool:
    return len(part) >= 8 if isinstance(part, (str, bytes)) else isinstance(part, int) and abs(part) >= 1 << 24


def _is_hit(result: object) -> bool:
    """None, False and an empty container mean that nothing was found; a tensor has no truth to ask for."""
    return result is not None and result is not False and size_of(result) != 0
