"""Mutants: bugs planted into correct code of engines that no rule was tuned on, and how many of them are found."""
