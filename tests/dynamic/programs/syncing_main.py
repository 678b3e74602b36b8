"""Runs the steps of `syncing.py`."""

import sys

import syncing

runner = getattr(syncing, sys.argv[1])()
for number in range(int(sys.argv[2])):
    runner.step(number)
print("done")
