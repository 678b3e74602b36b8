"""The paged KV cache: blocks of the pool for each request, shared where prompts begin alike, and given up for sleep."""

from collections import OrderedDict
from collections.abc import Sequence


class KVCache:
    def __init__(self, model, pool, block_tables, hash_block, block_size: int) -> None:
        self.model = model
        self.pool = pool
        self.block_tables = block_tables
        self.hash_block = hash_block
        self.block_size = block_size
        self.memory = model.make_memory(len(pool.holders), block_size)
        self.prefixes: OrderedDict[str, int] = OrderedDict()
        """Full blocks by key, least recently used first; the cache is a holder of each."""
        self.on_host = None
        self.saved = {}

    # -- a request's blocks

    def table_of(self, request_id: str) -> list[int]:
        table = self.block_tables.tables.get(request_id)
        return table.blocks if table else []

    def admit(self, request) -> int | None:
        """Opens a table with what is cached of the request's beginning; how many tokens that is."""
        table = self.block_tables.open(request.request_id)
        for key in self._keys(request, len(request.tokens) - 1):
            block = self.look_up(key.digest)
            if block is None:
                break
            self.pool.share(block)
            table.blocks.append(block)
            table.keys.append(key.digest)
        return len(table.blocks) * self.block_size

    def grow(self, request_id: str, length: int) -> bool:
        """Makes room for `length` tokens; False when there is none."""
        table = self.block_tables.tables[request_id]
        while len(table.blocks) * self.block_size < length:
            block = self._lend()
            if block is None:
                return False
            table.blocks.append(block)
        return True

    def free(self, request_id: str) -> None:
        self.block_tables.drop(request_id)

    def _lend(self) -> int | None:
        """A block of the pool, or else of the prefix that nobody has used for longest."""
        block = self.pool.lend()
        while block is None and self.prefixes:
            _, cached = self.prefixes.popitem(last=False)
            self.pool.take_back(cached)
            block = self.pool.lend()
        return block

    # -- prefixes

    def _keys(self, request, length: int, known: Sequence[str] = ()):
        """The keys of the blocks that `length` tokens fill, less those that are known."""
        parent = known[-1] if known else ""
        tokens = request.tokens
        for start in range(len(known) * self.block_size, length - self.block_size + 1, self.block_size):
            key = self.hash_block(parent, tuple(tokens[start : start + self.block_size]), request.images)
            yield key
            parent = key.digest

    def look_up(self, digest: str) -> int | None:
        block = self.prefixes.get(digest)
        if block is not None:
            self.prefixes.move_to_end(digest)
        return block

    def remember(self, request, length: int) -> None:
        """Makes the blocks that `length` tokens fill known to others."""
        table = self.block_tables.tables[request.request_id]
        for key in self._keys(request, length, table.keys):
            block = table.blocks[len(table.keys)]
            table.keys.append(key.digest)
            if key.digest not in self.prefixes:
                self.pool.share(block)
                self.prefixes[key.digest] = block

    def forget_prefixes(self) -> None:
        for block in self.prefixes.values():
            self.pool.take_back(block)
        self.prefixes.clear()

    # -- sleep

    def sleep(self, level: int) -> None:
        """Gives the device's memory up: at level 1 for a copy on the host, at level 2 for nothing."""
        if level == 1:
            self.on_host = self.model.copy_memory(self.memory)
            self.saved = self.block_tables.save_block_allocations()
        else:
            self.block_tables.tables.clear()
            self.prefixes.clear()
            self.pool.take_back_all()
        self.memory = None

    def wake_up(self) -> None:
        if self.on_host is None:
            self.memory = self.model.make_memory(len(self.pool.holders), self.block_size)
            return
        self.memory = self.model.copy_memory(self.on_host)
        self.block_tables.restore_block_allocations(self.saved)
        self.on_host = None
        self.saved = {}
