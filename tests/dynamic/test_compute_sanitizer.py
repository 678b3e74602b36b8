"""What compute-sanitizer writes, joined to findings in CUDA.

The logs are written by hand, after NVIDIA's Compute Sanitizer manual ("Understanding Memcheck Errors", "Understanding
Racecheck Analysis Reports") and logs that people have published; no GPU has made them.
"""

from __future__ import annotations

import msgspec
import pytest
from tracing import finding

from llmlint.findings import Finding
from llmlint.runtime.block import Block
from llmlint.runtime.sanitizers import ANSWER, BARRIER, LEAK, MEMORY, RACE, UNINITIALISED, read_log, with_sightings

SINCE_2023 = """\
========= COMPUTE-SANITIZER
========= Invalid __global__ write of size 4 bytes
=========     at scatter_kernel(float *, const int *, int)+0x90 in /build/csrc/scatter.cu:41
=========     by thread (31,0,0) in block (4,0,0)
=========     Address 0x7f00 is out of bounds
=========     Saved host backtrace up to driver entry point at kernel launch time
=========         Host Frame: launch_scatter(torch::Tensor, torch::Tensor) in scatter.cu:77 [0x8ae3] in libops.so
=========
========= Error: Race reported between Write access at reduce_kernel(float *)+0xb0 in /build/csrc/reduce.cu:28
=========     and Read access at reduce_kernel(float *)+0xc0 in /build/csrc/reduce.cu:30 [1024 hazards]
=========
========= Barrier error detected. Divergent thread(s) in block.
=========     at mask_kernel(int *)+0xa0 in /build/csrc/mask.cu:61
=========     by thread (19,0,0) in block (0,0,0)
=========
========= Uninitialized __global__ memory read of size 4 bytes
=========     at sum_kernel(const float *)+0x130 in /build/csrc/sum.cu:8
=========
========= Program hit cudaErrorNotReady (error 600) due to "device not ready" on CUDA API call to cudaEventQuery.
=========     Saved host backtrace up to driver entry point at error
=========         Host Frame: enable_peers(int) in /build/csrc/peers.cu:9 [0x134a34] in libops.so
=========
========= Leaked 64 bytes at 0x1303d80000
=========     Saved host backtrace up to driver entry point at allocation time
=========         Host Frame: make_workspace(int) in /build/csrc/workspace.cu:19 [0x89bb] in libops.so
=========
========= ERROR SUMMARY: 6 errors
"""

BEFORE = """\
========= CUDA-MEMCHECK
========= Invalid __global__ read of size 4
=========     at 0x000000e8 in /build/csrc/scatter.cu:41:scatter_kernel(float*, int const*, int)
=========     by thread (0,0,0) in block (0,0,0)
=========     Device Frame:/build/csrc/scatter.cu:41:scatter_kernel(float*, int const*, int) (scatter_kernel : 0x3d0)
=========     Host Frame:/build/csrc/scatter.cu:77:launch_scatter(torch::Tensor, torch::Tensor) [0x789200]
=========                in /opt/lib/libops.so
=========
========= WARN: Race reported between Read access at 0x00000170 in /build/csrc/reduce.cu:30:reduce_kernel(float*)
=========     and Write access at 0x00000148 in /build/csrc/reduce.cu:28:reduce_kernel(float*) [4 hazards]
=========
========= ERROR SUMMARY: 2 errors
"""


def in_cuda(name: str, path: str, symbol: str, line: int = 1) -> Finding:
    return msgspec.structs.replace(finding(name, Block(), path=path, symbol=symbol, line=line), runtime=None)


def test_each_kind_of_report_is_told_apart_with_its_places() -> None:
    found = [(one.kind, one.frames[0].function.partition("(")[0], one.frames[0].line) for one in read_log(SINCE_2023)]
    assert found == [
        (MEMORY, "scatter_kernel", 41),
        (RACE, "reduce_kernel", 28),
        (BARRIER, "mask_kernel", 61),
        (UNINITIALISED, "sum_kernel", 8),
        (ANSWER, "enable_peers", 9),
        (LEAK, "make_workspace", 19),
    ]
    assert [frame.line for frame in read_log(SINCE_2023)[0].frames] == [41, 77]
    assert [frame.line for frame in read_log(SINCE_2023)[1].frames] == [28, 30]


def test_places_as_they_were_written_before_2023_are_read_as_well() -> None:
    memory, race = read_log(BEFORE)
    assert {(frame.function.partition("(")[0], frame.line) for frame in memory.frames} == {
        ("scatter_kernel", 41),
        ("launch_scatter", 77),
    }
    assert [(frame.file, frame.line) for frame in race.frames] == [
        ("/build/csrc/reduce.cu", 30),
        ("/build/csrc/reduce.cu", 28),
    ]


@pytest.mark.parametrize("log", [SINCE_2023, BEFORE])
def test_a_report_confirms_the_finding_in_whose_kernel_it_happened(log: str) -> None:
    size = in_cuda("unchecked-size", "csrc/scatter.cu", "launch_scatter")
    other = in_cuda("unchecked-size", "csrc/reduce.cu", "reduce_kernel")
    seen, unseen = with_sightings([size, other], read_log(log), ["rank0.log"])
    assert seen.verdict is not None and seen.verdict.status == "confirmed"
    assert "scatter.cu:77" in seen.verdict.evidence[0]
    assert unseen.verdict is None, "a race is no size"


def test_an_answer_of_the_runtime_confirms_that_nobody_took_it_and_no_memory_error() -> None:
    dropped = in_cuda("unchecked-gpu-call", "csrc/peers.cu", "enable_peers")
    bounds = in_cuda("dangling-pointer", "csrc/peers.cu", "enable_peers")
    seen, unseen = with_sightings([dropped, bounds], read_log(SINCE_2023), ["log"])
    assert seen.verdict is not None and seen.verdict.status == "confirmed"
    assert unseen.verdict is None
