"""LLM101: the container still holds every key it was ever given, and has no bound."""

from ..oracles.ledger import GrowthLedger as Probe

__all__ = ["Probe"]
