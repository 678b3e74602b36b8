"""What reading a file can end in."""


class Unreadable(Exception):
    """A file that gives no tree; the text says why, in a form fit for the report."""
