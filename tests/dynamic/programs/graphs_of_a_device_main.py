"""Records a graph, or none, and runs it."""

import sys

import graphs_of_a_device
import torch

runner = graphs_of_a_device.Runner()
if sys.argv[1] == "record":
    runner.record()
    for number in range(5):
        runner.run(torch.full((4,), float(number)))
print("done")
