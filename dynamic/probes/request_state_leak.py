"""LLM102: ids of requests that ended are looked for in the container the finding names."""

from ..oracles.ledger import EntityLedger as Probe

__all__ = ["Probe"]
