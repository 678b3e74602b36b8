"""LLM302: a tensor crosses from one stream to another, and nothing orders the two."""

from ..oracles.device_races import RaceAt as Probe

__all__ = ["Probe"]
