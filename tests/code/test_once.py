"""What is worked out of a program goes with it: an editor makes one at every change."""

from __future__ import annotations

import gc
import weakref

from linking import link

from llmlint.catalogue import load_catalogue
from llmlint.checking import answers
from llmlint.rule_cases import cases


def test_nothing_keeps_a_program_when_all_rules_have_spoken() -> None:
    rules = load_catalogue().rules
    files = {
        f"{rule.name}/{name}": text for rule in rules for case in cases(rule, "Bad") for name, text in case.items()
    }
    program = link({path: text for path, text in files.items() if path.endswith((".py", ".cpp"))})
    assert not [answer.fault for answer in answers(program, rules, 1) if answer.fault]
    kept = weakref.ref(program)
    del program
    gc.collect()
    assert kept() is None
