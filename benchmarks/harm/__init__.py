"""Harm on purpose: every system call that writes fails or is the last one, and live scans are killed."""
