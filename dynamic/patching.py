"""Puts watchers into what the plan names, as it appears: modules as they are imported, scripts, classes made later."""

from __future__ import annotations

import _thread
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

from . import rewrite, signposts, sources
from .bindings import may_be_compiled, resolve, subclasses, waits_for_its_first_use
from .plan import Finding, Plan, Target, is_compiled, probe_names
from .probe import Probe
from .record import Recorder
from .station import Faults, Station

DYNAMO = "torch._dynamo"
TRACING = f"{DYNAMO}.symbolic_convert"
LIBRARY = "library "


class Patching:
    """What of the plan is there by now, and the station of each function that is watched."""

    def __init__(self, plan: Plan, recorder: Recorder) -> None:
        self.plan = plan
        self.recorder = recorder
        self.faults = Faults()
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
        self.never_meant: set[str] = set()
        """Names of modules that the plan does not speak of: there are thousands, and each poll sees them again."""
        self.patching = _thread.RLock()
        """An import waits until the tracer's own thread is done with the module, so that no call is missed."""
        self.seen_from_the_start: set[tuple[str, str]] = set()
        """Constructors, by file and name, that were watched before anybody could call them."""
        self.gone = False
        """Whether the program was left as it had been found."""
        self.probe_classes = self._probe_classes()
        self.libraries = {
            module: (name, functions)
            for name, kind in self.probe_classes.items()
            for module, functions in kind.libraries.items()
            if functions
        }
        self.awaited = {module for kind in self.probe_classes.values() for module in kind.libraries}

    def _probe(self, finding: Finding) -> Probe | None:
        """Who watches for a finding; None where nobody can, or nobody is to any more."""
        raise NotImplementedError

    def _introduce(self, library: str) -> None:
        """To the probes that are there; later ones find it among the loaded modules."""
        raise NotImplementedError

    def _probe_classes(self) -> dict[str, type[Probe]]:
        found: dict[str, type[Probe]] = {}
        for name in probe_names(self.plan.findings):
            try:
                found[name] = load_probe(name)
            except ImportError as error:
                self.recorder.write("miss", probe=name, why=str(error))
        return found

    def imported(self, name: str) -> None:
        """Just now, and nobody has used it yet."""
        if self.gone:
            return
        try:
            with self.patching:
                self._take(name, sys.modules.get(name), before_use=True)
                self._take_overrides()
                sources.forget_sources()
                if name in self.awaited:
                    self._introduce(name)
        except Exception:
            self.faults.add(f"import of {name}")

    def poll(self) -> None:
        """What the import hook does not see: scripts, programs that replace it, classes made later."""
        try:
            with self.patching:
                for name in self._names_to_try():
                    self._take(name, sys.modules.get(name))
                self._take_overrides()
                sources.forget_sources()
        except Exception:
            self.faults.add("poll")

    def _names_to_try(self) -> list[str]:
        scripts = ["__main__", "__mp_main__", *self.lazy]
        if len(sys.modules) == self.modules_seen:
            return scripts + [module.__name__ for module in self.loaded.values()]  # replaced by another, perhaps
        self.modules_seen = len(sys.modules)
        others = {name for name in sys.modules.keys() - self.never_meant if not self.may_mean(name)}
        self.never_meant |= others
        return [*(sys.modules.keys() - self.never_meant), *scripts]

    def may_mean(self, name: str) -> bool:
        return name in self.awaited or name == DYNAMO or self.plan.may_mean(name)

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
        tracing = getattr(sys.modules.get(TRACING), "InstructionTranslator", None)
        signposts.leave_graphs_alone(ask, tracing, self._graphs_are_made)
        self._rewrite_all()

    def _graphs_are_made(self) -> None:
        """A function that is traced must have the body that it had."""
        try:
            with self.patching:
                self._rewrite_all()
                sources.forget_sources()
        except Exception:
            self.faults.add("graphs")

    def _rewrite_all(self) -> None:
        for station in self.stations.values():
            try:
                station.rewrite_again(self.plan.inside)
            except sources.CannotRewrite:
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
            compiled = "; it is compiled" if is_compiled(file) else ""
            return self._miss(target, f"there is no Python function behind that name{compiled}")
        if may_be_compiled(holder, owner, name):
            return self._miss(target, "it may run inside a compiled or captured graph")
        if target.problem:
            self._miss(target, target.problem)
        station = self.stations.get(id(function)) or Station(function, self.recorder, self.faults)
        station.add(probe, target)
        try:
            station.rewrite(self.plan.inside)
        except sources.CannotRewrite as error:
            return self._miss(target, str(error))
        self.stations[id(function)] = station
        station.plays(
            self.recorder, finding=target.finding.key, qualname=function.__qualname__, role=target.role, via=target.via,
            file=function.__code__.co_filename, line=function.__code__.co_firstlineno,
        )  # fmt: skip
        return True

    def _miss(self, target: Target, why: str) -> bool:
        self.recorder.write("miss", finding=target.finding.key, qualname=target.qualname, role=target.role, why=why)
        return False


def load_probe(name: str) -> type[Probe]:
    """The probe of a rule, by the rule's name."""
    module = importlib.import_module(f"{__package__}.probes.{name.replace('-', '_')}")
    kind: type[Probe] = module.Probe
    return kind
