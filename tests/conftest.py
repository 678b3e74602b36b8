"""What all tests share."""

from hypothesis import settings

# A busy machine is no reason for a test to fail.
settings.register_profile("llmlint", deadline=None)
settings.load_profile("llmlint")
