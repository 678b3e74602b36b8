"""Bytes to tree: one small set of node kinds for Python, C, C++ and CUDA."""
