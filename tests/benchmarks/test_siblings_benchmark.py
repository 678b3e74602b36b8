"""Pairs of fixes are about bugs of the manifest, the earlier one first."""

from benchmarks.real_bugs.cases import load_cases
from benchmarks.siblings.__main__ import load_pairs


def test_every_pair_is_of_one_project_and_the_earlier_fix_is_learnt_from():
    cases = {case.id: case for case in load_cases()}
    for pair in load_pairs():
        learnt, later = cases[pair.learnt], cases[pair.later]
        assert learnt.project == later.project
        assert learnt.date <= later.date, pair.shared
