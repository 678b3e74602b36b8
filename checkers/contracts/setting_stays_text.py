"""LLM916: a setting whose default is a number, and which is a text as soon as somebody sets it.

`os.environ.get("SLOTS", 8)` is 8 or "16", and so is an option of `argparse` without `type=` (docs.python.org/3/library/
os.html: environ holds strings; argparse.html: by default, the parser reads command-line arguments in as simple
strings). Told where the file counts, compares or waits with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.whereabouts import functions_at, innermost_at, place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_SIEVE = ("getenv", "environ", "argparse")
_ENVIRONMENT = "environment"
_COMMAND_LINE = "option"
_ASKS = frozenset({"os.environ.get", "os.getenv", "environ.get", "getenv"})
_CONVERTS = frozenset({"int", "float", "bool", "str", "eval", "literal_eval", "loads", "Decimal", "isinstance", "type"})
_COUNTS = frozenset(
    {"range", "sleep", "min", "max", "abs", "round", "manual_seed", "islice", "Semaphore", "zeros", "ones"}
)
_NEEDS = frozenset({"timeout", "seconds", "minutes", "milliseconds", "num_threads", "backlog"})
"""Arguments that libraries count with as they are: requests, httpx, datetime, asyncio, socket."""
_MADE_WITH = frozenset({"chunk_size", "chunk_overlap", "max_workers", "num_workers", "maxsize"})
"""The same of classes: splitters of texts, executors, loaders, queues. Others may check what they are given (pydantic),
and take a text for a number."""
_NUMBERS = frozenset({"int", "float"})
_ARITHMETIC = frozenset({"-", "*", "/", "//", "**", "<<", ">>", "+"})
_ORDERS = frozenset({"<", ">", "<=", ">="})
_USUAL = "args"
_PARSES = frozenset({"parse_args", "parse_known_args"})
_READS_AS_TYPED = frozenset({"type", "action", "nargs"})


class _Setting(NamedTuple):
    """`paths` are how the file speaks of it; none where it goes straight into what uses it."""

    at: tree.Call
    name: str
    number: str
    paths: frozenset[str]
    kind: str


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language != "python" or not any(word in file.text for word in _SIEVE):
        return
    settings = [*_of_environment(file), *_of_command_line(file)]
    parents = _parents(file) if settings else {}
    for setting in settings:
        above = parents.get(id(setting.at))
        if setting.kind == _ENVIRONMENT and isinstance(above, tree.Assign) and len(above.targets) == 1:
            setting = setting._replace(paths=frozenset({tree.path_of(above.targets[0])}))
        uses = list(_speaking_of(file, setting)) if setting.paths else [setting.at]
        if any(_is_converted(node, parents) for node in uses):
            continue
        needs = next((node for node in uses if _needs_number(node, parents)), None)
        if needs is not None:
            yield _report(file, setting, needs)


def _parents(file: SourceFile) -> dict[int, tree.Node]:
    parents: dict[int, tree.Node] = {}
    for node in tree.walk(file.tree):
        for below in tree.children(node):
            parents[id(below)] = node
    return parents


def _of_environment(file: SourceFile) -> Iterator[_Setting]:
    for call in nodes(file.tree, tree.Call):
        if len(call.args) == 2 and tree.path_of(call.function) in _ASKS and (number := _number(call.args[1])):
            name = call.args[0].text if isinstance(call.args[0], tree.Literal) else "the variable"
            yield _Setting(call, name, number, frozenset(), _ENVIRONMENT)


def _of_command_line(file: SourceFile) -> Iterator[_Setting]:
    parsed = {_USUAL, *_parsed(file)}
    for call in nodes(file.tree, tree.Call):
        if not isinstance(call.function, tree.Attribute) or call.function.name != "add_argument" or not call.args:
            continue
        given = {keyword.name: keyword.value for keyword in call.keywords}
        number = _number(given["default"]) if "default" in given else ""
        is_text = not _READS_AS_TYPED & given.keys() or (
            given.keys() & _READS_AS_TYPED == {"type"} and tree.path_of(given["type"]) == "str"
        )
        names = [arg.text for arg in call.args if isinstance(arg, tree.Literal)]
        long = next((name for name in names if name.startswith("--")), "")
        if number and is_text and long and "dest" not in given:
            option = long.removeprefix("--").replace("-", "_")
            yield _Setting(call, long, number, frozenset(f"{name}.{option}" for name in parsed), _COMMAND_LINE)


def _parsed(file: SourceFile) -> Iterator[str]:
    """The names of what a parser made of the command line."""
    for assign in nodes(file.tree, tree.Assign):
        if isinstance(assign.value, tree.Call) and last_name(tree.path_of(assign.value.function)) in _PARSES:
            yield from (tree.path_of(target) for target in assign.targets)


def _number(node: tree.Node) -> str:
    inner = node.operand if isinstance(node, tree.Unary) and node.op == "-" else node
    return inner.text if isinstance(inner, tree.Literal) and inner.kind in ("int", "float") else ""


def _speaking_of(file: SourceFile, setting: _Setting) -> Iterator[tree.Node]:
    """Where the file names it, in the function where it is set or, for a name of the module or the object, anywhere."""
    home = innermost_at(file.facts, setting.at.line)
    for node in (*nodes(file.tree, tree.Name), *nodes(file.tree, tree.Attribute)):
        path = tree.path_of(node)
        if path not in setting.paths:
            continue
        is_plain = isinstance(node, tree.Name)
        if is_plain and home is not None and home not in functions_at(file.facts, node.line):
            continue
        if not (is_plain and home is None and _is_another(file, path, node.line)):
            yield node


def _is_another(file: SourceFile, name: str, line: int) -> bool:
    """Has a function around the line a parameter or a local of that name?"""
    around = functions_at(file.facts, line)
    return any(param.name == name for f in around for param in f.params) or any(
        effect.op == "bind" and effect.path == name for f in around for effect in f.effects
    )


def _is_converted(node: tree.Node, parents: dict[int, tree.Node]) -> bool:
    above = parents.get(id(node))
    if isinstance(above, tree.Logic | tree.Conditional | tree.Keyword):
        above = parents.get(id(above))
    return (
        isinstance(above, tree.Call)
        and above.function is not node
        and last_name(tree.path_of(above.function)) in _CONVERTS
    )


def _needs_number(node: tree.Node, parents: dict[int, tree.Node]) -> bool:
    match parents.get(id(node)):
        case tree.Binary(op=op, left=left, right=right) if op in _ARITHMETIC:
            return not _is_text(right if left is node else left)
        case tree.Compare(operands=operands, ops=ops):
            others = [one for one in operands if one is not node]
            ordered = bool(set(ops) <= _ORDERS) and not any(map(_is_text, others))
            return ordered or (set(ops) <= {"==", "!="} and any(map(_number, others)))
        case tree.Call(function=function, args=args) if any(one is node for one in args):
            return last_name(tree.path_of(function)) in _COUNTS
        case tree.Keyword(name=name) as keyword:
            call = parents.get(id(keyword))
            made = isinstance(call, tree.Call) and last_name(tree.path_of(call.function))[:1].isupper()
            return name in (_MADE_WITH if made else _NEEDS | _MADE_WITH)
        case tree.Parameter(annotation=tree.Name(id=kind)):
            return kind in _NUMBERS
        case tree.Slice():
            return True
    return False


def _is_text(node: tree.Node) -> bool:
    return isinstance(node, tree.Format) or (isinstance(node, tree.Literal) and node.kind == "string")


def _report(file: SourceFile, setting: _Setting, needs: tree.Node) -> Report:
    is_option = setting.kind == _COMMAND_LINE
    how = f"given as {setting.name}, it is a text" if is_option else f"when {setting.name} is set, it is a text"
    needed = (Step("", needs.line, "a number is needed here"),) if needs is not setting.at else ()
    return Report(
        place_of(setting.at),
        qualname_at(file.facts, setting.at.line),
        f"the default is the number {setting.number}, but {how}, and line {needs.line} needs a number",
        (Step("", setting.at.line, f"{setting.number} unless it is set"), *needed),
        confidence="low" if is_option else "medium",
        reason="nothing in the file makes a number of it",
        subject=setting.name,
        fix="type=int, or float" if is_option else "int(…), or float(…), around it",
        mechanism=f"setting_stays_text.{setting.kind}",
    )
