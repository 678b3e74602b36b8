import subprocess

import pytest

from benchmarks.histories import ROOT, HistoryError, WorkTree, existing, find_history, sources


@pytest.fixture
def tree(tmp_path, repository):
    with find_history(tmp_path / "histories", "acme/engine") as history:
        yield WorkTree(history, tmp_path / "tree")


def contents(tree):
    return {str(file.relative_to(tree.folder)): file.read_text() for file in tree.folder.rglob("*") if file.is_file()}


def test_a_clone_is_found_under_its_usual_names(tmp_path, repository):
    bare = tmp_path / "bare" / "acme" / "engine" / "repo"
    repository.commit({"a.py": "a = 1\n"})
    subprocess.run(["git", "clone", "-q", "--bare", str(repository.folder), str(bare)], check=True)

    with find_history(tmp_path / "bare", "acme/engine") as history:
        assert history.head() == repository.git("rev-parse", "HEAD")
    assert find_history(tmp_path / "bare", "acme/other") is None


def test_moving_to_another_commit_leaves_exactly_its_files(tree, repository):
    first = repository.commit({"pkg/a.py": "a = 1\n", "pkg/b.py": "b = 1\nc = 2\n"})
    second = repository.commit({"pkg/b.py": None, "pkg/a.py": "a = 2\n", "pkg/c.py": "d = 1\n"})

    tree.lay(tree.history.files(first))
    assert contents(tree) == {"pkg/a.py": "a = 1\n", "pkg/b.py": "b = 1\nc = 2\n"}
    assert tree.lines == 3

    tree.lay(tree.history.files(second))
    assert contents(tree) == {"pkg/a.py": "a = 2\n", "pkg/c.py": "d = 1\n"}
    assert tree.lines == 2


def test_only_changed_files_are_written_again(tree, repository):
    first = repository.commit({"same.py": "a = 1\n", "other.py": "b = 1\n"})
    second = repository.commit({"other.py": "b = 2\n"})
    tree.lay(tree.history.files(first))
    (tree.folder / "same.py").write_text("left alone\n")

    tree.lay(tree.history.files(second))

    assert contents(tree) == {"same.py": "left alone\n", "other.py": "b = 2\n"}


def test_a_folder_may_become_a_file_and_back(tree, repository):
    first = repository.commit({"server.py/main.py": "a = 1\n"})
    second = repository.commit({"server.py/main.py": None, "server.py": "b = 1\n"})

    for commit in (first, second, first):
        tree.lay(tree.history.files(commit))
        assert contents(tree).keys() == tree.history.files(commit).keys()


def test_scopes_keep_sources_in_their_folders_and_root_means_no_folder():
    files = dict.fromkeys(["ggml.c", "src/llama.cpp", "docs/conf.py", "src/notes.md", "srcs/x.cpp"], "0")

    assert sources(files, ["src"]).keys() == {"src/llama.cpp"}
    assert sources(files, [ROOT]).keys() == {"ggml.c"}


def test_scan_arguments_name_only_what_is_there(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "ggml.c").write_text("")

    assert list(existing(tmp_path, ["src", "include", ROOT])) == ["src", "ggml.c"]


def test_an_unknown_commit_is_named(tree, repository):
    repository.commit({"a.py": ""})

    with pytest.raises(HistoryError, match="deadbeef"):
        tree.history.files("deadbeef")
