"""Precision: how many of the findings shown on today's real code are real, as a person reads them."""
