"""The rules there are, as their pages (`rules/<chapter>/<rule-name>.md`) describe them.

Loading reads only the front matter between the `+++` lines; the prose is the business of `page.py`, and a rule's
checker is imported when it is first asked for.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

if TYPE_CHECKING:
    from llmlint.code.syntax.source import SourceFile
    from llmlint.findings import Report

RULES_DIRECTORY = Path(__file__).parent / "rules"

DOCS_URL = "https://llmlint.readthedocs.io/en/latest/rules/"

CHAPTERS = {
    "0": "llmlint",
    "1": "memory",
    "2": "concurrency",
    "3": "gpu",
    "4": "api",
    "5": "model",
    "6": "performance",
    "7": "distributed",
    "8": "state",
    "90": "contracts",
    "91": "contracts",
    "92": "siblings",
    "93": "siblings",
    "94": "values",
    "95": "values",
    "96": "values",
    "97": "input",
}
"""The bug taxonomy's chapters by the digits that their codes begin with; 0 is what llmlint says about its own comments.

Under 9 stand the mechanisms that are no more about serving than about other code."""

CHAPTER_TITLES = {
    "llmlint": "llmlint itself",
    "memory": "Memory",
    "concurrency": "Concurrency",
    "gpu": "GPU",
    "api": "API and protocol",
    "model": "Model-specific",
    "performance": "Performance",
    "distributed": "Scaling and distribution",
    "state": "State management",
    "contracts": "Names, calls and what they promise",
    "siblings": "Code that should do alike",
    "values": "Values along paths",
    "input": "What clients, peers and files send",
}

FENCE = "+++"

_OWN_PACKAGE = "llmlint.own"
"""Above the packages that rules of one's own are imported in, one for each folder."""


