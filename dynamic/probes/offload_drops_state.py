"""LLM805: state that refers to memory given up at an offload is still there after the onload."""

from typing import ClassVar

from ..oracles.resets import StaleState


class Probe(StaleState):
    """The same comparison, across two calls."""

    exercised: ClassVar[str] = "an offload and an onload while the state was in use"
    begins: ClassVar[str] = "offload"
    ends: ClassVar[str] = "onload"
