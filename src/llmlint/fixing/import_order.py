"""Where a new import goes: among its like and in their order, as isort and ruff have it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import libcst as cst
from libcst.codemod import CodemodContext
from libcst.codemod.visitors import AddImportsVisitor

_FUTURE, _STANDARD, _OTHER = range(3)


def with_import(module: cst.Module, source: str, name: str) -> cst.Module:
    """The module with `from source import name`, of the standard library, among its imports."""
    imports = list(_imports(module))
    same = next((at for at, _, kind, found in imports if (kind, found) == ("from", source)), None)
    if not imports:
        return _left_to_libcst(module, source, name)
    if same is not None:
        return _merged(module, same, source, name)
    ours = (_STANDARD, "from", source)
    below = [(at, section) for at, section, kind, found in imports if (section, kind, found) > ours]
    new = cst.parse_statement(f"from {source} import {name}\n", config=module.config_for_parsing)
    body = list(module.body)
    if not below:
        body.insert(imports[-1][0] + 1, new)
        return module.with_changes(body=body)
    at, section = below[0]
    follows_its_like = any(before < at and other == _STANDARD for before, other, _, _ in imports)
    if section == _STANDARD or not follows_its_like:
        next_one = body[at]
        lines = next_one.leading_lines if isinstance(next_one, cst.SimpleStatementLine) else ()
        if any(line.comment for line in lines):  # it speaks of the import that it stands above
            return _left_to_libcst(module, source, name)
        new = new.with_changes(leading_lines=lines)
        apart = [] if section == _STANDARD else [cst.EmptyLine(indent=False)]
        body[at] = next_one.with_changes(leading_lines=apart)
    body.insert(at, new)
    return module.with_changes(body=body)


def _merged(module: cst.Module, at: int, source: str, name: str) -> cst.Module:
    """One more name in an import that is there, in order; one laid out over lines is left to libcst."""
    match module.body[at]:
        case cst.SimpleStatementLine(body=[cst.ImportFrom(names=[*names], lpar=None) as statement]):
            alone = [alias.with_changes(comma=cst.MaybeSentinel.DEFAULT) for alias in names]
            known = {alias.evaluated_name: alias for alias in [*alone, cst.ImportAlias(cst.Name(name))]}
            wider = statement.with_changes(names=[known[key] for key in sorted(known)])
            return module.with_deep_changes(statement, names=wider.names)
    return _left_to_libcst(module, source, name)


def _left_to_libcst(module: cst.Module, source: str, name: str) -> cst.Module:
    context = CodemodContext()
    AddImportsVisitor.add_needed_import(context, source, name)
    return AddImportsVisitor(context).transform_module(module)


def _imports(module: cst.Module) -> Iterator[tuple[int, int, str, str]]:
    """(index, section, "from" or "a plain one", module) of each import at the top level."""
    for at, statement in enumerate(module.body):
        match statement:
            case cst.SimpleStatementLine(body=[cst.ImportFrom(module=found, relative=dots)]):
                name = "." * len(dots) + (module.code_for_node(found) if found is not None else "")
                yield at, _section(name), "from", name
            case cst.SimpleStatementLine(body=[cst.Import(names=[first, *_])]):
                name = module.code_for_node(first.name)
                yield at, _section(name), "a plain one", name


def _section(module: str) -> int:
    top = module.partition(".")[0]
    return _FUTURE if top == "__future__" else _STANDARD if top in sys.stdlib_module_names else _OTHER
