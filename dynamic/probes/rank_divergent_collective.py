"""LLM702: the ranks' logs of one group part at a call made from the finding's function."""

from ..oracles.collectives import CollectiveLog as Probe

__all__ = ["Probe"]
