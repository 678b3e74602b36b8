"""llmlint on engines that are not ours: each scanned, run traced, and confirmed, clean and with a leak of one line."""
