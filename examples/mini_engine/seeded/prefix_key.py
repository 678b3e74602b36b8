"""What a full block is found by again: a hash of everything that its KV values depend on."""

from hashlib import sha256
from typing import NamedTuple


class BlockKey(NamedTuple):
    digest: str
    tokens: tuple[int, ...]
    images: tuple[str, ...]


def hash_block(parent: str, tokens: tuple[int, ...], images: tuple[str, ...]) -> BlockKey:
    """`parent` is the digest of the block before, so the key stands for all that came before as well."""
    # Seeded: two images before the same text give the same key.
    digest = sha256(repr((parent, tokens)).encode())
    return BlockKey(digest.hexdigest(), tokens, images)
