"""The tracer of one process: patches what the plan names as it appears, looks around a few times a second, reports."""

from __future__ import annotations

import _thread
import os
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import imports, processes, signposts
from .bindings import resolve, subclasses
from .heap import objects_of
from .meter import Meter, Pace
from .patching import LIBRARY, Patching
from .plan import Finding, Plan
from .probe import Probe
from .record import Recorder, head
from .secrecy import without_secrets
from .station import forget_threads
from .values import told

TICK = 0.25
COST_EVERY = 2.0
"""Seconds after which what watching costs is written down though nothing else is new."""
YOUNG = 10.0
"""Seconds for which every tick looks for functions of scripts, which are defined one by one."""
POLL_EVERY = 1.0
"""Seconds between two of these looks in a program that is older: what it imports is told of anyway."""


class Attached(NamedTuple):
    """Who comes into a program that runs already: by which order, and with what budget of a core."""

    order: str
    budget: float


class Tracer(Patching):
    """Everything the traced process keeps for us."""

    def __init__(
        self, plan: Plan, folder: str, raw_ids: bool = False, tick: float = TICK, attached: Attached | None = None
    ) -> None:
        super().__init__(plan, Recorder(folder, plan.run))
        self.attached = attached
        """How it came into a program that ran already; None where it was there from the start."""
        self.folder = folder
        self.raw_ids = raw_ids
        self.secret = secret_of(folder)
        self.probes: dict[str, Probe] = {}
        self.written: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.searched = 0
        self.canaries: dict[str, str] = {}
        """Why a probe did not see its own seeded bug, "" where it did."""
        """Which probes see their own bug in this process."""
        self.singing = _thread.allocate_lock()
        self.finished = False
        self.busy = False
        self.polling, self.looking = Pace(POLL_EVERY), Pace()
        self.young_until = time.monotonic() + YOUNG
        self.written_at = 0.0
        self.meter = Meter(attached.budget if attached is not None else plan.budget)
        self.undo: list[processes.Undo] = []
        self.ticker = processes.Ticker(self.tick, tick)

    def start(self) -> None:
        began = time.thread_time()
        self._write_head()
        imports.install(self.may_mean, self._imported)
        self.undo = [
            imports.uninstall,
            processes.follow_forks(self.ticker.stop, self.after_fork, self.in_forked_child),
            processes.note_children(self._started),
            processes.at_every_exit(self.finish, self.go_on, self._makes_way),
        ]
        for finding in self.plan.findings:
            if getattr(self.probe_classes.get(finding.probe), "everywhere", False):
                self._probe(finding)
        self.poll()
        self.meter.add_start(time.thread_time() - began)
        self.ticker.start()

    def _write_head(self, **more: Any) -> None:
        late = {"attached": self.attached.order} if self.attached is not None else {}
        self.recorder.write("head", **head(self.plan.hash, self.plan.run), **late, **more)

    def _imported(self, name: str) -> None:
        self.imported(name)
        try:
            if not self.gone:
                self.ticker.start()
        except Exception:  # there may be no thread to be had
            self.faults.add("import")

    def _hear_canaries(self) -> None:
        """Once, when something of the plan is there, and on the tracer's own thread: the program need not wait."""
        if not (self.loaded or self.probes) or self.canaries or not self.singing.acquire(timeout=1):
            return
        try:
            from .canaries import run

            began = time.thread_time()
            self.canaries = self.canaries or run(self.probe_classes)
            self.meter.add_start(time.thread_time() - began)
            self._write_canaries()
        finally:
            self.singing.release()

    def _write_canaries(self) -> None:
        for name, why in self.canaries.items():
            self.recorder.write("canary", probe=name, ok=not why, **({"why": why[:300]} if why else {}))

    def _probe(self, finding: Finding) -> Probe | None:
        if finding.key not in self.probes:
            kind = self.probe_classes.get(finding.probe)
            if kind is None or finding.key in self.meter.shed:
                return None
            probe = self.probes[finding.key] = kind(finding, self._tell)
            probe.attach(self.recorder)
        return self.probes[finding.key]

    def _introduce(self, library: str) -> None:
        for probe in list(self.probes.values()):
            if library in probe.libraries:
                probe.meet(library)

    def _tell(self, values: Iterable[object]) -> list[str]:
        return told(values, self.secret, self.raw_ids)

    # -- looking and reporting

    def tick(self) -> None:
        if self.busy or self.finished:
            return
        self.busy = True
        began, assigned = time.thread_time(), self.meter.assigned
        try:
            if time.monotonic() < self.young_until or self.polling.is_due():
                self.poll()
                self.polling.took(time.thread_time() - began)
            self._hear_canaries()
            looks = self.looking.is_due()
            if looks:
                self._look_around()
            self.recorder.alive()
            if looks or self.meter.budget:
                self._read_the_meter()
            self.meter.add_own(time.thread_time() - began - self.meter.assigned + assigned)
            self._keep_to_the_budget()
        except Exception:
            self.faults.add("tick")
        finally:
            self.busy = False

    def _look_around(self) -> None:
        self._find_instances(last=False)
        began = time.thread_time()
        self.look(last=False)
        self.looking.took(time.thread_time() - began)

    def _read_the_meter(self) -> None:
        for key, probe in list(self.probes.items()):
            self.meter.add(key, probe.own_looks)
            probe.own_looks = 0.0
        self.meter.read(self.stations.values())

    def look(self, last: bool) -> None:
        news = time.monotonic() - self.written_at > COST_EVERY
        for key, probe in list(self.probes.items()):
            began = time.thread_time()
            try:
                probe.look(last)
                state = probe.state()
            except Exception:
                self.faults.add(f"look of {probe.finding.probe}")
                continue
            finally:
                self.meter.add_look(key, time.thread_time() - began)
            if probe.instances.unheld:
                state["unheld"] = probe.instances.unheld
            changed = {name: value for name, value in state.items() if name not in ("looks", "quiet")}
            if last or changed != self.written.get(key):
                self.written[key] = _copied(changed)
                self.states[key] = _copied(state)
                news = True
        if news:
            self.written_at = time.monotonic()
            self.recorder.write_states(self.states, self.meter.account(), last)
        for station in self.stations.values():
            station.count_up()
        self.recorder.faults = self.faults.count
        self.recorder.alive()

    def _find_instances(self, last: bool) -> None:
        """Objects that were there before their constructor was watched: one walk over the heap, for all at once."""
        wanting = [probe for probe in self.probes.values() if probe.wants_instances()]
        classes = {kind for probe in wanting for kind in self._classes_to_search(probe)}
        if not classes or self.searched >= (3 if last else 2):
            return
        self.searched += 1
        began = time.thread_time()
        for thing in objects_of(classes):
            for probe in wanting:
                probe.see(thing)
        self.meter.add_start(time.thread_time() - began)

    def _classes_to_search(self, probe: Probe) -> Iterator[type]:
        for watched in probe.finding.watch:
            module = self.loaded.get(watched.path)
            if module is None or (watched.path, f"{watched.owner}.__init__") in self.seen_from_the_start:
                continue
            found = resolve(module, watched.owner) if watched.owner else None
            if found is not None and isinstance(found[1], type):
                yield found[1]
                yield from subclasses(found[1])

    def _keep_to_the_budget(self) -> None:
        key = self.meter.costliest()
        if key:
            self.shed(key)

    def shed(self, key: str) -> None:
        """Stop watching for a finding, and for all that could not be told right without what it watched."""
        module = key.removeprefix(LIBRARY)
        with self.patching:
            for other in [key, *(one for one in list(self.probes) if module in self.probes[one].libraries)]:
                probe = self.probes.pop(other, None)
                self.meter.leave_out(other)
                if probe is not None:
                    probe.detached()
                for place, station in list(self.stations.items()):
                    if probe is not None and station.is_for(probe) and not station.remove(probe):
                        station.restore()
                        del self.stations[place]

    @property
    def is_idle(self) -> bool:
        """Whether everything was shed that was watched."""
        return bool(self.meter.shed) and not self.probes

    def detach(self) -> None:
        """Leave the process as it was found: every function has its own code again, and nobody is told of anything."""
        if self.gone:
            return
        self.gone = True
        self.ticker.stop()
        with self.patching:
            for station in self.stations.values():
                station.restore()
            for undo in self.undo:
                undo()
            signposts.forget_stations()
        try:
            self.look(last=False)
            for probe in self.probes.values():
                probe.detached()
        except Exception:
            self.faults.add("detach")
        self._write_tail()
        self.finished = True
        self.recorder.disown()

    def finish(self) -> None:
        """The last look; may be asked for more than once."""
        if self.finished:
            return
        try:
            for step in (self.ticker.stop, self.poll, self._hear_canaries, self._look_at_last):
                try:
                    step()
                except Exception:
                    self.faults.add("finish")
        finally:
            self.finished = True
            self._write_tail()

    def _write_tail(self) -> None:
        self.recorder.write("tail", faults=self.faults.count, samples=self.faults.samples, lost=self.recorder.lost)
        self.recorder.ended = True
        self.recorder.alive()

    def go_on(self) -> None:
        """What seemed to be the end was none: another program could not be put in this one's place."""
        self.finished = self.recorder.ended = False
        self.recorder.write("goes-on")
        self.recorder.alive()
        self.ticker.start()

    def _look_at_last(self) -> None:
        self._find_instances(last=True)
        self.look(last=True)

    def _started(self, pid: int, argv: list[str], told: bool) -> None:
        self.recorder.write("child", pid=pid, argv=without_secrets(argv), told=told)

    def _makes_way(self, pid: int, argv: list[str], told: bool) -> None:
        self.recorder.write("makes-way", pid=pid, argv=without_secrets(argv), told=told)

    def after_fork(self) -> None:
        """Python 3.13 counts threads once more after this: the tracer's own waits until the program goes on."""
        if sys.version_info < (3, 13):
            self.ticker.start()
            return
        for station in self.stations.values():
            station.choose_way(self.resume)

    def resume(self) -> None:
        for station in self.stations.values():
            station.choose_way()
        self.ticker.start()

    def in_forked_child(self) -> None:
        try:
            self.ticker.forget()
            self.patching, self.singing = _thread.RLock(), _thread.allocate_lock()
            forget_threads()
            self.busy = self.finished = False
            self.recorder.disown()
            if processes.is_about_to_exec():
                return self._leave_no_record()
            self.recorder = Recorder(self.folder, self.plan.run)
            self.written.clear()
            self.states.clear()
            self.meter = self.meter.of_a_child()
            self._write_head(forked=True)
            for path, module in self.loaded.items():
                self.recorder.write("loaded", path=path, module=module.__name__, file=module.__file__, same=True)
            self._write_canaries()
            for probe in self.probes.values():
                probe.forked()
                probe.attach(self.recorder)
            for station in self.stations.values():
                station.attach(self.recorder)
                station.choose_way()
            self.ticker.start()
        except Exception:
            self.faults.add("fork")

    def _leave_no_record(self) -> None:
        """What is watched until the other program runs is not to be counted as the parent's."""
        self.finished = True
        self.recorder = Recorder(os.devnull)
        for station in self.stations.values():
            station.attach(self.recorder)
            station.choose_way()


def secret_of(folder: str) -> bytes:
    """What ids are hashed with. It goes when the command has ended; who comes later has one that nobody else knows."""
    try:
        with open(os.path.join(folder, "secret"), "rb") as file:
            return file.read(64)
    except OSError:
        return os.urandom(16)


def _copied(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    return list(state) if isinstance(state, list) else state
