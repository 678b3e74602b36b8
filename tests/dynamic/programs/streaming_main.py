"""Runs the steps of `streaming.py`."""

import streaming

experts = streaming.Experts()
for number in range(20):
    experts.step(number)
print("done")
