"""LLM101: the container still holds every key it was ever given, and has no bound."""

from ..oracles.growth import GrowthLedger as Probe

__all__ = ["Probe"]
