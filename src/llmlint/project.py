"""One request, from paths and flags to findings fit to show: which files, with what settings, and what of it to tell.

The command line, the pylint plugin and the editor all come through here, so that they say the same.

Files named one by one are judged with the whole of their project linked around them (from the cache, where it is
known there), so that a hook that hands over two files finds what a scan of everything finds in them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

import msgspec

from llmlint.baseline import BaselineError, apply, read_baseline
from llmlint.catalogue import Catalogue, Rule, load_catalogue
from llmlint.config import Configuration, Settings
from llmlint.earned import limited
from llmlint.files import Found, SourcePath, discover, language_of
from llmlint.findings import CONFIDENCES, Finding, Step, as_severe, at_least
from llmlint.ignores import Patterns
from llmlint.local_cache import users_folder
from llmlint.progress import Progress
from llmlint.runtime.block import with_paths
from llmlint.scan import Options, ScanResult, scan_files
from llmlint.vocabulary_file import load_vocabulary

_FEW = 0.25
"""When more than this share of the files is asked about, all are: the answer is kept, and the next question is free."""


class Request(msgspec.Struct, frozen=True):
    """What is asked for. Fields left None take the value of the configuration."""

    paths: tuple[str, ...]
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    preview: bool = False
    min_confidence: str | None = None
    min_severity: str | None = None
    jobs: int | None = None
    exclude: tuple[str, ...] = ()
    force_exclude: bool = False
    use_cache: bool = True
    cache_dir: str | None = None
    config: str | None = None
    """The one settings file to read."""
    no_config: bool = False
    isolated: bool = False
    """Link the named files alone, without the rest of their project."""
    given: dict[str, bytes] = {}
    """Content that takes the place of what is on disk, by path: an editor's unsaved text."""


class Copy(msgspec.Struct, frozen=True):
    """A work tree's files at some revision, laid out in another folder. Settings and names are the work tree's."""

    work_tree: str
    folder: str

    def home(self, path: str) -> str:
        """Where a file of the copy lies in the work tree."""
        relative = os.path.relpath(path, self.folder)
        return path if relative.startswith("..") else os.path.normpath(os.path.join(self.work_tree, relative))

    def inside(self, path: str) -> str:
        """Where a path of the work tree lies in the copy."""
        return os.path.normpath(os.path.join(self.folder, os.path.relpath(os.path.realpath(path), self.work_tree)))


