"""`python -m benchmarks.fuzz.guided --target reader --seconds 600`: inputs that reach new code are kept, bent again.

atheris, which has to be installed for it, watches which branches of llmlint an input takes. What fails is told once for
each place it fails at, and left as a file beside the corpus; a later run goes on with the corpus of the last.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import platformdirs

STATE = Path(platformdirs.user_cache_dir("llmlint-benchmarks"), "guided")
_HANGS = 20


def targets_and_seeds() -> dict[str, tuple[Callable[[bytes], object], list[bytes]]]:
    """What each target does with some bytes, and the inputs to begin with."""
    import msgspec

    from benchmarks.fuzz import inputs, targets
    from llmlint.baseline import Baseline
    from llmlint.catalogue import load_catalogue
    from llmlint.ignores import Patterns
    from llmlint.reading import encode_record, read_bytes
    from llmlint.vocabulary_file import load_vocabulary

    python, cpp = list(inputs.sources("python")), list(inputs.sources("cpp"))
    records = [encode_record(read_bytes(one, "python", load_vocabulary(None), load_catalogue())) for one in python[:40]]
    settings = [inputs.settings_text(random.Random(number)) for number in range(200)]

    def patterns(data: bytes) -> None:
        *lines, path = data.decode("utf-8", "surrogateescape").split("\n")
        Patterns(lines).matches(path)

    return {
        "reader": (lambda data: targets.is_read("python", data), python),
        "cpp": (lambda data: targets.is_read("cuda", data), cpp),
        "program": (lambda data: targets.is_judged([("python", data)]), python),
        "program-cpp": (lambda data: targets.is_judged([("cuda", data)]), cpp),
        "settings": (targets.are_settings, settings),
        "ignore_files": (patterns, [b"*.py\n!a.py\na.py", b"a/**/b\n[!a-z]*\na/x/b", b"**/[[:alpha:]]\\ \n/a/\na"]),
        "baselines": (targets.is_baseline_or_refused, [msgspec.json.encode(Baseline(1, ()))]),
        "records": (targets.is_record_or_refused, records),
        "comments": (lambda data: targets.loses_only_comments("python", data), python),
    }


class Watching:
    """Runs a target and keeps one input for each place that fails."""

    def __init__(self, target: Callable[[bytes], object], folder: Path) -> None:
        self._target, self._folder = target, folder
        self.places: dict[str, str] = {}
        self.inputs = 0

    def __call__(self, data: bytes) -> None:
        self.inputs += 1
        signal.alarm(_HANGS)
        try:
            self._target(data)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
            if place not in self.places:
                self.places[place] = str(error)[:200]
                file = self._folder / f"failed-{len(self.places)}"
                file.write_bytes(data)
                print(f"{file}: {place}: {str(error)[:200]}", flush=True)
        finally:
            signal.alarm(0)


def _hang(*_: object) -> None:
    raise TimeoutError(f"no end within {_HANGS} s")


def main() -> None:
    import atheris

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", default="reader")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--state", type=Path, default=STATE)
    asked = parser.parse_args()
    with atheris.instrument_imports(include=["llmlint"]):
        import llmlint.scan  # noqa: F401

        target, seeds = targets_and_seeds()[asked.target]
        for seed in seeds[:5]:  # what is imported when it is needed first
            target(seed)
    corpus = asked.state / asked.target / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    signal.signal(signal.SIGALRM, _hang)
    watching = Watching(target, corpus.parent)
    limits = [f"-max_total_time={asked.seconds}", "-max_len=20000", "-rss_limit_mb=4000", f"-timeout={3 * _HANGS}"]
    atheris.Setup([sys.argv[0], str(corpus), *limits], watching)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
