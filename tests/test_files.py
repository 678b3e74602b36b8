"""Which files a scan reads."""

import os
import random
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlint.files import discover
from llmlint.ignores import Patterns
from llmlint.pattern_index import PatternIndex


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def make(folder, *paths):
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x = 1\n")


def found(*paths, **options):
    return [source.path for source in discover(paths or ["."], **options).sources]


def problems(*paths, **options):
    return [(problem.path, problem.kind) for problem in discover(paths or ["."], **options).problems]


# ---------------------------------------------------------------- languages


def test_the_suffix_says_the_language(here):
    make(here, "a.py", "b.c", "c.cpp", "d.cu", "e.h", "f.CUH", "g.pyi", "h.metal", "i.txt", "README")
    languages = {source.path: source.language for source in discover(["."]).sources}
    assert languages == {"a.py": "python", "b.c": "c", "c.cpp": "cpp", "d.cu": "cuda", "e.h": "cpp", "f.CUH": "cuda"}


def test_a_script_without_a_suffix_is_read_when_it_is_given_by_name(here):
    (here / "serve").write_text("#!/usr/bin/env python3\nprint()\n")
    assert found("serve") == ["serve"]
    assert found(".") == []


def test_a_file_given_by_name_that_no_front_end_reads_is_reported(here):
    make(here, "kernel.metal", "stub.pyi")
    assert problems("kernel.metal", "stub.pyi") == [("kernel.metal", "unsupported")]


# ---------------------------------------------------------------- names and order


def test_paths_are_relative_to_the_working_directory_and_absolute_outside_it(here, tmp_path):
    make(here, "pkg/a.py", "..data/b.py")
    make(tmp_path, "other/c.py")
    assert found("pkg", "..data", "../other") == ["..data/b.py", f"{tmp_path.as_posix()}/other/c.py", "pkg/a.py"]


def test_the_file_to_open_is_absolute(here):
    make(here, "pkg/a.py")
    assert [source.file for source in discover(["pkg"]).sources] == [str(here / "pkg/a.py")]


def test_order_and_repetition_of_the_given_paths_change_nothing(here):
    make(here, "a/b/c.py", "a/d.py", "e.py", "f/g.py")
    paths = [".", "a", "a/b", "./a/d.py", "e.py", str(here / "f"), "f/../e.py"]
    expected = ["a/b/c.py", "a/d.py", "e.py", "f/g.py"]
    for seed in range(10):
        random.Random(seed).shuffle(paths)
        assert found(*paths) == expected


def test_an_empty_folder_holds_nothing_and_is_no_problem(here):
    assert discover(["."]).sources == []
    assert problems() == []


# ---------------------------------------------------------------- what is left out


def test_nested_gitignores_hide_files_and_may_take_them_back_in(here):
    make(here, "a.py", "gen/b.py", "sub/gen_c.py", "sub/keep/gen_d.py", "sub/deep/e.py", "sub/deep/f.py")
    (here / ".gitignore").write_text("gen/\ngen_*.py\n")
    (here / "sub/keep/.gitignore").write_text("!gen_d.py\n")
    (here / "sub/deep/.gitignore").write_text("/e.py\n")
    assert found() == ["a.py", "sub/deep/f.py", "sub/keep/gen_d.py"]
    assert len(found(respect_gitignore=False)) == 6


def test_the_gitignores_above_a_folder_count_up_to_the_top_of_the_repository(here):
    make(here, "pkg/a.py", "pkg/gen_b.py", "pkg/local.py", ".git/config")
    (here.parent / ".gitignore").write_text("a.py\n")
    (here / ".gitignore").write_text("gen_*.py\n")
    (here / ".git/info").mkdir()
    (here / ".git/info/exclude").write_text("local.py\n")
    assert found("pkg") == ["pkg/a.py"]
    assert found(".") == ["pkg/a.py"]


def test_what_is_given_by_name_is_read_even_where_a_gitignore_hides_it(here):
    make(here, "build/a.py", ".git/config")
    (here / ".gitignore").write_text("build/\n")
    assert found() == []
    assert found("build/a.py") == ["build/a.py"]
    assert found("build") == ["build/a.py"]


def test_folders_of_other_peoples_code_are_never_entered(here):
    make(here, "a.py", ".venv/b.py", "node_modules/c.py", "__pycache__/d.py", "env/e.py", "env/pyvenv.cfg", ".git/f.py")
    assert found() == ["a.py"]


def test_exclude_patterns_are_those_of_a_gitignore_from_the_working_directory(here):
    make(here, "a.py", "tests/b.py", "pkg/tests/c.py", "pkg/d_pb2.py")
    assert found(exclude=["tests/", "*_pb2.py"]) == ["a.py"]
    assert found(exclude=["/tests/"]) == ["a.py", "pkg/d_pb2.py", "pkg/tests/c.py"]


def test_exclude_patterns_reach_files_given_by_name_only_when_forced(here):
    make(here, "tests/a.py")
    assert found("tests/a.py", exclude=["tests/"]) == ["tests/a.py"]
    assert found("tests/a.py", exclude=["tests/"], force_exclude=True) == []
    assert found("tests", exclude=["tests/"], force_exclude=True) == []


def test_exclude_patterns_hold_outside_the_working_directory_too(here, tmp_path):
    make(tmp_path, "other/a.py", "other/tests/b.py")
    assert found("../other", exclude=["tests/"]) == [f"{tmp_path.as_posix()}/other/a.py"]


