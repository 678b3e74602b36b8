"""Trees of nodes that a reset drops, and what holds nodes beside them for good reasons."""

import time
from collections import deque


class Node:
    def __init__(self, parent=None):
        self.parent = parent
        self.children = []


class Cleared:
    """The reset clears both."""

    def __init__(self):
        self.leaves = set()
        self.root = Node()

    def insert(self):
        node = Node(self.root)
        self.root.children.append(node)
        self.note(node)
        return node

    def note(self, node):
        self.leaves.add(node)

    def evict(self, node):
        self.root.children.remove(node)
        self.forget(node)

    def forget(self, node):
        self.leaves.discard(node)

    def reset(self):
        self.root = Node()
        self.leaves.clear()


class InUse:
    """Who uses a node gives it back when the tree is another one already."""

    def __init__(self):
        self.used = set()
        self.root = Node()
        self.size = 0

    def insert(self):
        node = Node(self.root)
        self.root.children.append(node)
        self.size += 1
        self.note(node)
        return node

    def note(self, node):
        self.used.add(node)

    def evict(self, node):
        self.size -= 1
        self.used.discard(node)

    def reset(self):
        self.root = Node()
        self.size = 0


class Deferred:
    """What is to be freed is freed by the next step."""

    def __init__(self):
        self.to_free = set()
        self.root = Node()
        self.size = 0

    def insert(self):
        node = Node(self.root)
        self.root.children.append(node)
        self.size += 1
        self.note(node)
        return node

    def note(self, node):
        self.to_free.add(node)

    def evict(self, node):
        self.size -= 1
        self.to_free.discard(node)

    def step(self):
        while self.to_free:
            self.to_free.pop()

    def reset(self):
        self.root = Node()
        self.size = 0


class Listeners:
    """Who listens is no part of what is reset."""

    def __init__(self):
        self.listening = set()
        self.root = Node()
        self.size = 0

    def insert(self):
        node = Node(self.root)
        self.size += 1
        self.listen(node)
        return node

    def listen(self, node):
        self.listening.add(node)

    def evict(self, node):
        self.size -= 1
        self.listening.discard(node)

    def reset(self):
        self.root = Node()
        self.size = 0


class Remembered:
    """The last are remembered on purpose, so many of them."""

    def __init__(self):
        self.recent = deque()
        self.root = Node()

    def insert(self):
        node = Node(self.root)
        self.root = Node()
        self.root.children.append(node)
        self.note(node)
        return node

    def note(self, node):
        self.recent.append(node)
        if len(self.recent) > 32:
            self.recent.popleft()

    def reset(self):
        self.root = Node()


def main():
    cleared, in_use, deferred, listeners, remembered = Cleared(), InUse(), Deferred(), Listeners(), Remembered()
    for _ in range(5):
        used = [in_use.insert() for _ in range(8)]
        for _ in range(8):
            for tree in (cleared, deferred, listeners, remembered):
                tree.insert()
            cleared.evict(cleared.insert())
        for tree in (cleared, in_use, deferred, listeners, remembered):
            tree.reset()
        time.sleep(0.1)
        deferred.step()
        for node in used[:4]:
            in_use.evict(node)
        in_use.reset()
        for node in used[4:]:
            in_use.evict(node)
