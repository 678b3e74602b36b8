"""Found by Python's start-up, as this folder is on PYTHONPATH: starts the tracer, then runs the real one, if any."""

import importlib.machinery
import importlib.util
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))


def _start_tracer() -> None:
    """The tracer goes under a name of its own: the program may have its own copy of llmlint."""
    if not os.environ.get("LLMLINT_TRACE") or "_llmlint_dynamic" in sys.modules:
        return
    folder = os.path.dirname(_HERE)
    spec = importlib.util.spec_from_file_location(
        "_llmlint_dynamic", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        return
    package = importlib.util.module_from_spec(spec)
    sys.modules["_llmlint_dynamic"] = package
    spec.loader.exec_module(package)
    importlib.import_module("_llmlint_dynamic.start").start()


def _run_the_shadowed_one() -> None:
    elsewhere = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", elsewhere)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


try:
    _start_tracer()
except Exception:  # the program must start whatever happens here
    sys.modules.pop("_llmlint_dynamic", None)
sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != _HERE]
_run_the_shadowed_one()
