"""All variants of a page's cases, whatever their language, and which of them are judged wrongly."""

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache

import cpp_code
import cpp_renaming
import cpp_variants
import python_renaming
import python_variants
from python_code import Code, code_of

from llmlint.catalogue import Rule
from llmlint.rule_cases import Case, cases, expected, found, marks

ALSO = re.compile(r"(?:#|//) also: (?P<codes>LLM\d+)")
"""Marks a line that may be told in place of a marked one: the call of the helper that a marked statement moved to."""

RIGHT_BY_THEN = {
    ("LLM914", "condition"): "a value that is put in place of another only sometimes is a choice and loses nothing",
}
"""Variants of a rule's Bad cases that have no bug any more, and why."""

Change = Callable[[str, int, bool], str | None]


def variants_of(case: Case, bad: bool) -> Iterator[tuple[str, Case]]:
    """The name of each variant, and the case in that form; a variant that changes nothing is left out."""
    is_python = all(name.endswith(".py") for name in case)
    renamed = python_renaming.renamed if is_python else cpp_renaming.renamed
    variants = python_variants.VARIANTS if is_python else cpp_variants.VARIANTS
    every = {name: _everywhere(case, change, bad) for name, change in variants.items()}
    for name, said in {"renamed": renamed(case, bad), **every}.items():
        if said != case:
            yield name, said


def _everywhere(case: Case, change: Change, bad: bool) -> Case:
    """A Bad case is changed where it is marked, a Good one in each of its functions."""
    return {name: _changed(name, text, change, bad) for name, text in case.items()}


def _changed(name: str, text: str, change: Change, bad: bool) -> str:
    code = code_of(text) if name.endswith(".py") else cpp_code.code_of(text)
    numbers = code.marked() if bad else range(len(code.functions))
    for number in sorted(numbers, reverse=True):  # from behind, so that the places of the others hold
        text = change(text, number, bad) or text
    return text


def is_well_formed(case: Case) -> bool:
    for name, text in case.items():
        if not name.endswith(".py"):
            if cpp_code.code_of(text).root.has_error:
                return False
            continue
        try:
            ast.parse(text)
        except SyntaxError:
            return False
    return True


def name_of(case: Case, bad: bool) -> str:
    """What the case is called by: its marked function or else the first thing that it defines."""
    for name, text in case.items():
        code = code_of(text) if name.endswith(".py") else cpp_code.code_of(text)
        for number in code.marked() if bad else ():
            if isinstance(code, Code):
                return code.functions[number].name
            return cpp_code.name_of(code.functions[number]).rpartition("::")[2]
    first = re.search(r"\b(?:class|struct|def|void|bool|int) (\w+)", "\n".join(case.values()))
    return first[1] if first else "case"


def named_cases(rule: Rule, heading: str) -> dict[str, Case]:
    """The page's cases by name; a second of the same name gets a number."""
    named: dict[str, Case] = {}
    for case in cases(rule, heading):
        name = name_of(case, heading == "Bad")
        number = sum(known.rpartition("~")[0] == name or known == name for known in named)
        named[f"{name}~{number + 1}" if number else name] = case
    return named


@lru_cache(maxsize=2)
def said_otherwise(rule: Rule, heading: str) -> list[tuple[str, Case, list[tuple[str, Case]]]]:
    """The page's cases: name, the case itself, and its variants by name. Kept for the tests of one rule."""
    named = named_cases(rule, heading).items()
    return [(name, case, list(variants_of(case, heading == "Bad"))) for name, case in named]


def failures(rule: Rule, heading: str) -> tuple[set[str], Counter[str]]:
    """The names of what goes wrong (`FN_` or `FP_`, rule, case, variant), and how many there are of each variant."""
    bad = heading == "Bad"
    wrong, tried = set(), Counter[str]()
    for name, _, variants in said_otherwise(rule, heading):
        for variant, said in variants:
            if bad and (rule.code, variant) in RIGHT_BY_THEN:
                continue
            tried[variant] += 1
            if not _is_right(rule, said, bad):
                wrong.add(f"{'FN' if bad else 'FP'}_{rule.code}_{name}_{variant}")
    return wrong, tried


def _is_right(rule: Rule, case: Case, bad: bool) -> bool:
    told = found(rule, case)
    return len(expected(case) - told) <= len(marks(case, ALSO) & told) if bad else not told
