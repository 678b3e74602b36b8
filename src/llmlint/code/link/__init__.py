"""Facts to program: names, modules, types, dispatch and calls."""
