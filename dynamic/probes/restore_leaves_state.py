"""LLM801: what the named attributes held before the reset is still there afterwards."""

from ..oracles.resets import StaleState as Probe

__all__ = ["Probe"]
