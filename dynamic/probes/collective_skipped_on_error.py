"""LLM703: one rank leaves between collectives that the others enter: seen as logs that part."""

from ..oracles.collectives import CollectiveLog as Probe

__all__ = ["Probe"]
