"""LLM910: a message whose values do not get into its text: no `f` before it, or other placeholders than values."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from llmlint.checkers.contracts.empty_errors import empty_errors
from llmlint.checkers.contracts.unfilled_places import unfilled
from llmlint.code.domain.whereabouts import functions_at, place_of, qualname_at
from llmlint.code.facts.facts import Effect, FileFacts, Function, ImportFact, Test
from llmlint.code.facts.loggers import loggers_of
from llmlint.code.syntax import tree
from llmlint.code.syntax.braces import Field, fields_in
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.code.syntax.written import text_of
from llmlint.findings import Report, Step
from llmlint.plain import counted

_LOGS = re.compile(
    r"(\w*log(ger|ging)?\w*|LOG(GER)?)\.(debug|info|warning|warn|error|critical|exception)(_once)?", re.I
)
_STANDARD = re.compile(
    r"^\s*(?:from logging )?import logging\b|=\s*(?:\w+\.)*(?:getLogger|init_logger|get_logger)\(", re.M
)
"""A logger made in the file is one of the standard library; others count values in other ways."""
_LOGGING = "logging"
_LOGGED = "logged"
_IN_BRACES = "the text has braces for the values, and what the logger does is not known here"
_READ_FIRST = "what else the handler is told of has a text"
_SEVERAL = 3
_SAYS = re.compile(r"print|warnings\.warn|\w+_(?:warn|info|debug|deprecation)|(\w+\.)*\w*(Error|Exception|Warning)")
_ERROR = re.compile(r"(\w+\.)*\w*(Error|Exception)")
_WARN = "warnings.warn"
_BUILTIN = frozenset(
    name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)
)
_CONSTRUCTORS = frozenset({"__init__", "__new__"})
_TEXTS = (tree.Literal, tree.Format, tree.Binary)
_SAYING_NAMES = frozenset(
    f"{name}{often}"
    for name in ("debug", "info", "warning", "warn", "error", "critical", "exception", "print")
    for often in ("", "_once")
)
_SAYING_ENDS = ("Error", "Exception", "Warning", "_warn", "_info", "_debug", "_deprecation")
_SAYING = r"(?:Error|Exception|Warning|warn|print|\.(?:debug|info|warning|error|critical|exception))"
_VALUE = re.compile(r"%(?!%)[-#0 +]*(\*|\d+)?(\.(\*|\d*))?[hlL]?[diouxXeEfFgGcrsa]")
_OF_TEMPLATES = re.compile(r"\{%[-+]?\s.*?%\}", re.DOTALL)
"""A statement of a template language: `{% set`, where no value goes."""
_NAMED = re.compile(r"%\(\w+\)")
_BUILTINS = frozenset(vars(builtins))


class _Slip(NamedTuple):
    at: tree.Node
    message: str
    fix: str
    edit: dict[str, int]
    mechanism: str
    doubt: str = ""
    subject: str = ""
    """What it is known by from one version to the next, where the words have become better since."""


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language != "python":
        return
    is_standard = bool(_STANDARD.search(file.text))
    loggers = loggers_of(file.tree) if is_standard else frozenset()
    foreign = {fact.name for fact in file.facts.imports if _is_ready_made(fact)}
    logged: list[tuple[tree.Call, str, _Slip]] = []
    for call in nodes(file.tree, tree.Call):
        if not _may_say(call.function):
            continue
        name = tree.path_of(call.function)
        by_name = _LOGS.fullmatch(name) or name.partition(".")[0] in loggers
        logs = is_standard and bool(by_name) and name.partition(".")[0] not in foreign
        says = bool(_SAYS.fullmatch(name)) or (bool(by_name) and len(call.args) == 1)
        if (logs or says) and call.args:
            slip = next(_slips(file, call, logs), None)
            if slip is not None:
                logged.append((call, name, slip))
    in_braces = _has_a_logging_of_its_own(file.facts) or _speaks_in_braces(
        [call for call, _, slip in logged if slip.mechanism == _LOGGED]
    )
    for call, name, slip in logged:
        is_unknown = in_braces or name.partition(".")[0] not in loggers
        doubt = _IN_BRACES if slip.mechanism == _LOGGED and is_unknown and _has_braces(call) else slip.doubt
        yield _report(file.facts, slip._replace(doubt=doubt))
    for kept in nodes(file.tree, tree.Assign):
        if isinstance(kept.value, _TEXTS) and _is_said_later(file, kept):
            for slip in _without_f(file, kept, kept.value):
                yield _report(file.facts, slip)
    for left in unfilled(file):
        places = ", ".join(f"{{{place}}}" for place in left.places)
        told = f"nothing is given for {places} of the text at line {left.text.line}: {left.raised} comes in its place"
        yield _report(file.facts, _Slip(left.call, told, "give a value for each place", {}, "unfilled"))
    for empty in empty_errors(file):
        told = f"the wait at line {empty.wait.line} ends with a TimeoutError that has no text: nothing is said here"
        yield _report(file.facts, _Slip(empty.said, told, "name the class too: {e!r}", {}, "empty", _READ_FIRST))


def _has_a_logging_of_its_own(facts: FileFacts) -> bool:
    """`from beets import logging`: a module that only bears the name."""
    return any(fact.name == _LOGGING and fact.target == _LOGGING and fact.module for fact in facts.imports)


def _speaks_in_braces(miscounted: Sequence[tree.Call]) -> bool:
    """Do several messages of a file have braces for values? Then it is meant, and its logger may be made for it."""
    return sum(map(_has_braces, miscounted)) >= _SEVERAL


def _has_braces(call: tree.Call) -> bool:
    return any("{" in piece.text.replace("{{", "") for piece in _pieces(call.args[0]))


def _is_ready_made(fact: ImportFact) -> bool:
    """A logger that a library brings (`from loguru import logger`) has rules of its own."""
    return bool(fact.target) and not fact.level and "." not in fact.module and fact.module != "logging"


def _may_say(function: tree.Node) -> bool:
    """By its last name alone: a sieve."""
    last = getattr(function, "name", "") or getattr(function, "id", "")
    return last in _SAYING_NAMES or last.endswith(_SAYING_ENDS)


def _is_said_later(file: SourceFile, kept: tree.Assign) -> bool:
    """Is a text kept in a local that an error, a log line or a print is made from, as it is?"""
    if kept.op or len(kept.targets) != 1 or not isinstance(kept.targets[0], tree.Name):
        return False
    names = {name for _, field in _fields(file, kept, kept.value) for name in field.names} if kept.value else set[str]()
    if not names:
        return False
    name = kept.targets[0].id
    end = min((f.end_line for f in functions_at(file.facts, kept.line)), default=kept.end_line)
    behind = "\n".join(file.text.split("\n")[kept.end_line : end])
    is_filled = re.search(rf"\b{name}\b\s*(\.|%|\()", behind) is not None
    by_name = "|".join(rf"\b{of}\s*=(?!=)" for of in sorted(names))
    said = re.search(rf"{_SAYING}\(\s*{name}\s*[,)](?![^()]*(?:\*\*|{by_name}))", behind)
    return not is_filled and said is not None


def _slips(file: SourceFile, call: tree.Call, logs: bool) -> Iterator[_Slip]:
    first, values = call.args[0], call.args[1:]
    if any(isinstance(value, tree.Star) for value in call.args):
        return
    text = first.text if isinstance(first, tree.Literal) and first.kind == "string" else None
    if text is not None and logs and not _NAMED.search(text):
        yield from _miscounted(file, first, text, values)
    elif text is not None and values and not logs and _VALUE.search(_OF_TEMPLATES.sub("", text)):
        yield from _of_an_error(file, call, first, text)
    if (not values or not logs) and not _are_given_by_name(file, call):
        yield from _without_f(file, call, first)
        for said in values if _ERROR.fullmatch(tree.path_of(call.function)) else ():
            yield from _without_f(file, call, said)  # an error of one's own may take a code before its text


def _of_an_error(file: SourceFile, call: tree.Call, first: tree.Node, text: str) -> Iterator[_Slip]:
    """Builtin exceptions, and classes that change nothing about them, keep what they are given as a tuple."""
    made, values = tree.path_of(call.function), call.args[1:]
    if made == "print" or (made == _WARN and tree.path_of(values[0]).endswith("Warning")):
        return
    doubt = "" if made == _WARN else _takes_more(file.facts, made)
    fits = len(_VALUE.findall(text.replace("%%", ""))) == len(values) and "*" not in text
    yield _Slip(
        first,
        "the values after this text do not get into it",
        "format the text before the exception is made",
        {"format": len(values)} if fits and not doubt else {},
        "of_an_error",
        doubt,
    )


def _takes_more(facts: FileFacts, made: str, above: frozenset[str] = frozenset()) -> str:
    """Why a second value may be for something else than the text; "" where it is known to go into the tuple."""
    cls = next((cls for cls in facts.classes if cls.qualname == made), None)
    if cls is None:
        is_builtin = made in _BUILTIN and not any(fact.name == made for fact in facts.imports)
        return (
            "" if is_builtin else f"the constructor of {made} is not in this file: it may do something with the values"
        )
    if made in above or cls.decorators or not _CONSTRUCTORS.isdisjoint(cls.methods):
        return f"{made} has a constructor of its own: it may do something with the values"
    return next((why for base in cls.bases if (why := _takes_more(facts, base, above | {made}))), "")


def _are_given_by_name(file: SourceFile, call: tree.Call) -> bool:
    """`logger.info("took {count}", count=count)`: some loggers format what they are given so."""
    given = {keyword.name for keyword in call.keywords}
    return "" in given or any(not given.isdisjoint(of.names) for _, of in _fields(file, call, call.args[0]))


def _miscounted(file: SourceFile, first: tree.Node, text: str, values: list[tree.Node]) -> Iterator[_Slip]:
    """What logging does with values that do not fit is a complaint of its own, or of its formatter, in place of the
    message. One dict it takes for values with names: a text that asks for none comes out without it."""
    places, count = len(_VALUE.findall(text.replace("%%", ""))), len(values)
    if not values or places == count or (count == 1 and places == 0 and text == ""):
        return
    told = f"the text has {places} places for {count} values"
    is_left_out = count == 1 and places == 0 and _is_dict(file, values[0])
    says = "it comes out without them" if is_left_out else "a complaint comes in place of the message"
    yield _Slip(
        first,
        f"the text has {counted(places, 'place')} for {counted(count, 'value')}: {says}",
        "make them agree",
        {},
        _LOGGED,
        subject=f"{told}: logging drops the message",
    )


def _is_dict(file: SourceFile, value: tree.Node) -> bool:
    if isinstance(value, tree.Name):
        bound = [
            assign.value
            for assign in nodes(file.tree, tree.Assign)
            if any(isinstance(target, tree.Name) and target.id == value.id for target in assign.targets)
        ]
        return bool(bound) and all(
            one is not None and not isinstance(one, tree.Name) and _is_dict(file, one) for one in bound
        )
    if isinstance(value, tree.Call):
        return tree.path_of(value.function) == "dict"
    return isinstance(value, tree.Collection) and value.kind == "dict"


def _without_f(file: SourceFile, around: tree.Node, said: tree.Node) -> Iterator[_Slip]:
    found = list(_fields(file, around, said))
    is_json = any(piece.text.lstrip().startswith("{") and '"' in piece.text for piece in _pieces(said))
    if not found or is_json:
        return
    if any(_is_documented(file, piece.text, field) for piece, field in found):
        return
    known = _names_around(file, around.line)
    written = text_of(around, file.text.split("\n"))
    at_hand = known.union(_BUILTINS, _names_of_module(file))
    if all(_is_meant(file, field, known, at_hand) and f"{{{{{field.names[0]}" not in written for _, field in found):
        names = {name for _, field in found for name in field.names}
        tells_nothing = names <= known and all(_is_nothing_there(file, name, around.line) for name in names)
        piece, field = found[0]
        yield _Slip(
            piece,
            f"{{{field.written}}} stands in the text as it is: there is no f before it",
            "put an f before it",
            {"f_before": True},
            "without_f",
            "under this test the value is empty and would tell nothing" if tells_nothing else "",
            f"{{{field.names[0]}}} stands in the text as it is: there is no f before it",
        )


def _fields(file: SourceFile, around: tree.Node, said: tree.Node) -> Iterator[tuple[tree.Literal, Field]]:
    """What an `f` would show of the values in a message; nothing where one of its texts is a template."""
    pieces = [piece for piece in _pieces(said) if "{" in piece.text]
    if not pieces or any("{}" in piece.text for piece in pieces):  # an f-string can't have the last
        return
    are_doubled = not isinstance(said, tree.Literal) and _has_doubled_braces(file, around)
    by_piece = [(piece, fields_in(piece.text, are_doubled)) for piece in pieces]
    if all(fields is not None for _, fields in by_piece):
        yield from ((piece, field) for piece, fields in by_piece for field in fields or ())


def _has_doubled_braces(file: SourceFile, node: tree.Node) -> bool:
    written = text_of(node, file.text.split("\n"))
    return "{{" in written or "}}" in written


def _is_meant(file: SourceFile, field: Field, known: set[str], at_hand: set[str]) -> bool:
    """Does it speak of values at hand, of a local or a part of one at least, that nothing in the file fills in?"""
    has_local = not known.isdisjoint(field.names) or "." in field.written
    return has_local and at_hand.issuperset(field.names) and not any(_is_filled(file, name) for name in field.names)


def _names_of_module(file: SourceFile) -> set[str]:
    at_top = (f for f in file.facts.functions if f.name == "<module>")
    bound = {effect.path for function in at_top for effect in function.effects if effect.op == "bind"}
    defined = {function.qualname for function in file.facts.functions} | {cls.qualname for cls in file.facts.classes}
    return bound | defined | {fact.name for fact in file.facts.imports}


def _is_nothing_there(file: SourceFile, name: str, line: int) -> bool:
    """Does the line stand under `if not name` or `if name is None`?"""
    around = (region for function in functions_at(file.facts, line) for region in function.regions)
    tests = (r.test for r in around if r.kind == "if" and r.line <= line <= r.end_line and r.test is not None)
    return any(_says_it_is_nothing(test, name) for test in tests)


def _says_it_is_nothing(test: Test, name: str) -> bool:
    if test.op == "and":
        return any(_says_it_is_nothing(part, name) for part in test.args)
    is_of_it = bool(test.args) and test.args[0].op == "path" and test.args[0].path == name
    return is_of_it and (test.op == "not" or (test.op == "is" and test.args[1].op == "none"))


def _is_documented(file: SourceFile, text: str, field: Field) -> bool:
    """Does a docstring say the same word, braces and all: `/servers/{server_id}/mcp`? Then it names a form."""
    place = f"{{{field.written}}}"
    said = [word.strip("`'\"().,:;") for word in text.split() if place in word]
    forms = [word for word in said if word != place]
    return bool(forms) and any(form in f.docstring for f in nodes(file.tree, tree.Function) for form in forms)


def _is_filled(file: SourceFile, name: str) -> bool:
    """Does the file put values into templates under this name, `.format(step=…)`, or is the place itself a text of it?

    `template.replace("{step}", …)`, `if "{step}" not in template`: what is said may be about the place.
    """
    return re.search(rf"\.format\([^()]*\b{name}=|(?<![fF])([\"'])\{{{name}\}}\1", file.text) is not None


def _pieces(node: tree.Node | None) -> Iterator[tree.Literal]:
    """The written texts of a message, also those that stand beside others."""
    match node:
        case tree.Literal(kind="string"):
            yield node
        case tree.Format(parts=parts):
            yield from (part for part in parts if isinstance(part, tree.Literal))
        case tree.Binary(op="+", left=left, right=right):
            yield from _pieces(left)
            yield from _pieces(right)


def _names_around(file: SourceFile, line: int) -> set[str]:
    """Parameters and locals of the functions around a line, and the errors that handlers around it name."""
    around = functions_at(file.facts, line)
    bound = {e.path for f in around for e in f.effects if e.op == "bind" and _may_come_before(f, e, line)}
    caught = {h.name for h in nodes(file.tree, tree.Handler) if h.name and h.line <= line <= h.end_line}
    return bound | caught | {param.name for f in around for param in f.params}


def _may_come_before(function: Function, effect: Effect, line: int) -> bool:
    """Is it done above the line, or in a round of a loop around both?"""
    return effect.line <= line or any(
        region.kind == "loop" and region.line <= line <= region.end_line and effect.line <= region.end_line
        for region in function.regions
    )


def _report(facts: FileFacts, slip: _Slip) -> Report:
    is_in_stub = any(function.shape == "raise" for function in functions_at(facts, slip.at.line))
    doubt = "the function is there only to say that nobody is to call it" if is_in_stub else slip.doubt
    return Report(
        place_of(slip.at),
        qualname_at(facts, slip.at.line),
        slip.message,
        (Step("", slip.at.line, slip.message),),
        confidence="low" if doubt else "high",
        reason=doubt or "whoever reads the message needs the values",
        subject=slip.subject or slip.message,
        fix=slip.fix,
        data=slip.edit,
        mechanism=f"text_without_values.{slip.mechanism}",
    )