def chapter_of(code: str) -> str:
    """The chapter that a code belongs to, "" when there is none."""
    digits = code.removeprefix("LLM")
    return next((chapter for start, chapter in CHAPTERS.items() if digits.startswith(start)), "")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The front matter of one page."""

    code: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2,10}[0-9]{3}$")]
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=110)]
    chapter: str = ""
    severity: Literal["P0", "P1", "P2", "P3"]
    languages: Annotated[tuple[Literal["python", "cpp"], ...], msgspec.Meta(min_length=1)]
    scope: Literal["function", "class", "file", "program"]
    since: str
    causes: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    tags: tuple[str, ...] = ()
    probe: str = ""
    no_probe: str = ""
    default: bool = True
    reported_by_engine: bool = False
    harms: Literal["any", "service"] = "any"
    """Whom it harms: any program, or only one that lives on, so that a script which ends soon never notices."""
    fix: Literal["", "safe", "unsafe"] = ""
    """The best that `scan --fix` can do for its findings; the form of the code decides whether it does."""
    former: tuple[str, ...] = ()
    """Codes and names that the rule had: settings, comments and commands that say them mean it still."""
    folder: str = ""
    """Where page and checker of a rule of one's own lie; no page says it."""

    @property
    def is_own(self) -> bool:
        """Not one of llmlint's rules, but of who uses it."""
        return bool(self.folder)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is said of it in brackets."""
        return (*(() if self.default else ("off by default",)), *((f"{self.fix} fix",) if self.fix else ()))

    @property
    def module_name(self) -> str:
        if self.is_own:
            return f"{_own_package(self.folder)}.{self.name.replace('-', '_')}"
        return f"llmlint.checkers.{self.chapter}.{self.name.replace('-', '_')}"

    @property
    def path(self) -> Path:
        if self.is_own:
            return Path(self.folder) / f"{self.name}.md"
        return RULES_DIRECTORY / self.chapter / f"{self.name}.md"

    @property
    def doc_url(self) -> str:
        """ "" where nobody publishes the page."""
        return "" if self.is_own else f"{DOCS_URL}{self.code}.html"

    @property
    def pylint_id(self) -> str:
        """The same number behind a 5, as pylint asks of a plugin: LLM801 is W5801, or E5801 when it is P0."""
        return f"{'E' if self.severity == 'P0' else 'W'}5{self.code[3:]}"

    @property
    def pylint_symbol(self) -> str:
        return self.name


class Checker(msgspec.Struct, frozen=True):
    """The analysis behind one rule: what its module offers of the two entry points."""

    rule: Rule
    check_file: Callable[[SourceFile], Iterable[Report]] | None
    check_program: Callable[[Any], Iterable[Report]] | None


class PageError(ValueError):
    """A rule page that does not say what a page must."""


class UnknownRule(LookupError):
    """Nothing is called that; the message names what comes nearest."""


class Catalogue:
    """All rules in the order of their codes."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: tuple[Rule, ...] = tuple(sorted(rules, key=lambda rule: rule.code))
        self._checkers: dict[str, Checker] = {}
        for first, second in zip(self.rules, self.rules[1:], strict=False):
            if first.code == second.code:
                raise PageError(f"{first.path} and {second.path} share the code {first.code}")
        names = {rule.name: rule for rule in self.rules}
        for rule in self.rules:
            if names[rule.name] is not rule:
                raise PageError(f"{rule.path} and {names[rule.name].path} share the name {rule.name}")

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    @cached_property
    def _by_key(self) -> dict[str, Rule]:
        """By code, by name and by pylint id, all in lower case."""
        ids = {rule.pylint_id.lower(): rule for rule in self.rules if not rule.is_own}
        former = {key.lower(): rule for rule in self.rules for key in rule.former}
        return former | ids | {key.lower(): rule for rule in self.rules for key in (rule.code, rule.name)}

    def get(self, key: str) -> Rule | None:
        return self._by_key.get(key.strip().lower().replace("_", "-"))

    def rule(self, key: str) -> Rule:
        """The rule with this code or name."""
        found = self.get(key)
        if found is None:
            raise UnknownRule(f"no rule is called {key!r}{self._hint(key)}")
        return found

    def matching(self, selector: str) -> tuple[Rule, ...]:
        """What `--select` and `--ignore` mean: a code, a name, the start of a code (LLM8), a chapter, or ALL."""
        wanted = selector.strip().lower()
        one = self.get(wanted)
        if one is not None:
            return (one,)
        if wanted == "all":
            return self.rules
        found = tuple(rule for rule in self.rules if rule.chapter == wanted)
        if not found and re.fullmatch("[a-z]{2,10}[0-9]{0,3}", wanted):
            found = tuple(rule for rule in self.rules if rule.code.lower().startswith(wanted))
        if not found:
            raise UnknownRule(f"no rule matches {selector!r}{self._hint(selector)}")
        return found

    def default_rules(self) -> tuple[Rule, ...]:
        return tuple(rule for rule in self.rules if rule.default)

    def has_checker(self, rule: Rule) -> bool:
        return importlib.util.find_spec(rule.module_name) is not None

    def checker(self, rule: Rule) -> Checker:
        """The rule's checker, imported on first use."""
        if rule.code not in self._checkers:
            self._checkers[rule.code] = _import_checker(rule)
        return self._checkers[rule.code]

    def _hint(self, key: str) -> str:
        near = self.nearest(key)
        return f"; did you mean {' or '.join(near)}?" if near else ""

    def nearest(self, key: str, count: int = 2) -> list[str]:
        from difflib import get_close_matches

        codes = {rule.code.lower(): rule.code for rule in self.rules}
        known = [*(rule.name for rule in self.rules), *codes]
        near = get_close_matches(key.strip().lower().replace("_", "-"), known, n=count, cutoff=0.6)
        return [codes.get(name, name) for name in near]


def _import_checker(rule: Rule) -> Checker:
    if rule.reported_by_engine:
        return Checker(rule, None, None)
    if rule.is_own:
        _make_package(rule.folder)
    module = importlib.import_module(rule.module_name)
    check_file = getattr(module, "check_file", None)
    check_program = getattr(module, "check_program", None)
    if check_file is None and check_program is None:
        raise PageError(f"{rule.module_name} defines neither check_file nor check_program")
    return Checker(rule, check_file, check_program)


def split_page(text: str, path: Path) -> tuple[str, str]:
    """A page's front matter and its prose."""
    opening, _, rest = text.partition(f"{FENCE}\n")
    head, fence, prose = rest.partition(f"\n{FENCE}\n")
    if opening or not fence:
        raise PageError(f"{path}: a rule page starts with TOML between two lines of {FENCE}")
    return head, prose


