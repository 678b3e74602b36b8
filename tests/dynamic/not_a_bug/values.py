"""Numbers, keys, machines and waits that come out right."""

import asyncio
import time


def shown(value):
    """Rounded for people; the whole number stands beside it."""
    return f"{value / 1e6:.1f} M ({value})"


def cache_key(tokens, lora):
    """The adapter does not change what is kept under the key: look-ups check it."""
    return hash(tokens)


def look_up(key, lora, store):
    found = store.get(key)
    return found[1] if found is not None and found[0] == lora else None


class Machine:
    def __init__(self):
        self.last = 0

    def accept(self, token):
        if token < self.last:
            return False
        self.last = token
        return True

    def rewind(self):
        self.last = 0


def follow(machine, tokens):
    """Refused, it stops."""
    for token in tokens:
        if not machine.accept(token):
            break


async def rests():
    """Off the processor, but the loop goes on."""
    await asyncio.sleep(0.1)


async def calls_briefly():
    time.sleep(0.001)


def main():
    for number in range(100):
        shown(123456789 + number)
    store = {}
    for lora in ("french", "german") * 4:
        key = cache_key((1, 2, 3), lora)
        if look_up(key, lora, store) is None:
            store[key] = (lora, 1)
    for number in range(10):
        follow(Machine(), [1, 5, number, 7])
    for _ in range(10):
        asyncio.run(rests())
        asyncio.run(calls_briefly())
