"""Runs the steps of `stepping.py`."""

import os
import sys

import stepping


def main() -> None:
    engine = stepping.Heap()
    if "torch" in os.environ.get("BUGS", ""):
        import torch

        engine = stepping.Masks(torch) if "masks" in os.environ["BUGS"] else stepping.Model(torch)
    for number in range(int(sys.argv[1])):
        engine.step(number)
    print("done")


main()
