"""LLM104: on some path the count that was raised is not lowered, or lowered twice."""

from typing import ClassVar

from ..oracles.pairs import PairLedger


class Probe(PairLedger):
    """Any end of the call counts, not only an error; other calls must have balanced, or the owner is elsewhere."""

    exercised: ClassVar[str] = "the function raised a count and ended"
    only_errors: ClassVar[bool] = False
