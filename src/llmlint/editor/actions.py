"""What can be done about a finding: fix it, fix all that is safe, ignore it with a reason, explain it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types
from pygls.workspace import TextDocument

from llmlint.editor.translate import diagnostic_of, ignoring
from llmlint.findings import Finding
from llmlint.fixing import is_fixable

EXPLAIN = "llmlint.explain"
FIX_ALL = "source.fixAll.llmlint"
KINDS: list[types.CodeActionKind | str] = [types.CodeActionKind.QuickFix, FIX_ALL]

Actions = Iterator[types.CodeAction | types.Command]


def wants(context: types.CodeActionContext, kind: str) -> bool:
    """Is this kind among those that the client asks for, by itself or as part of a larger one?"""
    return context.only is None or any(kind == one or kind.startswith(one + ".") for one in context.only)


def for_all(uri: str, findings: Sequence[Finding]) -> Actions:
    """One for everything in a file that can be mended without a look."""
    if any(is_fixable(finding, unsafe=False) for finding in findings):
        yield types.CodeAction("Fix all that is safe (llmlint)", FIX_ALL, data={"uri": uri, "fingerprint": ""})


def for_one(document: TextDocument, finding: Finding, asks_for_reason: bool) -> Actions:
    about = [diagnostic_of(finding, document.lines, document.position_codec)]
    kind = types.CodeActionKind.QuickFix
    if is_fixable(finding):
        data = {"uri": document.uri, "fingerprint": finding.fingerprint}
        yield types.CodeAction(f"Fix: {finding.fix}", kind, diagnostics=about, data=data)
    edit = _ignore_edit(document, finding, asks_for_reason)
    yield types.CodeAction(f"Ignore {finding.rule} here", kind, diagnostics=about, edit=edit)
    yield types.Command(f"Explain {finding.rule} {finding.name}", EXPLAIN, arguments=[finding.rule])


def _ignore_edit(document: TextDocument, finding: Finding, asks_for_reason: bool) -> types.WorkspaceEdit:
    """With the cursor at the reason where the client can do that, else with a reason that asks to be replaced."""
    if not asks_for_reason:
        return types.WorkspaceEdit({document.uri: [ignoring(finding, document.lines, "TODO: why")]})
    edit = ignoring(finding, document.lines, "${1:why}")
    snippet = types.SnippetTextEdit(edit.range, types.StringValue(edit.new_text))
    versioned = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(versioned, [snippet])])
