"""How good the linter is: recall on real fixed bugs, precision as read by people, and speed."""
