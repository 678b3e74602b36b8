"""LLM103: acquired inside the function, which then ended in an error, and never given back."""

from ..oracles.pairs import PairLedger as Probe

__all__ = ["Probe"]
