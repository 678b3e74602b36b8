"""Edits of one expression or statement, each at the place of its finding.

`snapshot`     line of the loop            it walks a list of what it walks
`ask_done`     True                        the future there is set only if it is not done
`await_sleep`  True                        a sleep of the thread becomes one of the coroutine
`hand_on`      name of a parameter         the call is given it under its name
`format`       number of values            they are formatted into the text before the exception is made
`f_before`     True                        the text becomes an f-string
`give_back`    True                        the function's last statement, a call, is returned
"""

from __future__ import annotations

from functools import partial
from typing import Any

import libcst as cst
from libcst import matchers

from llmlint.findings import Finding
from llmlint.fixing.edits import Edits, with_argument

_SETTING = matchers.Attribute(attr=matchers.Name("set_result") | matchers.Name("set_exception"))
_TIME_SLEEP = matchers.Attribute(value=matchers.Name("time"), attr=matchers.Name("sleep"))


def walk_a_snapshot(edits: Edits, finding: Finding) -> bool:
    walked = next((loop.iter for loop in edits.at_line(cst.For, finding.data["snapshot"])), None)
    if walked is None:
        return False
    edits.change(walked, lambda updated: cst.Call(cst.Name("list"), [cst.Arg(updated)]))
    return True


def ask_done_first(edits: Edits, finding: Finding) -> bool:
    function = edits.function_at(finding.line)
    statement = edits.statement_at(finding.line, function) if function else None
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=cst.Attribute(value=future) as setting))]):
            if not matchers.matches(setting, _SETTING) or matchers.findall(future, matchers.Call()):
                return False  # what is called to get it would be called twice
            edits.change(statement, lambda updated: _only_if_not_done(updated, future))
            return True
    return False


def _only_if_not_done(statement: cst.SimpleStatementLine, future: cst.BaseExpression) -> cst.If:
    asked = cst.UnaryOperation(cst.Not(), cst.Call(cst.Attribute(future, cst.Name("done"))))
    body = cst.IndentedBlock([statement.with_changes(leading_lines=())])
    return cst.If(asked, body, leading_lines=statement.leading_lines)


def await_the_sleep(edits: Edits, finding: Finding) -> bool:
    """Only where asyncio is imported as such: nobody else's way of waiting is guessed."""
    function = edits.function_at(finding.line)
    statement = edits.statement_at(finding.line, function) if function and function.asynchronous else None
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=called) as call)]):
            if not matchers.matches(called, _TIME_SLEEP) or not edits.imports("asyncio"):
                return False
            of_coroutine = cst.parse_expression("asyncio.sleep")
            edits.change(call, lambda updated: cst.Await(updated.with_changes(func=of_coroutine)))
            return True
    return False


def hand_on(edits: Edits, finding: Finding) -> bool:
    name = finding.data["hand_on"]
    call = edits.call_at(finding.line, finding.column - 1)
    if call is None or any(arg.star or (arg.keyword and arg.keyword.value == name) for arg in call.args):
        return False
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    given = cst.Arg(cst.Name(name), cst.Name(name), equal=tight)
    edits.change(call, lambda updated: with_argument(updated, given))
    return True


def format_the_text(edits: Edits, finding: Finding) -> bool:
    text = edits.text_at(finding.line, finding.column - 1)
    call = edits.call_given(text) if text else None
    if call is None or any(arg.star or arg.keyword for arg in call.args):
        return False
    if len(call.args) != finding.data["format"] + 1:
        return False
    edits.change(call, _with_values_in_the_text)
    return True


def _with_values_in_the_text(call: cst.Call) -> cst.Call:
    text, *values = call.args
    elements = [cst.Element(value.value) for value in values]
    if len(elements) == 1:
        elements = [elements[0].with_changes(comma=cst.Comma())]
    formatted = cst.BinaryOperation(text.value, cst.Modulo(), cst.Tuple(elements))
    last = values[-1]
    kept = {"comma": last.comma, "whitespace_after_arg": last.whitespace_after_arg}
    return call.with_changes(args=[text.with_changes(value=formatted, **kept)])


def put_an_f_before(edits: Edits, finding: Finding) -> bool:
    text = edits.text_at(finding.line, finding.column - 1)
    parts = [part for part in edits.parts_of(text) if "{" in part.value] if text else []
    formatted = [_as_f_string(part) for part in parts]
    if not formatted or None in formatted:
        return False
    for part, new in zip(parts, formatted, strict=True):
        edits.change(part, partial(_replaced, by=new))
    return True


def _replaced(_: cst.SimpleString, by: cst.FormattedString | None) -> cst.FormattedString | None:
    return by


def _as_f_string(text: cst.SimpleString) -> cst.FormattedString | None:
    """None where braces are meant, or it would be another kind of text."""
    if text.prefix not in ("", "r", "R") or "{{" in text.value or "}}" in text.value:
        return None
    try:
        new: Any = cst.parse_expression(f"f{text.value}")
    except cst.ParserSyntaxError:
        return None
    return new if isinstance(new, cst.FormattedString) else None


def give_back(edits: Edits, finding: Finding) -> bool:
    function = edits.function_at(finding.line)
    statement = edits.statement_at(finding.line, function) if function else None
    if function is None or statement is None or statement is not function.body.body[-1]:
        return False  # what comes behind it would not be done any more
    match statement.body[0]:
        case cst.Expr(value=called) as call:
            edits.change(call, lambda _: cst.Return(called))
            return True
    return False
