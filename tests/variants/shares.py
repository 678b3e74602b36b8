"""`python tests/variants/shares.py`: the share of variants judged rightly. `--write` makes known.toml of the rest."""

import sys
import tomllib
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from variants_of import failures

from llmlint.catalogue import load_catalogue

HEAD = """\
# What is judged wrongly today, by kind, rule, case and variant. A page's Bad case is called by its marked function, a
# Good one by the first thing that it defines. The list only shrinks:
# a line whose variant is judged rightly fails the test. `inherent` are those that no fact of the program tells, with
# the reason.
"""
KNOWN = Path(__file__).with_name("known.toml")


def main() -> None:
    tables: dict[str, str] = {}
    inherent = tomllib.loads(KNOWN.read_text("utf-8"))["inherent"]
    every: set[str] = set()
    for heading, kind, title in (("Bad", "FN", "misses"), ("Good", "FP", "false_alarms")):
        wrong: set[str] = set()
        tried: Counter[str] = Counter()
        for rule in load_catalogue():
            if not rule.reported_by_engine:
                names, counts = failures(rule, heading)
                wrong |= names
                tried += counts
        failed = Counter(name.removeprefix(f"{kind}_") for name in wrong)
        every |= wrong
        tables[title] = "".join(f'    "{name}",\n' for name in sorted(wrong - inherent.keys()))
        for variant in sorted(tried):
            of_kind = sum(name.endswith(f"_{variant}") for name in failed)
            print(f"{heading:5} {variant:13} {tried[variant] - of_kind:4} of {tried[variant]:4}")
        right, total = tried.total() - len(wrong), tried.total()
        print(f"{heading:5} {'all':13} {right:4} of {total:4} ({right / total:.1%})")
    if "--write" in sys.argv:
        rows = "".join(f"\n{title} = [\n{names}]\n" for title, names in tables.items())
        reasons = "".join(f'"{name}" = "{why}"\n' for name, why in sorted(inherent.items()) if name in every)
        KNOWN.write_text(f"{HEAD}{rows}\n[inherent]\n{reasons}", "utf-8")


if __name__ == "__main__":
    main()
