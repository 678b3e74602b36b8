"""Pictures that a request names by their address are fetched before it is admitted; from this machine only."""

from urllib.parse import urlsplit
from urllib.request import urlopen

LIMIT = 5.0
LARGEST = 1 << 20


def fetch(url: str) -> bytes:
    if urlsplit(url).hostname != "127.0.0.1":
        raise ValueError("pictures come from this machine only")
    with urlopen(url, timeout=LIMIT) as answer:
        return answer.read(LARGEST)


async def load(url: str) -> bytes:
    # Seeded: the event loop waits for the host, and everybody with it.
    return fetch(url)
