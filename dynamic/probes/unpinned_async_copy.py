"""LLM601: a copy that is to run beside the work comes from memory that is not pinned."""

from typing import ClassVar

from ..oracles.device_waits import DeviceWaits


class Probe(DeviceWaits):
    """Only copies that were asked not to wait, and whose source is in pageable memory when they are made."""

    exercised: ClassVar[str] = "the copy was made"
    seen_as: ClassVar[str] = "unpinned"
    said: ClassVar[str] = "a copy that should not wait came from pageable memory"
