"""An option that is handed on and read by nobody is told with low confidence."""

import pytest

from llmlint.scan import check_sources
from llmlint.unread_names import UnreadNames

OPTIONS = """
import argparse
import config

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--paged-cache", type=bool, default=True)
    args = parser.parse_args()
    return config.Config(paged_cache=args.paged_cache)
"""
CONFIG = """
class Config:
    # the paged_cache of old
    paged_cache: bool = True

    def __init__(
        self,
        paged_cache: bool = True,
    ):
        self.paged_cache = paged_cache
"""


@pytest.mark.parametrize(
    ("user", "reads"),
    [
        ("", False),
        ("def copy(one):\n    return config.Config(paged_cache=one.paged_cache)\n", False),
        ("def put(one, two):\n    two.paged_cache = one.paged_cache\n", False),
        ("def pages(config):\n    if config.paged_cache:\n        return 4\n", True),
        ("def pages(config):\n    return getattr(config, 'paged_cache')\n", True),
        ("def load(one):\n    return DataLoader(paged_cache=one.paged_cache)\n", True),
        ("def main(paged_cache):\n    run(paged_cache)\n", True),
        ("def pages(config):\n    return config.paged_cache == 1\n", True),
        ("def tell(config):\n    print('pages #', config.paged_cache)\n", True),
        ('def pages():\n    """As many as paged_cache asks for."""\n', False),
    ],
)
def test_what_is_only_handed_on_to_its_own_name_is_not_read(user: str, reads: bool) -> None:
    texts = {"main.py": OPTIONS, "config.py": CONFIG, "user.py": user}
    assert ("paged_cache" in UnreadNames(texts, texts.__getitem__)) is not reads
    (found,) = check_sources({path: text.encode() for path, text in texts.items()}, ["LLM905"])
    assert found.confidence == ("high" if reads else "low")
    assert ("nothing in this tree reads paged_cache" in found.confidence_reason) is not reads


def test_an_option_that_nobody_mentions_again_is_read_by_nobody() -> None:
    texts = {"main.py": OPTIONS.replace("config.Config(paged_cache=args.paged_cache)", "args")}
    assert "paged_cache" in UnreadNames(texts, texts.__getitem__)
