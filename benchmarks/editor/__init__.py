"""How long an editor waits for diagnostics while one types."""
