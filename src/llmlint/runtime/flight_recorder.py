"""Dumps of torch's flight recorder, one a rank, joined by group and number: where the ranks first part.

torch writes them when a collective times out, or when it is asked: a pickle of plain data, or JSON. The last number in
a file's name is its rank, as torch's own analyser has it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from llmlint.catalogue import Catalogue
from llmlint.dynamic.oracles.collectives import CollectiveLog, Divergence, divergences
from llmlint.dynamic.patching import load_probe
from llmlint.dynamic.plan import Finding as Watched
from llmlint.dynamic.read import Process, RingCall
from llmlint.dynamic.record import BEGUN, DONE
from llmlint.findings import Finding, Verdict
from llmlint.runtime.device_findings import Place, found_at
from llmlint.runtime.plain_pickles import NotPlain, read_pickle
from llmlint.runtime.plan import make_plan, probe_of

SAME_EVERYWHERE = (
    "all_reduce",
    "broadcast",
    "reduce",
    "all_gather",
    "_all_gather_base",
    "_reduce_scatter_base",
    "barrier",
)
"""Collectives to which all ranks give the same shape; of others only the kind is compared."""
_RANK = re.compile(r"(\d+)(?:\.\w+)?$")
_NAMES = {"allreduce": "all_reduce", "allgather": "all_gather", "_allgather_base": "_all_gather_base"}


def read_dumps(files: Sequence[Path]) -> list[Process]:
    """Each rank's log, in the form that a traced run has. Raises NotPlain and OSError."""
    return [_process(file, _dump_in(file)) for file in files]


def _dump_in(file: Path) -> Mapping[str, Any]:
    data = file.read_bytes()[:1]
    try:
        dump = json.loads(file.read_text(encoding="utf-8")) if data in (b"{", b"\n", b" ") else read_pickle(file)
    except (UnicodeDecodeError, ValueError) as error:
        raise error if isinstance(error, NotPlain) else NotPlain(f"{file}: {error}") from None
    if not isinstance(dump, dict) or not isinstance(dump.get("entries"), list):
        raise NotPlain(f"{file}: it has no entries of a flight recorder")
    return dump


def _process(file: Path, dump: Mapping[str, Any]) -> Process:
    rank = _RANK.search(file.name)
    if rank is None:
        raise NotPlain(f"{file}: its name does not end with a rank")
    process = Process(file.name)
    process.head = {"rank": rank[1], "pid": 0}
    numbers: dict[tuple[str, ...], int] = {}
    try:
        for entry in dump["entries"]:
            if not entry.get("is_p2p"):
                _take(process, entry, _group(entry, dump.get("pg_config", {})), numbers)
        times = [call.begun for call in process.calls]
        process.last_alive = max([file.stat().st_mtime, *times])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotPlain(f"{file}: an entry is not understood: {error}") from None
    process.ring_used = len(process.calls)
    return process


def _take(process: Process, entry: Mapping[str, Any], group: str, numbers: dict[tuple[str, ...], int]) -> None:
    name = str(entry["profiling_name"]).rpartition(":")[2]
    name = _NAMES.get(name, name)
    shape = f"({_first(entry, 'input_dtypes')}{_first(entry, 'input_sizes')})" if name in SAME_EVERYWHERE else ""
    called, of_group = ("call", name, shape, *_stack(entry)), ("group", group)
    for said in (called, of_group):
        if said not in numbers:
            numbers[said] = len(numbers) + 1
            process.interned[numbers[said]] = (said[0], list(said[1:]))
    is_over = bool(entry.get("retired")) or entry.get("state") == "completed"
    begun = int(entry["time_created_ns"]) / 1e9
    state = DONE if is_over else BEGUN
    fields = (numbers[called], numbers[of_group], int(entry["collective_seq_id"]), state, begun, begun)
    process.calls.append(RingCall(fields))


def _first(entry: Mapping[str, Any], name: str) -> str:
    values = entry.get(name) or ("",)
    return str(values[0]).replace(" ", "") if isinstance(values[0], list) else str(values[0])


def _group(entry: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """Groups go by their global ranks, and by their own names where several have the same."""
    name, *description = [str(part) for part in entry["process_group"]]
    known = config.get(name) or (next(iter(config.values())) if len(config) == 1 else {})
    ranks = sorted(int(rank) for rank in re.findall(r"\d+", str(known.get("ranks", ""))))
    return f"ranks {ranks} ({' '.join([name, *description])})" if ranks else " ".join([name, *description])


def _stack(entry: Mapping[str, Any]) -> Iterator[str]:
    for frame in entry.get("frames") or ():
        if "/torch/" not in str(frame["filename"]):
            yield f"{frame['filename']}:{frame['line']} {frame['name']}"


# ------------------------------------------------------------ verdicts


def with_dumps(
    findings: Sequence[Finding], processes: Sequence[Process], files: Sequence[str], root: Path, catalogue: Catalogue
) -> list[Finding]:
    """Findings at whose call the ranks part are confirmed; a parting that no finding is about becomes one."""
    parted = list(divergences(processes))
    explained: set[int] = set()
    found = [_judged(finding, parted, explained, files, catalogue) for finding in findings]
    for index, divergence in enumerate(parted):
        place = _place(divergence)
        if index not in explained and place:
            found.append(
                found_at(
                    Place(place, root),
                    "rank-divergent-collective",
                    f"the ranks of group {divergence.group} part here",
                    _verdict(divergence, files),
                    catalogue,
                )
            )
    return found


def _judged(
    finding: Finding, parted: Iterable[Divergence], explained: set[int], files: Sequence[str], catalogue: Catalogue
) -> Finding:
    watched = watched_by_a_log(finding, catalogue)
    for index, divergence in enumerate(parted if watched is not None else ()):
        if watched is not None and divergence.is_at(watched):
            explained.add(index)
            return msgspec.structs.replace(
                finding,
                verdict=_verdict(divergence, files),
                confidence="certain",
                confidence_reason="seen in dumps of torch's flight recorder",
            )
    return finding


def watched_by_a_log(finding: Finding, catalogue: Catalogue) -> Watched | None:
    """What a probe of collectives would be asked about it; None for findings of other kinds."""
    name = probe_of(finding, catalogue)
    if not name or not issubclass(load_probe(name), CollectiveLog):
        return None
    planned = make_plan([finding], catalogue, Path())["findings"]
    return Watched(planned[0]) if planned else None


def _verdict(divergence: Divergence, files: Sequence[str]) -> Verdict:
    said = f"the flight recorders of group {divergence.group} part at call {divergence.sequence}: {divergence.summary}"
    return Verdict("confirmed", said, tuple(divergence.evidence), tuple(files))


def _place(divergence: Divergence) -> str:
    """Where the first rank that made a call made it."""
    for _, (process, call) in sorted(divergence.calls.items()):
        if call is not None:
            stack = process.interned[call.what][1][2:]
            if stack:
                return stack[0]
    return ""
