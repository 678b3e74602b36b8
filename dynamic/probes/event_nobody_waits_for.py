"""LLM307: an event is recorded, and nobody waits for it."""

from ..oracles.device_races import RaceAt as Probe

__all__ = ["Probe"]
