"""Every attempt to break llmlint, tried again by one command."""
