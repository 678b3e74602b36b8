"""llmlint in an editor: a language server (`llmlint lsp`) and what it keeps in memory to answer while one types."""
