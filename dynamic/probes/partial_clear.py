"""LLM803: an index is cleared and what it indexes is not: the same look as at a reset that leaves state."""

from ..oracles.resets import StaleState as Probe

__all__ = ["Probe"]
