"""What tests of the benchmarks share: small real git histories."""

import subprocess

import pytest


class Repository:
    """A small real git repository that a test grows commit by commit."""

    def __init__(self, folder):
        self.folder = folder
        self.git("init", "--quiet", str(folder))

    def git(self, *arguments):
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *(() if arguments[0] == "init" else ("-C", str(self.folder))), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, files, message="change"):
        for path, text in files.items():
            target = self.folder / path
            if text is None:
                self.git("rm", "--quiet", path)  # takes emptied folders along
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "histories" / "acme+engine"
    folder.mkdir(parents=True)
    return Repository(folder)
