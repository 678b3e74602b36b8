"""What a fix added, and which other places look as the fixed one did before."""
