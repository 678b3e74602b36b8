"""The core under the rules: control flow, conditions, paths, and what calling a function amounts to."""