def _front_matter(path: Path) -> Rule:
    head, _ = split_page(path.read_text(encoding="utf-8"), path)
    try:
        rule = msgspec.convert(tomllib.loads(head), Rule)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PageError(f"{path}: {error}") from error
    return msgspec.structs.replace(rule, folder="")


def read_rule(path: Path) -> Rule:
    """The front matter of one page, checked against where the page lies."""
    rule = _front_matter(path)
    for problem in _problems(rule, path):
        raise PageError(f"{path}: {problem}")
    return rule


def _problems(rule: Rule, path: Path) -> Iterator[str]:
    if not rule.code.startswith("LLM") or chapter_of(rule.code) != rule.chapter:
        yield f"{rule.code} belongs to the chapter {chapter_of(rule.code)!r}, not {rule.chapter!r}"
    if path.parent.name != rule.chapter or path.stem != rule.name:
        yield f"a page lies at <chapter>/<name>.md, here {rule.chapter}/{rule.name}.md"
    if bool(rule.probe) == bool(rule.no_probe):
        yield "either `probe` names the run-time oracle or `no_probe` says why there is none"


# ---------------------------------------------------------------- rules of one's own


def own_pages(folder: Path) -> list[Path]:
    """Named like rules, so that a README may lie beside them."""
    return sorted(page for page in folder.glob("*.md") if re.fullmatch("[a-z0-9-]+", page.stem))


def read_own_rule(path: Path) -> Rule:
    """The front matter of a page of one's own: its checker lies beside it, and its prefix is its chapter."""
    rule = _front_matter(path)
    if rule.code.startswith("LLM"):
        raise PageError(f"{path}: LLM is llmlint's own prefix; choose another one, such as ACME101")
    if path.stem != rule.name:
        raise PageError(f"{path}: the page of {rule.name} is called {rule.name}.md")
    if not path.with_name(f"{rule.name.replace('-', '_')}.py").is_file():
        raise PageError(f"{path}: there is no checker {rule.name.replace('-', '_')}.py beside it")
    prefix = rule.code.rstrip("0123456789").lower()
    return msgspec.structs.replace(rule, chapter=prefix, folder=str(path.parent))


_own_folders: tuple[Path, ...] = ()


def add_rules_from(*folders: Path) -> None:
    """From now on the catalogue holds the rules of these folders too. `own_rules.py` says when that may be."""
    global _own_folders
    wider = tuple(dict.fromkeys((*_own_folders, *folders)))
    _read_catalogue(RULES_DIRECTORY, wider)  # so that what clashes is told here, and changes nothing
    _own_folders = wider


def own_folders() -> tuple[Path, ...]:
    return _own_folders


def _own_package(folder: str) -> str:
    return f"{_OWN_PACKAGE}.x{hashlib.sha256(folder.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _make_package(folder: str) -> None:
    """Makes a package of the folder under a name that no other module has, so that its modules can share code."""
    for name, paths in ((_OWN_PACKAGE, []), (_own_package(folder), [folder])):
        if name not in sys.modules:
            package = ModuleType(name)
            package.__path__ = paths
            sys.modules[name] = package


def load_catalogue(directory: Path = RULES_DIRECTORY) -> Catalogue:
    """The catalogue of every page under `directory`, and of those of one's own, read once."""
    return _read_catalogue(directory, _own_folders if directory == RULES_DIRECTORY else ())


@lru_cache(maxsize=8)
def _read_catalogue(directory: Path, own: tuple[Path, ...]) -> Catalogue:
    return Catalogue([*_shipped(directory), *(read_own_rule(page) for folder in own for page in own_pages(folder))])


@lru_cache(maxsize=8)
def _shipped(directory: Path) -> tuple[Rule, ...]:
    return tuple(read_rule(path) for path in sorted(directory.glob("*/*.md")))


def rule_table(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """What `llmlint rules --format json` prints: the front matter with what is derived from it."""
    return [
        {
            **msgspec.to_builtins(rule),
            "pylint_id": "" if rule.is_own else rule.pylint_id,
            "url": rule.doc_url,
        }
        for rule in rules
    ]
