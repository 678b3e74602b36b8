"""LLM105: a list or log that every step adds to and nothing trims."""

from ..oracles.growth import GrowthLedger as Probe

__all__ = ["Probe"]
