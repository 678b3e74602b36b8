"""LLM602: the host waits for the device in a step, to learn a value."""

from ..oracles.device_waits import DeviceWaits


class Probe(DeviceWaits):
    """Any wait at the line."""
