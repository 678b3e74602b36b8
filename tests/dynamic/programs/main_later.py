"""Loaded at its first use."""

print("its body runs")


def later(value: int) -> int:
    return value + 1
