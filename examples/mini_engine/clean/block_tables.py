"""Which blocks hold which request's tokens, in order."""

import logging
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)


@dataclass
class Table:
    blocks: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """The prefix keys of those blocks that are full."""


class BlockTables:
    def __init__(self, pool):
        self.pool = pool
        self.tables: dict[str, Table] = {}

    def open(self, request_id: str) -> Table:
        self.tables[request_id] = table = Table()
        return table

    def drop(self, request_id: str) -> None:
        table = self.tables.pop(request_id, None)
        for block in table.blocks if table else ():
            self.pool.take_back(block)

    def save_block_allocations(self) -> dict[str, Table]:
        """What is in use, to be claimed again later; the blocks go back to the pool."""
        saved = dict(self.tables)
        for request_id in saved:
            self.drop(request_id)
        return saved

    def restore_block_allocations(self, saved: dict[str, Table]) -> None:
        for request_id, table in saved.items():
            logger.info("restoring %d blocks of %s", len(table.blocks), request_id)
            for block in table.blocks:
                self.pool.claim(block)
            self.tables[request_id] = table