names = st.sampled_from(["a.py", "b.py", "gen", "sub", "sub/a.py", "gen/a.py", "sub/gen/b.py", "gen_a.py"])
patterns = st.sampled_from(
    [
        "*.py",
        "!a.py",
        "gen/",
        "/gen",
        "sub/*",
        "!sub/a.py",
        "**/gen",
        "gen_*",
        "# note",
        "",
        "[ab].py",
        "sub/**/b.py",
        "g?n",
        "*n_*",
        "\\gen",
        "s\\ub/*",
        "[!b]en_a*",
        "gen/ ",
        "gen ",
        "*[e-n]n/b*",
        "b.p[y]",
    ]
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


@settings(max_examples=60)
@given(st.lists(patterns, min_size=1, max_size=5), st.lists(names, min_size=1, max_size=8))
def test_patterns_mean_what_they_mean_to_git(repository, lines, paths):
    (repository / ".gitignore").write_text("\n".join(lines))
    command = ["git", "-C", str(repository), "check-ignore", "--no-index", "--stdin"]
    told = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True).stdout.split()
    for path in paths:
        above = [path[: at + 1] for at, sign in enumerate(path) if sign == "/"]
        ours = any(Patterns(lines).verdict(part) for part in [*above, path])  # nothing is taken back from a folder
        assert ours == (path in told), (lines, path)


@given(st.lists(patterns, min_size=1, max_size=5), names)
def test_what_is_not_tried_would_not_have_matched(lines, path):
    index = PatternIndex()
    written = Patterns(lines).written
    for number, pattern in enumerate(written):
        index.add(number, pattern)
    matching = [number for number, pattern in enumerate(written) if Patterns([pattern]).matches(path)]
    assert set(matching) <= set(index.might_match(path))


@pytest.mark.parametrize("pattern", ["gen_{}", "/build/{}/", "*_{}.py", "[ab]*{}?", "sub/**/layer_{}_*"])
def test_of_many_patterns_those_are_tried_that_might_match(pattern):
    index = PatternIndex()
    for number in range(10_000):
        index.add(number, pattern.format(f"{number:05d}"))
    path = pattern.replace("[ab]", "a").replace("*", "a").replace("?", "a").format("01234").strip("/")
    assert 1234 in index.might_match(path)
    assert len(index.might_match(path)) < 200
    assert len(index.might_match("src/engine.py")) < 20


# ---------------------------------------------------------------- links


def test_a_file_behind_links_is_read_once_under_its_real_name(here):
    make(here, "real/a.py")
    (here / "alias").symlink_to("real")
    (here / "alias.py").symlink_to("real/a.py")
    assert found() == ["real/a.py"]


def test_a_link_out_of_the_tree_is_named_and_not_followed(here, tmp_path):
    make(tmp_path, "shared/a.py", "shared/b.txt")
    (here / "pkg").symlink_to(tmp_path / "shared")
    (here / "a.py").symlink_to(tmp_path / "shared" / "a.py")
    (here / "b.txt").symlink_to(tmp_path / "shared" / "b.txt")
    assert discover(["."]).sources == []
    assert [(p.path, p.kind) for p in discover(["."]).problems] == [("a.py", "outside"), ("pkg", "outside")]


def test_a_link_to_elsewhere_in_the_repository_is_followed(here, tmp_path):
    (tmp_path / ".git").mkdir()
    make(tmp_path, "shared/a.py")
    (here / "pkg").symlink_to(tmp_path / "shared")
    assert found() == ["pkg/a.py"]


def test_a_link_to_a_folder_above_leads_nowhere(here, tmp_path):
    make(here, "pkg/a.py")
    make(tmp_path, "beside.py")
    (here / "pkg/loop").symlink_to(tmp_path)
    (here / "pkg/self").symlink_to("self")
    assert found("pkg") == ["pkg/a.py"]


# ---------------------------------------------------------------- problems


def test_a_path_that_does_not_exist_is_missing_and_costs_no_other(here):
    make(here, "a.py")
    assert found("a.py", "gone.py") == ["a.py"]
    assert problems("a.py", "gone.py") == [("gone.py", "missing")]


def test_a_dangling_link_is_reported(here):
    (here / "a.py").symlink_to("gone.py")
    assert problems() == [("a.py", "unreadable")]


def test_a_file_too_large_is_skipped_with_its_limit(here):
    (here / "big.py").write_text("x = 1\n" * 1000)
    (problem,) = discover(["."], max_bytes=1_000).problems
    assert (problem.path, problem.kind) == ("big.py", "too-large")
    assert "0.001 MB" in problem.message
    assert found(max_bytes=10_000) == ["big.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_reported_and_not_waited_for(here):
    os.mkfifo(here / "pipe.py")
    os.mkfifo(here / "pipe")
    assert problems("pipe.py") == [("pipe.py", "unreadable")]
    assert problems("pipe") == [("pipe", "unsupported")]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_not_be_entered_is_reported(here):
    make(here, "a.py", "locked/b.py")
    (here / "locked").chmod(0)
    try:
        assert (found(), problems()) == (["a.py"], [("locked", "unreadable")])
    finally:
        (here / "locked").chmod(0o755)


def test_a_name_that_is_not_utf_8_is_reported_in_a_form_that_can_be_printed(here):
    make(here, "a.py")
    try:
        (here / os.fsdecode(b"caf\xe9.py")).write_text("x = 1\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    assert found() == ["a.py"]
    assert problems() == [("caf\\xe9.py", "unreadable")]
