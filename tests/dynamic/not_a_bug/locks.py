"""Two locks in both orders by two threads that can never stand against each other."""

import threading

GATE = threading.Lock()


class Pair:
    def __init__(self):
        self.gate = threading.Lock()
        self.a = threading.Lock()
        self.b = threading.Lock()
        self.done = threading.Event()


class Gated(Pair):
    """A third lock, of the object, around both."""

    def there(self):
        with self.gate:
            with self.a:
                with self.b:
                    pass

    def back(self):
        with self.gate:
            with self.b:
                with self.a:
                    pass


class GatedGlobally(Pair):
    """A third lock, of the module, around both."""

    def there(self):
        with GATE:
            with self.a, self.b:
                pass

    def back(self):
        with GATE:
            with self.b, self.a:
                pass


class GatedByHand(Pair):
    """The third lock is taken without `with`."""

    def there(self):
        self.gate.acquire()
        with self.a, self.b:
            pass
        self.gate.release()

    def back(self):
        self.gate.acquire()
        with self.b, self.a:
            pass
        self.gate.release()


class GatedByCallers(Pair):
    """The third lock belongs to the callers, whom nobody watches."""

    def there(self):
        with self.a, self.b:
            pass

    def back(self):
        with self.b, self.a:
            pass


class OneAfterTheOther(Pair):
    """The second thread starts when the first has ended: their idents may be the same."""

    def there(self):
        with self.a, self.b:
            pass

    def back(self):
        with self.b, self.a:
            pass


class Told(Pair):
    """The second thread waits until the first says that it is done."""

    def there(self):
        with self.a, self.b:
            pass
        self.done.set()

    def back(self):
        self.done.wait()
        with self.b, self.a:
            pass


class Alone(Pair):
    """Both orders by one thread."""

    def there(self):
        with self.a, self.b:
            pass

    def back(self):
        with self.b, self.a:
            pass


def beside(one, other):
    threads = [threading.Thread(target=run) for run in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def often(run):
    def again():
        for _ in range(3000):
            run()

    return again


def by_callers(pair, run):
    callers_gate = pair.callers_gate = getattr(pair, "callers_gate", None) or threading.Lock()

    def again():
        for _ in range(3000):
            with callers_gate:
                run()

    return again


def main():
    for kind in (Gated, GatedGlobally, GatedByHand):
        pair = kind()
        beside(often(pair.there), often(pair.back))
    pair = GatedByCallers()
    beside(by_callers(pair, pair.there), by_callers(pair, pair.back))
    pair = OneAfterTheOther()
    for run in (pair.there, pair.back) * 20:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    for _ in range(20):
        pair = Told()
        beside(pair.there, pair.back)
    pair = Alone()
    for _ in range(20):
        pair.there()
        pair.back()
