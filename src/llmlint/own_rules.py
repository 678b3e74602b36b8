"""Rules of one's own: folders of pages and checkers that are no part of llmlint.

A checker is code, and it runs. So a folder counts only where the user who runs llmlint says so: on the command line
(`--rules-from`), by installing a package that offers rules, or by having trusted the project whose settings name it
(`llmlint trust`). That a scanned tree names a folder is no reason to run what lies there.
"""

from __future__ import annotations

import errno
import site
from collections.abc import Iterable, Iterator
from importlib import util
from pathlib import Path

from llmlint.catalogue import PageError, add_rules_from, own_pages
from llmlint.writing import write_file

GROUP = "llmlint.rules"
"""The group of entry points by which an installed package offers a package of rules."""

_allowed = False


class OwnRulesError(ValueError):
    """A folder of rules that cannot be used."""


def allow_own_rules() -> None:
    """Called where a user started llmlint itself: what only loads it as a plug-in knows none but llmlint's rules."""
    global _allowed
    _allowed = True


def are_allowed() -> bool:
    return _allowed


def use_rules_from(folders: Iterable[Path]) -> None:
    """Adds the rules of these folders to the catalogue. Raises OwnRulesError for one that holds none, or a bad page."""
    for folder in folders:
        if not own_pages(folder):
            raise OwnRulesError(f"{folder}: no rules there; a rule is a page, NAME.md, and its checker, NAME.py")
        try:
            add_rules_from(folder.resolve())
        except (PageError, OSError, UnicodeDecodeError) as error:
            raise OwnRulesError(str(error)) from error


def installed_folders() -> Iterator[Path]:
    """The packages of rules that installed distributions offer.

    Only where packages are installed: what lies in a scanned tree could call itself a distribution too.
    """
    places = _site_folders()
    offers = (file.read_bytes() for place in places for file in place.glob("*-info/entry_points.txt"))
    if not any(GROUP.encode() in offer for offer in offers):
        return  # asking the library costs more than all of this
    from importlib import metadata

    for distribution in metadata.distributions(path=[str(place) for place in places]):
        for offered in distribution.entry_points.select(group=GROUP):
            found = util.find_spec(offered.value)
            yield from map(Path, (found.submodule_search_locations or ()) if found else ())


def _site_folders() -> list[Path]:
    users = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
    return [Path(name) for name in dict.fromkeys([*site.getsitepackages(), *users])]


# ---------------------------------------------------------------- trust


def is_trusted(folder: Path) -> bool:
    return str(folder.resolve()) in _trusted()


def trust(folder: Path) -> Path:
    """Remembers, for this user, that the project in a folder may bring rules; answers where that is written."""
    real = str(folder.resolve())
    if real.splitlines() != [real]:
        raise OwnRulesError(f"{real!r}: a line end in the name")
    return _keep({*_trusted(), real})


def distrust(folder: Path) -> Path:
    return _keep(set(_trusted()) - {str(folder.resolve())})


def _keep(folders: set[str]) -> Path:
    file = _trusted_file()
    write_file(file, "".join(f"{folder}\n" for folder in sorted(folders)).encode(), parents=True)
    return file


def _trusted() -> tuple[str, ...]:
    try:
        return tuple(_trusted_file().read_text("utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return ()


def _trusted_file() -> Path:
    """One folder a line, in the user's own settings."""
    from platformdirs import user_config_path

    try:
        return user_config_path("llmlint") / "trusted"
    except RuntimeError as error:  # nobody's home
        raise FileNotFoundError(errno.ENOENT, str(error)) from error
