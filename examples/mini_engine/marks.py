"""A place in the device's queue that the host can wait for. Needs torch."""

import torch


class Mark:
    def __init__(self, device: torch.device) -> None:
        self.event = torch.cuda.Event() if device.type == "cuda" else None
        """None on a CPU, where nothing is ever pending."""

    def set(self) -> None:
        if self.event is not None:
            self.event.record()

    def wait(self) -> None:
        if self.event is not None:
            self.event.synchronize()
