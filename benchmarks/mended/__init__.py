"""What maintainers mend in small: the edits that many projects' histories share, and how many of them are told."""
