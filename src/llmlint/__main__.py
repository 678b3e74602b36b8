"""`python -m llmlint`."""

import os
import sys

if __name__ == "__main__":
    if not sys.flags.safe_path and sys.path[0] == os.getcwd():  # the folder that is scanned is none to import from
        del sys.path[0]
    from llmlint.cli import main

    main()
