"""A library, of which nobody asks anything."""

import time


async def borrowed(stamp):
    time.sleep(0.08)
