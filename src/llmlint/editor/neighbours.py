"""Which files a file is best understood with: those it imports or includes, and those that import it, nearest first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from llmlint.code.facts.facts import ImportFact
from llmlint.code.link.modules import ModuleMap


class Neighbours:
    """The imports of all files, as a graph between their paths."""

    def __init__(self, imports: Mapping[str, tuple[ImportFact, ...]]) -> None:
        self._modules = ModuleMap(imports)
        self._modules.learn_outer_package(f.module for facts in imports.values() for f in facts if not f.level)
        self._by_name: dict[str, list[str]] = {}
        for path in imports:
            self._by_name.setdefault(path.rpartition("/")[2], []).append(path)
        self._uses: dict[str, set[str]] = {}
        self._used_by: dict[str, set[str]] = {}
        for path, facts in imports.items():
            self.change(path, facts)

    def change(self, path: str, imports: Iterable[ImportFact]) -> None:
        """The file imports other things now."""
        for used in self._uses.get(path, ()):
            self._used_by[used].discard(path)
        self._uses[path] = {found for fact in imports for found in self._meant(path, fact)} - {path}
        for used in self._uses[path]:
            self._used_by.setdefault(used, set()).add(path)

    def _meant(self, path: str, fact: ImportFact) -> Iterator[str]:
        if not path.endswith((".py", ".pyi")):
            name = fact.module.strip('<>"')
            yield from (p for p in self._by_name.get(name.rpartition("/")[2], ()) if f"/{p}".endswith(f"/{name}"))
            return
        module = self._modules.absolute(path, fact)
        for name in (f"{module}.{fact.target}", module) if fact.target else (module,):
            found = self._modules.find(name, path)
            if found:
                yield found

    def of(self, path: str, lines: Mapping[str, int], most_lines: int) -> list[str]:
        """The file itself, then others from near to far, as many as have so many lines together."""
        found, left = [path], most_lines - lines.get(path, 0)
        waiting, seen = deque([path]), {path}
        while waiting:
            here = waiting.popleft()
            for near in [*sorted(self._uses.get(here, ())), *sorted(self._used_by.get(here, ()))]:
                if near in seen or lines.get(near, 0) > left:
                    continue
                seen.add(near)
                found.append(near)
                left -= lines.get(near, 0)
                waiting.append(near)
        return found
