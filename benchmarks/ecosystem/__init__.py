"""What a change of llmlint adds to and removes from what is found in real engines."""
