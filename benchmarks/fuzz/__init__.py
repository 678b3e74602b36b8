"""Fuzzers of everything that reads what a tree, a cache or a run brings."""
