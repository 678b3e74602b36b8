"""`llmlint lsp`."""

from __future__ import annotations

import click

from llmlint.commands.common import wrong_use


@click.command()
def lsp() -> None:
    """Serve an editor over standard input and output."""
    try:
        from llmlint.editor.server import server
    except ModuleNotFoundError as missing:
        from llmlint.installed import installed_from

        wrong_use(f"`llmlint lsp` needs {missing.name}: pip install '{installed_from().requirement('lsp')}'")
    server.start_io()
