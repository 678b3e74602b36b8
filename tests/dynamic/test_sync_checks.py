"""What torch's check for waits and vLLM's write, joined to findings.

The logs come from real Python: warnings as its own module writes them, and tracebacks of programs that raise as the two
checks do (torch's `warn_or_error_on_sync`, vLLM's `with_gpu_sync_check`); no GPU has made them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import msgspec
from tracing import finding

from llmlint.findings import Finding
from llmlint.runtime.block import Block
from llmlint.runtime.sync_checks import Wait, read_log, with_waits

TEXT = "called a synchronizing CUDA operation"
ENGINE = """\
from torch.tensor import item


def pick(logits):
    return item(logits)


def step(logits):
    return pick(logits)
"""
TENSOR = f"""\
def item(value):
    raise RuntimeError("{TEXT}")
"""
WARNED = TENSOR.replace("raise RuntimeError(", "import warnings\n    warnings.warn(").replace('")', '", stacklevel=2)')
CHECK = f"""\
import warnings

REFUSED = "GPU<->CPU sync detected - avoid it or wrap with gpu_sync_allowed()"


def by_mode(step):
    def checked(*args):
        try:
            return step(*args)
        except RuntimeError as error:
            if str(error) == "{TEXT}":
                raise RuntimeError(REFUSED) from error
            raise
    return checked


def by_hook(step):
    def raising(*args):
        raise RuntimeError(REFUSED)

    warnings.showwarning = raising
    return step
"""
LOGGED = "(EngineCore pid=18850) ERROR 08-15 07:10:27 [core.py:1346] "


def log_of(folder: Path, check: str, tensor: str) -> str:
    """What a step under one of the checks leaves behind, as a logger writes it."""
    library = folder / "site-packages" / "torch"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("")
    (library / "tensor.py").write_text(tensor)
    (folder / "engine.py").write_text(ENGINE)
    (folder / "gpu_sync_debug.py").write_text(CHECK)
    run = f"import engine, gpu_sync_debug\ngpu_sync_debug.{check}(engine.step)(3)"
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", run],
        env={"PYTHONPATH": f"{folder}:{folder / 'site-packages'}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    return "".join(f"{LOGGED}{line}\n" for line in done.stderr.splitlines())


def sync(line: int, path: str = "src/engine.py") -> Finding:
    return finding("sync-in-hot-path", Block(), path, line=line)


def test_the_line_is_told_that_waits_and_neither_torch_nor_the_check(tmp_path: Path) -> None:
    for check, tensor in (("by_mode", TENSOR), ("by_hook", WARNED)):
        log = log_of(tmp_path / check, check, tensor)
        assert read_log(log) == [Wait(str(tmp_path / check / "engine.py"), 5, True)], log


def test_a_check_that_raised_in_a_step_confirms(tmp_path: Path) -> None:
    waits = read_log(log_of(tmp_path / "src", "by_mode", TENSOR))
    found, unknown = with_waits([sync(5), sync(9)], waits, ["engine.log"])
    assert [one.verdict and one.verdict.status for one in found] == ["confirmed", None]
    assert found[0].confidence == "certain" and found[0].verdict is not None
    assert found[0].verdict.evidence == (f"{tmp_path / 'src' / 'engine.py'}:5 waited, 1 time",)
    assert unknown == []


def test_a_warning_alone_is_suspicious_until_it_has_come_as_often_as_a_step_does() -> None:
    line = warnings.formatwarning(f"{TEXT} (Triggered internally at c10.)", UserWarning, "/opt/src/engine.py", 5)
    for times, status in ((1, "suspicious"), (8, "confirmed")):
        (found,), _ = with_waits([sync(5)], read_log(line * times), ["engine.log"])
        assert found.verdict is not None and found.verdict.status == status


def test_other_errors_and_other_rules_have_no_part_in_it(tmp_path: Path) -> None:
    failed = 'Traceback (most recent call last):\n  File "/opt/src/engine.py", line 5, in pick\nValueError: no logits\n'
    assert read_log(failed) == []
    waits = [Wait("/opt/src/engine.py", 5, True)]
    other = finding("unbounded-cache", Block(), "src/engine.py", line=5)
    found, unknown = with_waits([other, sync(5, "src/other.py")], waits, [])
    assert [one.verdict for one in found] == [None, None] and unknown == ["/opt/src/engine.py:5"]


def test_confirm_takes_such_a_log_without_a_run(tmp_path: Path) -> None:
    (tmp_path / "engine.log").write_text(log_of(tmp_path / "src", "by_mode", TENSOR))
    document = {
        "schema_version": 1, "tool": {"name": "llmlint", "version": "0", "rules": []}, "problems": [],
        "findings": [msgspec.to_builtins(sync(5))], "timings": {},
        "files": {"scanned": 1, "skipped": 0, "failed": 0, "lines": 10},
    }  # fmt: skip
    (tmp_path / "findings.json").write_text(json.dumps(document))
    command = [sys.executable, "-m", "llmlint", "confirm", "findings.json", "--sync-log", "engine.log"]
    done = subprocess.run([*command, "--format", "json"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert json.loads(done.stdout)["findings"][0]["verdict"]["status"] == "confirmed", done.stderr
