"""The parts without a bug."""
