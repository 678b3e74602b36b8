"""What all tests share."""

import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A busy machine is no reason for a test to fail.
settings.register_profile("llmlint", deadline=None)
settings.load_profile("llmlint")

# Where the environment asks for no bytecode, each of the many commands run here would compile llmlint anew.
sys.dont_write_bytecode = False


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of what a test scans stays in the cache of who runs it, and nothing there makes a test pass."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        yield
