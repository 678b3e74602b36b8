"""Rules of one's own: written as docs/own-rules.md says, and run only where the user says so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TUTORIAL = (ROOT / "docs" / "own-rules.md").read_text(encoding="utf-8")

RUNNER = """class Runner:
    def __init__(self, pool):
        self.pool = pool

    def prefill(self, request):
        return self.pool.alloc(4)

    def decode(self, request):
        return self.pool.alloc(1, owner=request.request_id)
"""


def llmlint(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As the console script runs: the working directory is not on the path."""
    command = [sys.executable, "-P", "-m", "llmlint", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def codes(done: subprocess.CompletedProcess[str]) -> list[tuple[str, int]]:
    return [(finding["rule"], finding["line"]) for finding in json.loads(done.stdout)["findings"]]


def block(language: str, number: int = 0) -> str:
    """A block of the tutorial, by the language it names."""
    blocks = re.findall(r"^(`{3,4})(\w*)\n(.*?)^\1$", TUTORIAL, re.MULTILINE | re.DOTALL)
    return [code for _, of, code in blocks if of == language][number]


@pytest.fixture(autouse=True)
def users_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


@pytest.fixture
def fork(tmp_path: Path) -> Path:
    """A project whose folder `lint` holds the tutorial's rule; its checker leaves a mark when it is loaded."""
    folder = tmp_path / "fork"
    (folder / ".git").mkdir(parents=True)
    (folder / "runner.py").write_text(RUNNER)
    new = ("new-rule", "ownerless-alloc", "--code", "ACME101", "--title", "Blocks that nobody owns", "--root", "lint")
    assert llmlint(folder, *new).returncode == 0
    page = folder / "lint" / "ownerless-alloc.md"
    written = page.read_text()
    before, after = written.index("## Bad"), written.index("## How to fix")
    page.write_text(f"{written[:before]}{block('markdown')}\n{written[after:]}")
    checker = block("python", 0)
    assert checker.startswith('"""ACME101')
    mark = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    (folder / "lint" / "ownerless_alloc.py").write_text(f"{checker}\n{mark}")
    return folder


def ran(fork: Path) -> bool:
    return (fork.parent / "ran").exists()


def test_the_tutorials_rule_passes_its_own_cases(fork: Path) -> None:
    done = llmlint(fork, "test-rules", "lint")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "ACME101 ownerless-alloc: 2 cases right\n"


def test_a_case_that_is_wrong_is_named_with_its_line(fork: Path) -> None:
    (fork / "lint" / "ownerless_alloc.py").write_text("def check_program(program):\n    return ()\n")
    done = llmlint(fork, "test-rules", "lint")
    assert done.returncode == 1
    assert "ownerless-alloc.md: Bad block 1: case.py:3: not found" in done.stderr


def test_the_command_line_says_that_they_run(fork: Path) -> None:
    done = llmlint(fork, "scan", ".", "--rules-from", "lint", "--format", "json")
    assert codes(done) == [("ACME101", 6)]
    assert json.loads(done.stdout)["findings"][0]["confidence"] == "high"
    assert codes(llmlint(fork, "scan", ".", "--rules-from", "lint", "--format", "json", "--select", "ACME")) != []
    assert codes(llmlint(fork, "scan", ".", "--rules-from", "lint", "--format", "json", "--ignore", "ACME101")) == []


@pytest.mark.parametrize("name", ["text", "sarif", "html", "github", "gitlab", "junit", "markdown", "concise"])
def test_every_report_can_tell_of_them(fork: Path, name: str) -> None:
    done = llmlint(fork, "scan", ".", "--rules-from", "lint", "--format", name)
    assert (done.returncode, done.stderr) == (1, "")
    assert "ACME101" in done.stdout


def test_they_are_explained_and_listed(fork: Path) -> None:
    assert "Blocks that nobody owns" in llmlint(fork, "explain", "ACME101", "--rules-from", "lint").stdout
    assert "ACME101" in llmlint(fork, "rules", "--rules-from", "lint").stdout


def test_a_comment_silences_them(fork: Path) -> None:
    (fork / "runner.py").write_text(RUNNER.replace("alloc(4)", "alloc(4)  # llmlint: ignore[ACME101] a warm-up"))
    assert llmlint(fork, "scan", ".", "--rules-from", "lint").returncode == 0


def test_a_changed_checker_is_not_answered_from_the_cache(fork: Path) -> None:
    scan = ("scan", ".", "--rules-from", "lint", "--format", "json")
    assert len(codes(llmlint(fork, *scan))) == 1
    checker = fork / "lint" / "ownerless_alloc.py"
    checker.write_text(checker.read_text().replace('"owner"', '"lender"'))
    assert len(codes(llmlint(fork, *scan))) == 2


# ---------------------------------------------------------------- trust


def test_settings_of_a_tree_that_nobody_trusts_run_nothing(fork: Path) -> None:
    (fork / "llmlint.toml").write_text(block("toml"))
    for arguments in (["scan", "."], ["scan", "runner.py", "-j2"], ["baseline", "write", "."], ["config", "show", "."]):
        done = llmlint(fork, *arguments)
        assert "you have not said that you trust this tree" in done.stderr
        assert done.returncode == 2
    assert not ran(fork)


def test_who_trusts_a_tree_gets_its_rules_until_he_takes_it_back(fork: Path) -> None:
    (fork / "llmlint.toml").write_text(f'{block("toml")}select = ["ACME101"]\n')
    assert llmlint(fork, "trust").returncode == 0
    done = llmlint(fork, "scan", ".", "--format", "json")
    assert (codes(done), done.stderr) == ([("ACME101", 6)], "")
    assert llmlint(fork, "trust", "--revoke").returncode == 0
    (fork.parent / "ran").unlink()
    assert llmlint(fork, "scan", ".").returncode == 2
    assert not ran(fork)


def test_trust_in_one_tree_is_none_in_those_within_and_beside_it(fork: Path) -> None:
    llmlint(fork.parent, "trust", ".")
    (fork / "llmlint.toml").write_text(block("toml"))
    assert llmlint(fork, "scan", ".").returncode == 2
    assert not ran(fork)


def test_rules_outside_of_a_trusted_tree_are_not_its_own(fork: Path) -> None:
    inner = fork / "inner"
    inner.mkdir()
    (inner / "llmlint.toml").write_text('root = true\nrule-paths = ["../lint"]\n')
    llmlint(inner, "trust")
    assert "lies outside of the tree" in llmlint(inner, "scan", ".").stderr
    assert not ran(fork)


def test_the_pylint_plugin_never_loads_them(fork: Path) -> None:
    (fork / "llmlint.toml").write_text(block("toml"))
    llmlint(fork, "trust")
    command = [sys.executable, "-m", "pylint", "--load-plugins=llmlint.pylint_plugin", "--disable=C,R", "runner.py"]
    done = subprocess.run(command, cwd=fork, capture_output=True, text=True, timeout=120, check=False)
    assert "ACME101" not in done.stdout
    assert not ran(fork)


def test_a_distribution_that_lies_in_the_tree_is_not_installed(fork: Path) -> None:
    record = fork / "evil-1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.4\nName: evil\nVersion: 1\n")
    (record / "entry_points.txt").write_text("[llmlint.rules]\nevil = lint\n")
    environment = {**os.environ, "PYTHONPATH": f"{fork}{os.pathsep}{os.environ.get('PYTHONPATH', ROOT / 'src')}"}
    command = [sys.executable, "-P", "-m", "llmlint", "scan", "."]
    subprocess.run(command, cwd=fork, env=environment, capture_output=True, timeout=120, check=False)
    assert not ran(fork)


