"""What is acquired and not given back by the one who acquired it, and rightly so."""


class Pool:
    def __init__(self):
        self.free = list(range(4096))
        self.pins = {}

    def allocate(self):
        return self.free.pop()

    def release(self, block):
        self.free.append(block)

    def pin(self, block):
        self.pins[block] = self.pins.get(block, 0) + 1

    def unpin(self, block):
        self.pins[block] -= 1


class Retried:
    """Fails, and the caller gives back what the error carries."""

    def __init__(self, pool):
        self.pool = pool

    def admit(self, fails):
        block = self.pool.allocate()
        if fails:
            raise ValueError(block)
        self.pool.release(block)


class Kept:
    """Its pins are for as long as it lives: another call takes them back."""

    def __init__(self, pool):
        self.pool = pool

    def admit(self, block):
        self.pool.pin(block)

    def drop(self, block):
        self.pool.unpin(block)


class Elsewhere:
    """What it gives back was taken in another way, which nobody watches; and the same thing stands for many."""

    def __init__(self):
        self.taken = 0

    def take(self):
        return object()

    def work(self):
        self.taken += 2
        self.give_back()
        self.give_back()

    def give_back(self):
        self.taken -= 1


POOL = Pool()


def main():
    retried, kept = Retried(POOL), Kept(POOL)
    for number in range(60):
        try:
            retried.admit(number % 3 == 0)
        except ValueError as error:
            POOL.release(error.args[0])
    elsewhere = Elsewhere()
    for _ in range(40):
        elsewhere.work()
    for block in range(40):
        kept.admit(block)
    for block in range(40):
        kept.drop(block)