class Project:
    """What a request is about: the settings, the files asked for, and the files linked around them."""

    def __init__(self, request: Request, copy: Copy | None = None) -> None:
        self.request = request
        self.copy = copy
        self.configuration = Configuration(Path(request.config) if request.config else None, request.no_config)
        self.settings = self.configuration.of(_anchor(request.paths))
        self.catalogue: Catalogue = load_catalogue()  # after the settings, which may bring rules
        self.base = _base(self.settings, request.paths)
        self._left_out = Patterns(request.exclude)
        self._settings_in: dict[str, Settings] = {}
        self._chosen: dict[int, set[str]] = {}

    def home(self, path: str) -> str:
        return self.copy.home(path) if self.copy else os.path.abspath(path)

    def settings_of(self, file: str) -> Settings:
        folder = os.path.dirname(self.home(file))
        if folder not in self._settings_in:
            self._settings_in[folder] = self.configuration.of_folder(Path(folder))
        return self._settings_in[folder]

    @property
    def cache_directory(self) -> Path:
        """Of the user and never of the tree: who writes the tree could write there what hides his bugs."""
        chosen = self.request.cache_dir or os.environ.get("LLMLINT_CACHE_DIR")
        return Path(chosen) if chosen else users_folder(self.base)

    def options(self, rules: tuple[Rule, ...], least: str = "low") -> Options:
        config = self.settings.config
        return Options(
            rules=rules,
            vocabulary=load_vocabulary(config.vocabulary, config.protocol, config.flow),
            jobs=self.request.jobs or config.jobs or processors(),
            cache_directory=self.cache_directory if self.request.use_cache else None,
            least=least,
        )

    def discover(self, paths: Sequence[str]) -> Found:
        config = self.settings.config
        return discover(
            paths,
            excluded=self._excluded,
            respect_gitignore=config.respect_gitignore,
            force_exclude=self.request.force_exclude,
            max_bytes=int(config.max_file_mb * 1_000_000),
        )

    def _excluded(self, path: str, is_folder: bool) -> bool:
        if self.request.exclude and self._left_out.matches(os.path.relpath(self.home(path)) + "/" * is_folder):
            return True
        settings = self.settings_of(path)
        return bool(settings.config.exclude) and settings.excludes(self.home(path), is_folder)

    def around(self, asked: Iterable[SourcePath]) -> list[SourcePath]:
        """The files to link: those asked for, and the whole project when they were named one by one."""
        asked = list(asked)
        named_alone = bool(self.request.paths) and not any(os.path.isdir(path) for path in self.request.paths)
        if not asked or not named_alone or self.request.isolated or not self.settings.is_project:
            return asked
        root = str(self.settings.root)
        whole = self.discover([self.copy.inside(root) if self.copy else root]).sources
        return list({source.file: source for source in [*whole, *asked]}.values())

    def rules_of(self, settings: Settings) -> tuple[Rule, ...]:
        """The rules wanted where these settings hold: the command line speaks last."""
        config = settings.config
        if self.request.select:
            config = msgspec.structs.replace(config, select=self.request.select, extend_select=())
        if self.request.preview:
            config = msgspec.structs.replace(config, preview=True)
        return msgspec.structs.replace(config, ignore=(*config.ignore, *self.request.ignore)).rules(self.catalogue)

    def rules_for(self, sources: Iterable[SourcePath]) -> tuple[Rule, ...]:
        """All rules that any of the files asks for."""
        files = {os.path.dirname(source.file): source.file for source in sources}
        settings = {id(found): found for found in map(self.settings_of, files.values())}
        codes = {rule.code for one in (*settings.values(), self.settings) for rule in self.rules_of(one)}
        return tuple(rule for rule in self.catalogue if rule.code in codes)

    def internal(self, source: SourcePath) -> SourcePath:
        """The same file under the name it has wherever the scan is started from."""
        file = self.home(source.file)
        relative = os.path.relpath(file, self.base)
        path = Path(file if relative.startswith("..") else relative).as_posix()
        return msgspec.structs.replace(source, path=path)

    def wanted(self, finding: Finding, file: str) -> Finding | None:
        """The finding as the settings for its file have it; None when they leave it out."""
        meant = self._meant(finding, file)
        return meant if meant is not None and self._is_sure(meant, file) else None

    def is_too_unsure(self, finding: Finding, file: str) -> bool:
        """Would it be told, were it surer?"""
        meant = self._meant(finding, file)
        return meant is not None and meant.suppressed is None and not self._is_sure(meant, file)

    def _is_sure(self, finding: Finding, file: str) -> bool:
        return at_least(finding.confidence, self._floor(file))

    def _floor(self, file: str) -> str:
        return self.request.min_confidence or self.settings_of(file).config.min_confidence

    def least_shown(self, sources: Iterable[SourcePath]) -> str:
        """How sure a finding has to be to be shown in any of the files; who names rules hears what there is more of."""
        if self.request.select:
            return "low"
        return min({self._floor(source.file) for source in sources}, key=CONFIDENCES.index, default="low")

    def _meant(self, finding: Finding, file: str) -> Finding | None:
        """The same, however sure it is."""
        finding = limited(finding)
        settings, file = self.settings_of(file), self.home(file)
        severity = settings.severity_of(finding, file, self.catalogue)
        if not as_severe(severity, self.request.min_severity or settings.config.min_severity):
            return None
        if finding.rule not in self._codes_of(settings) or not settings.wants(finding, file, self.catalogue):
            return None
        return finding if severity == finding.severity else msgspec.structs.replace(finding, severity=severity)

    def _codes_of(self, settings: Settings) -> set[str]:
        key = id(settings)
        if key not in self._chosen:
            self._chosen[key] = {rule.code for rule in self.rules_of(settings)}
        return self._chosen[key]


def scan(request: Request, progress: Progress | None = None) -> ScanResult:
    """Everything a request asks for. Raises UnknownRule for a rule nobody knows."""
    project = Project(request)
    found = project.discover([p for p in request.paths if p not in request.given or os.path.lexists(p)])
    asked = found.sources + _given_only(request, found.sources)
    given = {os.path.abspath(path): data for path, data in request.given.items()}
    return scan_sources(project, found, asked, project.around(asked), given, progress)


