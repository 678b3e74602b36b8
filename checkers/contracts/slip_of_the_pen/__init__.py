"""LLM905: legal Python that does nothing of what it says.

Each mechanism is one shape of the tree that has no honest use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from llmlint.checkers.contracts.slip_of_the_pen import errors, made_once, options, texts, truth, twice
from llmlint.checkers.contracts.slip_of_the_pen.known import ERRORS, Known
from llmlint.checkers.contracts.slip_of_the_pen.uncalled import uncalled
from llmlint.checkers.contracts.slips import Slip, told
from llmlint.code.facts.facts import ImportFact
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report

_Check = Callable[[tree.Node, Known], Iterator[Slip]]
_CHECKS: dict[type[tree.Node], dict[str, _Check]] = {
    tree.Raise: {"raise": errors.raised},
    tree.Handler: {"alternatives": errors.alternatives},
    tree.Return: {"return": errors.returned},
    tree.Expression: {"expression": errors.dropped},
    tree.Try: {"try": errors.handlers},
    tree.With: {"with": truth.managers, "lock_of_one": truth.lock_of_one},
    tree.Assert: {"assert": truth.asserted, "assert_with_text": truth.asserted_with_its_text},
    tree.If: {"branch": truth.branched, "chain": twice.asked_again},
    tree.Conditional: {"branch": truth.branched},
    tree.Loop: {"branch": truth.branched},
    tree.Logic: {"logic": twice.joined_twice},
    tree.Compare: {"never_equal": truth.never_equal},
    tree.Call: {
        "call": truth.switched,
        "always_on": options.always_on,
        "any_text": options.switched_on_by_any,
        "letters": options.letters,
        "cut": texts.cut,
    },
    tree.Class: {"class": twice.methods, "made_once": made_once.of_fields},
    tree.Function: {"made_once_by_default": made_once.of_parameters},
    tree.Collection: {"joined": texts.joined},
}
"""By the name of the mechanism, which readings are counted under."""


def check_file(file: SourceFile) -> Iterator[Report]:
    imported = {known.name: _origin(known) for known in file.facts.imports}
    errors_known = ERRORS - imported.keys() | _own_errors(file)
    known = Known(errors_known, imported, file.facts, file.text.split("\n"), file.tree)
    for kind, checks in _CHECKS.items():
        for node in nodes(file.tree, kind):
            for mechanism, check in checks.items():
                for slip in check(node, known):
                    yield told(file, slip, f"slip_of_the_pen.{mechanism}", "high")
    told_of = {(slip.at.line, slip.at.column): slip for slip in uncalled(known)}
    yield from (told(file, slip, "slip_of_the_pen.uncalled", "high") for slip in told_of.values())


def _origin(known: ImportFact) -> str:
    if not known.target and known.module.partition(".")[0] == known.name:  # `import a.b` makes known only a
        return known.name
    return ".".join(filter(None, ("." * known.level + known.module, known.target)))


def _own_errors(file: SourceFile) -> frozenset[str]:
    classes = file.facts.classes
    return frozenset(cls.name for cls in classes if any(base.rpartition(".")[2] in ERRORS for base in cls.bases))
