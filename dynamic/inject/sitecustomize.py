"""Found by Python's start-up, as this folder is on PYTHONPATH: starts the tracer, then runs the real one, if any.

Every Python of the run comes here, however old: so this file is written in the Python of all of them.
"""

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))

try:
    if sys.version_info >= (3, 10):
        import llmlint_waits  # type: ignore[import-not-found]

        llmlint_waits.begin()
    elif os.environ.get("LLMLINT_TRACE"):
        _version = sys.version.split()[0]
        _note = os.path.join(os.environ["LLMLINT_TRACE"], "failed-python-%s.txt" % _version)
        _file = os.open(_note, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(_file, ("Python %s is too old to be traced, which takes 3.10" % _version).encode())
        os.close(_file)
except Exception:  # the program must start whatever happens here
    pass

sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
_ours = sys.modules.pop("sitecustomize")
try:
    import sitecustomize  # type: ignore[import-not-found]  # the one that this stands before
except ImportError as _error:
    if not str(_error).strip("'").endswith("sitecustomize"):
        raise
    sys.modules["sitecustomize"] = _ours