def scan_sources(
    project: Project,
    found: Found,
    asked: Sequence[SourcePath],
    linked: Sequence[SourcePath],
    given: Mapping[str, bytes],
    progress: Progress | None = None,
) -> ScanResult:
    """Scans `linked` and tells what is wanted of `asked`."""
    inner = [project.internal(source) for source in linked]
    files = {source.path: source.file for source in inner}
    content = {path: given[file] for path, file in files.items() if file in given}
    shown = {path: source.path for path, source in zip(files, linked, strict=True)}
    about = frozenset(project.internal(source).path for source in asked)
    few = about if len(about) <= len(inner) * _FEW else None
    least = project.least_shown(asked)
    result = scan_files(inner, project.options(project.rules_for(asked), least), content, progress, asked=few)
    mine = [finding for finding in result.findings if finding.path in about]
    if least == "low":
        result.less_sure = sum(project.is_too_unsure(finding, files[finding.path]) for finding in mine)
    result.findings = list(told(project, mine, about, files, shown))
    problems = [problem for problem in result.problems if problem.path in about]
    renamed = [msgspec.structs.replace(p, path=shown[p.path]) for p in problems]
    result.problems = sorted([*found.problems, *renamed], key=lambda problem: (problem.path, problem.kind))
    if not project.request.min_confidence and not project.request.min_severity:
        result.about = frozenset(shown[path] for path in about)
    result.counts.asked = len(about) - sum(problem.kind == "unreadable" for problem in problems)
    result.counts.failed = sum(problem.kind == "unreadable" for problem in result.problems)
    result.counts.skipped = sum(problem.kind in ("too-large", "unsupported", "outside") for problem in result.problems)
    result.unused_suppressions = {files[p]: u for p, u in result.unused_suppressions.items() if p in about}
    for wrong in project.configuration.problems:
        result.errors.append(wrong.text)
        result.frames[wrong.text] = wrong.frame
    return result


def told(
    project: Project,
    findings: Iterable[Finding],
    about: AbstractSet[str],
    files: Mapping[str, str],
    shown: Mapping[str, str],
) -> Iterable[Finding]:
    """The findings wanted, under the paths a reader knows."""
    for finding in findings:
        kept = project.wanted(finding, files[finding.path]) if finding.path in about else None
        if kept is not None:
            evidence = tuple(Step(shown.get(s.path, s.path), s.line, s.message) for s in kept.evidence)
            runtime = with_paths(kept.runtime, shown) if kept.runtime else kept.runtime
            yield msgspec.structs.replace(kept, path=shown[kept.path], evidence=evidence, runtime=runtime)


def mark_known(result: ScanResult, settings: Settings, baseline: str | None = None) -> None:
    """Marks the findings that the baseline knows: the named one, or that of the settings."""
    if baseline is None and settings.config.baseline:
        baseline = str(settings.origins["baseline"].parent / settings.config.baseline)
    if baseline is None:
        return
    file = Path(baseline)
    try:
        result.findings, stale = apply(read_baseline(file), file, result.findings, result.about, result.codes)
    except BaselineError as error:
        result.errors.append(f"{error}; all findings are shown")
        return
    if stale:
        result.warnings.append(f"{file}: stale entries: {len(stale)}; `llmlint baseline update` removes them")


def processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _anchor(paths: Sequence[str]) -> Path:
    """Where to look for the project's settings: at the first path there is."""
    return next((Path(path) for path in paths if os.path.exists(path)), Path())


def _base(settings: Settings, paths: Sequence[str]) -> Path:
    """The folder that files are named from inside a scan."""
    if settings.is_project:
        return settings.root
    here = Path.cwd()
    anchor = _anchor(paths).absolute()
    return here if anchor.is_relative_to(here) else anchor.parent


def _given_only(request: Request, sources: Sequence[SourcePath]) -> list[SourcePath]:
    """Files that exist only in the request: a new file an editor has not saved yet."""
    known = {source.file for source in sources}
    missing = [path for path in request.given if os.path.abspath(path) not in known]
    return [SourcePath(Path(path).as_posix(), os.path.abspath(path), language_of(path) or "python") for path in missing]
