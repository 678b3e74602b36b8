"""One module a command, imported when it is called: see the table in `cli.py`."""
