"""A leak that llama.cpp had (ggml-org/llama.cpp#21592), found by a scan and confirmed by a run of llama.cpp's own test.

    python -m benchmarks.dynamic.engines.native_real --workdir DIR

The source is that of llama-cpp-python 0.3.16. ggml is built as it was and with the line that mended it; each is
scanned, and its `test-opt` run traced and confirmed. Ends with 1 when the leak was not found and confirmed, when
anything was confirmed of the mended one, or when a traced run did not do as the untraced one. Needs cmake and g++.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from .__main__ import RESULTS
from .native import run
from .report import without_paths
from .runs import LLMLINT, alike

PACKAGE = "llama-cpp-python==0.3.16"
FILE = "ggml/src/ggml-opt.cpp"
WAS = "    ggml_free(opt_ctx->ctx_cpu);\n    delete opt_ctx;\n"
MENDED = "    ggml_free(opt_ctx->ctx_cpu); ggml_free(opt_ctx->ctx_copy);\n    delete opt_ctx;\n"
"""The fix, on a line that was there, so that the finding still names the right ones."""
SWITCHED_OFF = ("GGML_NATIVE", "GGML_OPENMP", "LLAMA_CURL", *(f"LLAMA_BUILD_{part}" for part in (
    "COMMON", "TESTS", "EXAMPLES", "TOOLS", "SERVER")))  # fmt: skip


def source(folder: Path) -> Path:
    """llama.cpp's tree, from the package's source distribution."""
    tree = folder / "llama.cpp"
    if not tree.exists():
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", PACKAGE]
        subprocess.run(pip, cwd=folder, check=True)
        with tarfile.open(next(folder.glob("llama_cpp_python-*.tar.gz"))) as archive:
            archive.extractall(folder, filter="data")
        (next(folder.glob("llama_cpp_python-*/")) / "vendor" / "llama.cpp").rename(tree)
    return tree


def build(tree: Path, folder: Path) -> None:
    """ggml with its debug information, as a release has it, and llama.cpp's test of its optimiser."""
    off = [f"-D{name}=OFF" for name in SWITCHED_OFF]
    settings = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DBUILD_SHARED_LIBS=ON", *off]
    subprocess.run(["cmake", "-S", tree, "-B", folder / "build", *settings], check=True, stdout=subprocess.DEVNULL)
    make = ["cmake", "--build", folder / "build", "-j2", "--target", "ggml"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    libraries = folder / "build" / "bin"
    linked = ["-L", libraries, f"-Wl,-rpath,{libraries}", "-lggml", "-lggml-base", "-lggml-cpu", "-lpthread"]
    test = ["g++", "-g", "-O1", "-I", tree / "ggml" / "include", tree / "tests" / "test-opt.cpp"]
    subprocess.run([*test, "-o", folder / "test-opt", *linked], check=True)


def scanned(tree: Path, report: Path) -> list[dict[str, Any]]:
    scan = ["scan", "ggml/src/ggml-opt.cpp", "--no-cache", "--select", "LLM103,LLM106,LLM108"]
    subprocess.run([*LLMLINT, *scan, "--quiet", "--exit-zero", "--output", f"json:{report}"], cwd=tree, check=True)
    found: list[dict[str, Any]] = json.loads(report.read_text())["findings"]
    return found


def judged(folder: Path, findings: Path, out: Path) -> dict[str, Any]:
    """The verdict on the finding, and whether the test ran as it does untraced."""
    trace = ["trace", "--findings", str(findings), "--out", str(out), "--", "./test-opt"]
    plain, traced = run(folder, ["./test-opt"]), run(folder, [*LLMLINT, *trace])
    report = out.with_suffix(".json")
    subprocess.run([*LLMLINT, "confirm", findings, out, "--quiet", "--output", f"json:{report}"], check=True)
    (verdict,) = (finding["verdict"] for finding in json.loads(report.read_text())["findings"])
    return {"verdict": verdict, "same": alike(plain, traced)}


def account(folder: Path) -> dict[str, Any]:
    tree = source(folder)
    file = tree / FILE
    text = file.read_text().replace(MENDED, WAS)
    if text.count(WAS) != 1:
        raise ValueError(f"{FILE} is another than that of {PACKAGE}")
    shutil.rmtree(folder / "runs", ignore_errors=True)
    (folder / "runs").mkdir()
    told: dict[str, Any] = {"date": datetime.datetime.now(datetime.UTC).date().isoformat()}
    for variant, now in (("as it was", WAS), ("mended", MENDED)):
        file.write_text(text.replace(WAS, now))
        build(tree, folder)
        name = variant.replace(" ", "_")
        found = scanned(tree, folder / "runs" / f"found_{name}.json")
        told[variant] = judged(folder, folder / "runs" / "found_as_it_was.json", folder / "runs" / name)
        told[variant]["found"] = [f"{one['rule']} {one['path']}:{one['line']} {one['message']}" for one in found]
    return told


def wrong(told: dict[str, Any]) -> list[str]:
    """What is not as it must be."""
    found = [] if len(told["as it was"]["found"]) == 1 else ["the scan does not find the leak alone"]
    found += [] if told["as it was"]["verdict"]["status"] == "confirmed" else ["the leak was not confirmed"]
    found += ["something was confirmed of the mended one"] if told["mended"]["verdict"]["status"] == "confirmed" else []
    found += ["the mended one still has a finding"] if told["mended"]["found"] else []
    same = (told[variant]["same"] for variant in ("as it was", "mended"))
    return found + [f"another {what}" for said in same for what, equal in said.items() if not equal]


def as_markdown(told: dict[str, Any]) -> str:
    lines = [
        "# A leak that llama.cpp had",
        "",
        f"`python -m benchmarks.dynamic.engines.native_real --workdir DIR`, {told['date']}: `ggml_opt_free` of the",
        f"llama.cpp in {PACKAGE} frees two contexts of three",
        "([ggml-org/llama.cpp#21592](https://github.com/ggml-org/llama.cpp/pull/21592)).",
        "The program is llama.cpp's own `test-opt`, with debug information and as it is built for a release.",
        "",
        "| ggml | the scan finds | the run |",
        "| --- | --- | --- |",
    ]
    for variant in ("as it was", "mended"):
        one = told[variant]
        said = "; ".join((f"{one['verdict']['status']}: {one['verdict']['summary']}", *one["verdict"]["evidence"]))
        lines.append(f"| {variant} | {'; '.join(one['found']) or 'nothing'} | {said} |")
    failures = wrong(told)
    lines += ["", "Exit status, stdout and stderr were the same traced and untraced."] if not failures else []
    lines += ["", "All that must hold held." if not failures else "Not as it must be: " + "; ".join(failures)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workdir", type=Path, required=True, help="for the source, the builds, the runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    folder = options.workdir.resolve() / "llama_cpp_source"
    folder.mkdir(parents=True, exist_ok=True)
    told = without_paths(account(folder), options.workdir.resolve())
    (options.results / "llama_cpp_real_leak.md").write_text(as_markdown(told))
    print(as_markdown(told))
    sys.exit(int(bool(wrong(told))))


if __name__ == "__main__":
    main()