def test_an_installed_package_offers_rules(fork: Path, tmp_path: Path) -> None:
    """As pip lays it out, in the user's own site folder."""
    base = tmp_path / "user"
    asked = [sys.executable, "-c", "import site; print(site.getusersitepackages())"]
    environment = {**os.environ, "PYTHONUSERBASE": str(base)}
    place = Path(subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout.strip())
    place.mkdir(parents=True)
    (fork / "lint").rename(place / "acme_rules")
    record = place / "acme-1.dist-info"
    record.mkdir()
    (record / "METADATA").write_text("Metadata-Version: 2.4\nName: acme\nVersion: 1\n")
    (record / "entry_points.txt").write_text("[llmlint.rules]\nacme = acme_rules\n")
    assert 'acme = "acme_rules"' in block("toml", 1)
    environment["PYTHONPATH"] = f"{ROOT / 'src'}{os.pathsep}{place}"  # a virtual environment has no user site
    with_users_site = "import site; site.ENABLE_USER_SITE = True; from llmlint.cli import main"
    code = f"{with_users_site}; main(['scan', '.', '--format', 'json'])"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=fork, env=environment, capture_output=True, text=True, check=False
    )
    assert codes(done) == [("ACME101", 6)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('code = "ACME101"', 'code = "LLM101"'), "LLM is llmlint's own prefix"),
        (('name = "ownerless-alloc"', 'name = "other"'), "is called other.md"),
        (('severity = "P2"', 'severity = "bad"'), "Invalid enum value 'bad'"),
        (("+++\n", ""), "starts with TOML"),
    ],
)
def test_a_page_that_is_no_rules_page_is_wrong_use_and_not_a_fault(
    fork: Path, change: tuple[str, str], said: str
) -> None:
    page = fork / "lint" / "ownerless-alloc.md"
    page.write_text(page.read_text().replace(*change))
    done = llmlint(fork, "scan", ".", "--rules-from", "lint")
    assert done.returncode == 2
    assert said in done.stderr


def test_a_name_that_llmlints_own_rules_have_is_wrong_use_wherever_it_is_said(fork: Path) -> None:
    page = fork / "lint" / "ownerless-alloc.md"
    (fork / "lint" / "lock-order.md").write_text(page.read_text().replace("ownerless-alloc", "lock-order"))
    (fork / "lint" / "ownerless_alloc.py").rename(fork / "lint" / "lock_order.py")
    page.unlink()
    (fork / "llmlint.toml").write_text('root = true\nrule-paths = ["lint"]\n')
    assert llmlint(fork, "trust", ".").returncode == 0
    for done in (llmlint(fork, "scan", "."), llmlint(fork, "scan", ".", "--no-config", "--rules-from", "lint")):
        assert done.returncode == 2, done.stderr
        assert "lock-order" in done.stderr


def test_a_checker_that_fails_costs_its_own_findings_only(fork: Path) -> None:
    (fork / "lint" / "ownerless_alloc.py").write_text("def check_program(program):\n    raise ValueError('no')\n")
    done = llmlint(fork, "scan", ".", "--rules-from", "lint")
    assert done.returncode == 3
    assert "ACME101 ownerless-alloc failed: ValueError: no" in done.stderr


def test_a_folder_without_rules_is_wrong_use(fork: Path) -> None:
    (fork / "empty").mkdir()
    assert llmlint(fork, "scan", ".", "--rules-from", "empty").returncode == 2
