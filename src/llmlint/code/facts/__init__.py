"""Tree to facts: what each function does, by file and cached by content."""
