"""Small programs with ordinary bugs, written by somebody who had not seen the rules."""
