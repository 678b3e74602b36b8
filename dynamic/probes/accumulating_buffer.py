"""LLM105: a list or log that every step adds to and nothing trims."""

from ..oracles.ledger import GrowthLedger as Probe

__all__ = ["Probe"]
