"""LLM301: host memory is used while a copy that nobody waited for may still run."""

from ..oracles.device_races import RaceAt as Probe

__all__ = ["Probe"]
