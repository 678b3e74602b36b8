"""Trees made to break a linter: what they hold is made from a seed, and what must hold is looked at from outside."""
