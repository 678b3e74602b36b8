"""`llmlint issues`: what a project's bug reports say, from its issue tracker to a table."""
