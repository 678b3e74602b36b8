"""Recall on real bugs: each case is a commit before a fix, the fix, and the place where a linter should point."""
