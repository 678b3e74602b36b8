"""The tracer of one process: patches what the plan names as it appears, looks around a few times a second, reports."""

from __future__ import annotations

import _thread
import gc
import importlib
import os
import sys
import time
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, NamedTuple

from . import imports, processes, rewrite, signposts
from .bindings import may_be_compiled, resolve, subclasses, waits_for_its_first_use
from .meter import Meter
from .plan import Finding, Plan, Target, probe_names
from .probe import Probe
from .record import Recorder, head
from .secrecy import without_secrets
from .station import Faults, Station, forget_threads
from .values import told

TICK = 0.25
DYNAMO = "torch._dynamo"
LIBRARY = "library "
COST_EVERY = 2.0
"""Seconds after which what watching costs is written down though nothing else is new."""
SHARE = 200
"""After a look there is none for so many times as long as it took: looking costs half a per cent of a core at most."""


class Attached(NamedTuple):
    """Who comes into a program that runs already: by which order, and with what budget of a core."""

    order: str
    budget: float


class Tracer:
    """Everything the traced process keeps for us."""

    def __init__(
        self, plan: Plan, folder: str, raw_ids: bool = False, tick: float = TICK, attached: Attached | None = None
    ) -> None:
        self.plan = plan
        self.attached = attached
        """How it came into a program that ran already; None where it was there from the start."""
        self.folder = folder
        self.raw_ids = raw_ids
        self.recorder = Recorder(folder, plan.run)
        self.faults = Faults()
        self.secret = secret_of(folder)
        self.probes: dict[str, Probe] = {}
        self.stations: dict[int, Station] = {}
        self.loaded: dict[str, ModuleType] = {}
        self.taken: dict[str, ModuleType] = {}
        """By name: the modules that are done with."""
        self.lazy: set[str] = set()
        """Modules whose body has not run yet, as nobody has used them: not even to be looked at."""
        self.bases: list[tuple[type, str, Target]] = []
        self.attended: set[tuple[int, str]] = set()
        """Targets that are done with in a module or a subclass, patched or missed."""
        self.modules_seen = 0
        self.patching = _thread.RLock()
        """An import waits until the tracer's own thread is done with the module, so that no call is missed."""
        self.written: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.searched = 0
        self.canaries: dict[str, bool] = {}
        """Which probes see their own bug in this process."""
        self.singing = _thread.allocate_lock()
        self.seen_from_the_start: set[tuple[str, str]] = set()
        """Constructors, by file and name, that were watched before anybody could call them."""
        self.finished = False
        self.busy = False
        self.gone = False
        """Whether the program was left as it had been found."""
        self.rest_until = 0.0
        self.written_at = 0.0
        self.meter = Meter(attached.budget if attached is not None else plan.budget)
        self.undo: list[processes.Undo] = []
        self.probe_classes = self._probe_classes()
        self.libraries = {
            module: (name, functions)
            for name, kind in self.probe_classes.items()
            for module, functions in kind.libraries.items()
        }
        self.ticker = processes.Ticker(self.tick, tick)

    def start(self) -> None:
        began = time.thread_time()
        self._write_head()
        imports.install(self._may_mean, self._imported)
        self.undo = [
            imports.uninstall,
            processes.follow_forks(self.ticker.stop, self.after_fork, self.in_forked_child),
            processes.note_children(self._started),
            processes.at_every_exit(self.finish, self.go_on),
        ]
        self.poll()
        self.meter.add_start(time.thread_time() - began)
        self.ticker.start()

    def _write_head(self, **more: Any) -> None:
        late = {"attached": self.attached.order} if self.attached is not None else {}
        self.recorder.write("head", **head(self.plan.hash, self.plan.run), **late, **more)

    def _probe_classes(self) -> dict[str, type[Probe]]:
        found: dict[str, type[Probe]] = {}
        for name in probe_names(self.plan.findings):
            try:
                found[name] = load_probe(name)
            except ImportError as error:
                self.recorder.write("miss", probe=name, why=str(error))
        return found

    # -- what appears

    def _imported(self, name: str) -> None:
        if self.gone:
            return
        try:
            with self.patching:
                self._take(name, sys.modules.get(name), before_use=True)
                self._take_overrides()
                rewrite.forget_sources()
            self.ticker.start()
        except Exception:
            self.faults.add(f"import of {name}")

    def poll(self) -> None:
        """What the import hook does not see: scripts, programs that replace it, classes made later."""
        try:
            with self.patching:
                for name in self._names_to_try():
                    self._take(name, sys.modules.get(name))
                self._take_overrides()
                rewrite.forget_sources()
        except Exception:
            self.faults.add("poll")

    def _names_to_try(self) -> list[str]:
        scripts = ["__main__", "__mp_main__", *self.lazy]
        if len(sys.modules) == self.modules_seen:
            return scripts + [module.__name__ for module in self.loaded.values()]  # replaced by another, perhaps
        self.modules_seen = len(sys.modules)
        return [name for name in list(sys.modules) if self._may_mean(name)] + scripts

    def _may_mean(self, name: str) -> bool:
        return name in self.libraries or name == DYNAMO or self.plan.may_mean(name)

    def _take(self, name: str, module: ModuleType | None, before_use: bool = False) -> None:
        if module is None or self.taken.get(name) is module:
            return
        if name in self.libraries:
            return self._take_library(name, module)
        if name == DYNAMO:
            return self._leave_graphs_alone(name, module)
        if waits_for_its_first_use(module):
            self.lazy.add(name)
            return
        self.lazy.discard(name)
        script = name in ("__main__", "__mp_main__")
        spec = getattr(module, "__spec__", None)
        path = self.plan.path_of(spec.name if script and spec else name, getattr(module, "__file__", None))
        if path is None or (not script and getattr(spec, "_initializing", False)):
            return
        if self.loaded.get(path) is not module:
            self.loaded[path] = module
            same = self._same_source(path, module)
            self.recorder.write("loaded", path=path, module=name, file=module.__file__, same=same)
        self._watch_globals(path, module)
        for target in self.plan.targets[path]:
            self._patch(target, module, late=script)
        for target in self._instance_targets(path):
            if self._patch(target, module, late=script) and before_use:
                self.seen_from_the_start.add((path, target.qualname))
        if not script:  # where functions may be defined by and by
            self.taken[name] = module

    def _leave_graphs_alone(self, name: str, module: ModuleType) -> None:
        """Dynamo is there from now on: what it traces must be the functions as they were."""
        ask = getattr(getattr(sys.modules.get("torch"), "compiler", None), "is_dynamo_compiling", None)
        if ask is None:
            return
        self.taken[name] = module
        signposts.leave_graphs_alone(ask)
        for station in self.stations.values():
            try:
                station.rewrite_again(self.plan.inside)
            except rewrite.CannotRewrite:
                station.restore()
                self.faults.add(f"{station.label} beside Dynamo")

    def _take_library(self, name: str, module: ModuleType) -> None:
        """Functions that a probe always wants, with a stand-in for the finding."""
        if name in self.loaded or getattr(getattr(module, "__spec__", None), "_initializing", False):
            return
        self.loaded[name] = module
        probe, functions = self.libraries[name]
        targets = [{"qualname": function, "role": "collective"} for function in functions]
        finding = Finding({"key": f"{LIBRARY}{name}", "probe": probe, "path": name, "targets": targets})
        for target in finding.targets:
            self._patch(target, module, late=False)

    def _same_source(self, path: str, module: ModuleType) -> bool:
        import hashlib

        try:
            with open(str(module.__file__), "rb") as source:
                return hashlib.sha256(source.read()).hexdigest() == self.plan.files.get(path, {}).get("sha256")
        except OSError:
            return False

    def _hear_canaries(self) -> None:
        """Once, when something of the plan is there, and on the tracer's own thread: the program need not wait."""
        if not self.loaded or self.canaries or not self.singing.acquire(timeout=1):
            return
        try:
            from .canaries import run

            began = time.thread_time()
            self.canaries = self.canaries or run(self.probe_classes)
            self.meter.add_start(time.thread_time() - began)
            for name, sings in self.canaries.items():
                self.recorder.write("canary", probe=name, ok=sings)
        finally:
            self.singing.release()

    def _instance_targets(self, path: str) -> Iterator[Target]:
        """The constructors of the classes whose attributes are watched."""
        for finding in self.plan.findings:
            for owner in sorted({watched.owner for watched in finding.watch if watched.owner and watched.path == path}):
                yield Target(finding, {"path": path, "qualname": f"{owner}.__init__", "role": "instance"})

    def _watch_globals(self, path: str, module: ModuleType) -> None:
        for finding in self.plan.findings:
            probe = self._probe(finding)
            if probe is not None and any(not watched.owner and watched.path == path for watched in finding.watch):
                probe.globals = module.__dict__

    def _probe(self, finding: Finding) -> Probe | None:
        if finding.key not in self.probes:
            kind = self.probe_classes.get(finding.probe)
            if kind is None or finding.key in self.meter.shed:
                return None
            probe = self.probes[finding.key] = kind(finding, self._tell)
            probe.attach(self.recorder)
        return self.probes[finding.key]

    def _tell(self, values: Iterable[object]) -> list[str]:
        return told(values, self.secret, self.raw_ids)

    # -- patching

    def _patch(self, target: Target, module: ModuleType, late: bool) -> bool:
        """Whether the function is watched now that was not before."""
        mark = (id(module), f"{target.finding.key}/{target.qualname}/{target.role}/{target.via}")
        if mark in self.attended:
            return False
        found = resolve(module, target.qualname)
        if found is None:
            if target.role != "instance" and not late:
                self._miss(target, "there is no such function")
                self.attended.add(mark)
            return False
        self.attended.add(mark)
        owner, holder = found
        if owner is not None:
            self.bases.append((owner, target.qualname.rpartition(".")[2], target))
        return self._rewrite(target, holder, owner, str(module.__file__))

    def _take_overrides(self) -> None:
        for base, name, target in list(self.bases):
            for sub in subclasses(base):
                mark = (id(sub), f"{id(target)}")
                if mark in self.attended:
                    continue
                self.attended.add(mark)
                if name in sub.__dict__:
                    file = getattr(sys.modules.get(sub.__module__), "__file__", None)
                    self._rewrite(target, sub.__dict__[name], sub, str(file))

    def _rewrite(self, target: Target, holder: object, owner: type | None, file: str) -> bool:
        probe = self._probe(target.finding)
        if probe is None:
            return False
        name = target.qualname.rpartition(".")[2]
        function = rewrite.plain_function(holder, file, name)
        if function is None:
            return self._miss(target, "there is no Python function behind that name")
        if may_be_compiled(holder, owner, name):
            return self._miss(target, "it may run inside a compiled or captured graph")
        if target.problem:
            self._miss(target, target.problem)
        station = self.stations.get(id(function)) or Station(function, self.recorder, self.faults)
        station.add(probe, target)
        try:
            station.rewrite(self.plan.inside)
        except rewrite.CannotRewrite as error:
            return self._miss(target, str(error))
        self.stations[id(function)] = station
        self.recorder.write(
            "patched", finding=target.finding.key, qualname=function.__qualname__, role=target.role, via=target.via,
            file=function.__code__.co_filename, line=function.__code__.co_firstlineno, slot=station.slot,
        )  # fmt: skip
        return True

    def _miss(self, target: Target, why: str) -> bool:
        self.recorder.write("miss", finding=target.finding.key, qualname=target.qualname, role=target.role, why=why)
        return False

    # -- looking and reporting

    def tick(self) -> None:
        if self.busy or self.finished:
            return
        self.busy = True
        began, assigned = time.thread_time(), self.meter.assigned
        try:
            self.poll()
            self._hear_canaries()
            if time.monotonic() < self.rest_until:
                self.recorder.alive()
            else:
                self._find_instances(last=False)
                looking = time.thread_time()
                self.look(last=False)
                self.rest_until = time.monotonic() + SHARE * (time.thread_time() - looking)
            for key, probe in list(self.probes.items()):
                self.meter.add(key, probe.own_looks)
                probe.own_looks = 0.0
            self.meter.read(self.stations.values(), time.thread_time() - began - self.meter.assigned + assigned)
            self._keep_to_the_budget()
        except Exception:
            self.faults.add("tick")
        finally:
            self.busy = False

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
        self.recorder.faults = self.faults.count
        self.recorder.alive()

    def _find_instances(self, last: bool) -> None:
        """Objects that were there before their constructor was watched: one walk over the heap, for all probes at once.

        Python's list of all objects must not be asked for: a tuple that another thread is filling would be in it, and
        could not be finished then. Who refers to a class is found in one step, and names its objects.
        """
        wanting = [probe for probe in self.probes.values() if probe.wants_instances()]
        classes = {kind for probe in wanting for kind in self._classes_to_search(probe)}
        if not classes or self.searched >= (3 if last else 2):
            return
        self.searched += 1
        began = time.thread_time()
        for thing in gc.get_referrers(*classes):
            if type(thing) in classes:
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

    def go_on(self) -> None:
        """What seemed to be the end was none: another program could not be put in this one's place."""
        self.finished = False
        self.recorder.write("goes-on")
        self.ticker.start()

    def _look_at_last(self) -> None:
        self._find_instances(last=True)
        self.look(last=True)

    def _started(self, pid: int, argv: list[str]) -> None:
        self.recorder.write("child", pid=pid, argv=without_secrets(argv))

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
            self.recorder = Recorder(self.folder, self.plan.run)
            self.written.clear()
            self.states.clear()
            self.meter = self.meter.of_a_child()
            self._write_head(forked=True)
            for path, module in self.loaded.items():
                self.recorder.write("loaded", path=path, module=module.__name__, file=module.__file__, same=True)
            for name, sings in self.canaries.items():
                self.recorder.write("canary", probe=name, ok=sings)
            for probe in self.probes.values():
                probe.forked()
                probe.attach(self.recorder)
            for station in self.stations.values():
                station.attach(self.recorder)
                station.choose_way()
            self.ticker.start()
        except Exception:
            self.faults.add("fork")


def secret_of(folder: str) -> bytes:
    """What ids are hashed with. It goes when the command has ended; who comes later has one that nobody else knows."""
    try:
        with open(os.path.join(folder, "secret"), "rb") as file:
            return file.read(64)
    except OSError:
        return os.urandom(16)


def load_probe(name: str) -> type[Probe]:
    """The probe of a rule, by the rule's name."""
    module = importlib.import_module(f"{__package__}.probes.{name.replace('-', '_')}")
    kind: type[Probe] = module.Probe
    return kind


def _copied(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _copied(value) for key, value in state.items()}
    return list(state) if isinstance(state, list) else state
