"""What docs/editors.md prints for editors works as it is printed: in a real Neovim, and as Helix reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from serving_code import ALL_SHOWN

pytest.importorskip("pygls", reason="pygls is not installed: pip install -e '.[lsp]'")

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent

WRONG = 'def shown(value: int | float) -> str:\n    return f"{value:g}"\n'

WATCH = """
vim.api.nvim_create_autocmd("DiagnosticChanged", { callback = function()
  local found = vim.diagnostic.get(0)
  if #found == 0 then return end
  local seen = {}
  for _, one in ipairs(found) do seen[#seen + 1] = { line = one.lnum + 1, code = one.code, source = one.source } end
  vim.fn.writefile({ vim.json.encode(seen) }, "seen.json")
  vim.cmd("qall!")
end })
vim.defer_fn(function() vim.cmd("cquit 7") end, 60000)
"""


def printed(language: str) -> str:
    """The one block of this language that the page has."""
    page = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"^( *)```{language}\n(.*?)^\1```", page, re.MULTILINE | re.DOTALL)
    return textwrap.dedent(block[1])


@pytest.fixture
def desk(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "llmlint.toml").write_text(f"root = true\n{ALL_SHOWN}")
    (tmp_path / "numbers.py").write_text(WRONG)
    return {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
    }


def test_neovim_shows_findings_with_what_the_page_prints(tmp_path: Path, desk: dict[str, str]) -> None:
    nvim = shutil.which("nvim", path=desk["PATH"])
    if not nvim:
        pytest.skip("nvim is not installed: pip install -e '.[dev]'")
    (tmp_path / "init.lua").write_text(printed("lua") + WATCH)
    command = [nvim, "--headless", "-u", "init.lua", "numbers.py"]
    ran = subprocess.run(command, cwd=tmp_path, env=desk, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads((tmp_path / "seen.json").read_text()) == [{"line": 2, "code": "LLM401", "source": "llmlint"}]


def test_helix_starts_the_server_beside_its_own_ones(tmp_path: Path, desk: dict[str, str]) -> None:
    settings = tomllib.loads(printed("toml"))
    (server,) = settings["language-server"].values()
    (name,) = settings["language-server"]
    assert {language["name"] for language in settings["language"]} == {"python", "c", "cpp"}
    assert all(language["language-servers"][-1] == name for language in settings["language"])
    command = [server["command"], *server["args"], "--help"]
    ran = subprocess.run(command, cwd=tmp_path, env=desk, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
