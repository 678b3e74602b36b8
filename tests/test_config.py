"""Settings: from the nearest file upwards, key by key, for the files below it; what is wrong is named."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from serving_code import LEFT, NOOP

from llmlint.catalogue import load_catalogue
from llmlint.cli import main
from llmlint.config import Config, Configuration, Settings, settings_schema
from llmlint.ignores import Patterns
from llmlint.project import Project, Request, scan


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "engine" / "worker").mkdir(parents=True)
    (tmp_path / "engine" / "pool.py").write_text(NOOP)
    (tmp_path / "engine" / "worker" / "scheduler.py").write_text(LEFT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, text: str, name: str = "llmlint.toml") -> None:
    (folder / name).write_text(text)


def settings_of(path: Path) -> Settings:
    configuration = Configuration()
    settings = configuration.of(path)
    assert configuration.problems == []
    return settings


def problem(folder: Path, text: str) -> str:
    write(folder, text)
    configuration = Configuration()
    configuration.of(folder)
    (only,) = configuration.problems
    return only.text


def found(**asked: object) -> list[tuple[str, str, str]]:
    asked.setdefault("paths", (".",))
    asked.setdefault("min_confidence", "low")
    result = scan(Request(**asked, use_cache=False))  # type: ignore[arg-type]
    assert result.errors == []
    return [(finding.path, finding.rule, finding.severity) for finding in result.findings]


POOL = ("engine/pool.py", "LLM802", "P1")
SCHEDULER = ("engine/worker/scheduler.py", "LLM801", "P1")


def test_without_a_file_the_defaults_hold(tree: Path) -> None:
    assert settings_of(tree).config == Config()
    assert found() == [POOL, SCHEDULER]


def test_a_nearer_file_wins_key_by_key(tree: Path) -> None:
    write(tree, "root = true\njobs = 2\nmin-confidence = 'high'\n")
    write(tree / "engine", "min-confidence = 'low'\n")
    settings = settings_of(tree / "engine" / "pool.py")
    assert (settings.config.jobs, settings.config.min_confidence) == (2, "low")
    assert settings.origins["jobs"] == tree / "llmlint.toml"
    assert settings.origins["min-confidence"] == tree / "engine" / "llmlint.toml"
    assert settings.root == tree


def test_the_walk_upwards_ends_at_a_root(tree: Path) -> None:
    write(tree, "jobs = 7\n")
    write(tree / "engine", "root = true\n")
    settings = settings_of(tree / "engine")
    assert (settings.config.jobs, settings.root) == (0, tree / "engine")


def test_the_walk_upwards_ends_at_the_top_of_a_repository(tree: Path) -> None:
    write(tree, "jobs = 7\n")
    (tree / "engine" / ".git").mkdir()
    settings = settings_of(tree / "engine" / "worker")
    assert (settings.config.jobs, settings.root) == (0, tree / "engine")


def test_pyproject_is_read_where_it_has_a_table_of_ours(tree: Path) -> None:
    write(tree, "[tool.llmlint]\njobs = 3\n", "pyproject.toml")
    write(tree / "engine", "[tool.other]\nx = 1\n", "pyproject.toml")
    assert settings_of(tree / "engine").config.jobs == 3


@pytest.mark.parametrize(
    ("text", "is_told"),
    [("{%- if core -%}\nname = 'x'\n", False), ("[tool.llmlint\n", True), ("[tool.black\n", False)],
)
def test_a_pyproject_that_does_not_parse_is_told_where_it_speaks_of_us(tree: Path, text: str, is_told: bool) -> None:
    """The template of a project lies in the trees of those who make projects, and loses nobody a setting."""
    (tree / "engine" / "pyproject.toml").write_text(text)
    assert bool(scan(Request((".",), use_cache=False)).errors) == is_told


def test_our_own_file_goes_before_pyproject(tree: Path) -> None:
    write(tree, "[tool.llmlint]\njobs = 3\n", "pyproject.toml")
    write(tree, "jobs = 4\n")
    assert settings_of(tree).config.jobs == 4


def test_preview_turns_on_what_is_off_by_default_and_nothing_that_is_left_out(tree: Path) -> None:
    tried = {rule.code for rule in load_catalogue() if not rule.default}
    assert tried

    def on(**asked: object) -> set[str]:
        project = Project(Request((".",), **asked))  # type: ignore[arg-type]
        return {rule.code for rule in project.rules_of(project.settings)}

    assert not tried & on()
    assert on(preview=True) == on() | tried
    assert on(preview=True, ignore=("LLM951",)) == on() | tried - {"LLM951"}
    assert on(preview=True, select=("LLM802",)) == {"LLM802"}
    write(tree, "root = true\npreview = true\n")
    assert on() >= tried


def test_settings_hold_for_the_files_below_them(tree: Path) -> None:
    write(tree, "root = true\n")
    write(tree / "engine" / "worker", "ignore = ['LLM801']\n")
    assert found() == [POOL]


def test_excludes_are_read_from_the_folder_of_their_file(tree: Path) -> None:
    write(tree / "engine", "exclude = ['/worker/']\n")
    assert found() == [POOL]


def test_a_named_file_is_read_though_excluded_unless_forced(tree: Path) -> None:
    write(tree, "root = true\nexclude = ['pool.py']\n")
    assert found(paths=("engine/pool.py",)) == [POOL]
    assert found(paths=("engine/pool.py",), force_exclude=True) == []


def test_settings_for_paths(tree: Path) -> None:
    write(tree, "root = true\n[[per-path]]\npaths = ['engine/worker/']\nignore = ['LLM8']\n")
    assert found() == [POOL]


def test_settings_for_paths_can_choose_rules_and_severity(tree: Path) -> None:
    write(
        tree,
        "root = true\n[severity]\nnoop-restore = 'P3'\n"
        "[[per-path]]\npaths = ['worker/']\nselect = ['state']\nseverity = {LLM801 = 'P0'}\n",
    )
    assert found() == [("engine/pool.py", "LLM802", "P3"), ("engine/worker/scheduler.py", "LLM801", "P0")]


def test_the_least_severity_counts_what_settings_made_of_it(tree: Path) -> None:
    write(tree, "root = true\nmin-severity = 'P1'\n[severity]\nLLM802 = 'P2'\n")
    assert found() == [SCHEDULER]


def test_the_command_line_has_the_last_word(tree: Path) -> None:
    write(tree, "root = true\nselect = ['LLM801']\nmin-confidence = 'certain'\n")
    assert found(select=("LLM802",), min_confidence="low") == [POOL]
    assert found(min_confidence="low") == [SCHEDULER]
    assert found(min_confidence="low", ignore=("state",)) == []


def test_words_of_a_project_reach_the_rules(tree: Path) -> None:
    (tree / "engine" / "pool.py").write_text(NOOP.replace("restore_blocks", "unfreeze_blocks"))
    assert found() == [SCHEDULER]
    write(tree, "root = true\n[vocabulary]\nreset = ['unfreeze']\n")
    assert found() == [POOL, SCHEDULER]


LOADER = """
class Loader:
    def load(self, pool, page):
        lease = pool.lease(page)
        if page.is_broken:
            return None
        pool.give(lease)
        return page

    async def fetch(self, hall):
        hall.take_seat()
        page = await self.read()
        hall.leave_seat()
        return page
"""
PROTOCOLS = """
[[tool.llmlint.protocol]]
name = "page"
enter = ["pool.lease"]
leave = ["pool.give"]

[[tool.llmlint.protocol]]
name = "seat"
enter = [".take_seat"]
leave = [".leave_seat"]
held = "receiver"
exits = ["return", "raise", "cancel"]
"""


def test_a_protocol_of_a_project_reaches_the_rules(tree: Path) -> None:
    (tree / "engine" / "loader.py").write_text(LOADER)
    assert found(select=("LLM103",)) == []
    write(tree, PROTOCOLS, "pyproject.toml")
    result = scan(Request((".",), use_cache=False, select=("LLM103",), min_confidence="low"))
    assert [(finding.line, finding.message) for finding in result.findings] == [
        (6, "load returns here without giving back lease (page from pool.lease)"),
        (12, "fetch may be cancelled here without giving back hall (seat from hall.take_seat)"),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("per-file-ignores = {}", "unknown setting 'per-file-ignores'; did you mean 'per-path'"),
        ("disable = []", "unknown setting 'disable'; did you mean 'ignore'"),
        ("zzz = 1", "unknown setting 'zzz'; left out"),
        ("min_confidence = 'high'", "unknown setting 'min_confidence'; did you mean 'min-confidence'"),
        ("excludes = []", "unknown setting 'excludes'; did you mean 'exclude'"),
        ("jobs = 'four'", "jobs must be a whole number, not text"),
        ("min-severity = 'P7'", "min-severity: 'P7' is no severity: P0, P1, P2, P3"),
        ("select = ['LLM8o1']", "no rule matches 'LLM8o1'; did you mean LLM801"),
        ("[severity]\nLLM801 = 'high'", "severity: 'high' is no severity: P0, P1, P2, P3"),
        ("[[per-path]]\npath = ['a']", "unknown key"),
        ("[vocabulary]\nblocking = [{kind = 'file'}]", "vocabulary: blocking[0]"),
        ("[[protocol]]\nname = 'page'\nenter = ['a.b']", "protocol[0]: 'leave' is missing"),
        ("[[protocol]]\nname = 'page'\nenter = []\nleave = ['b']", "length >= 1 (enter)"),
        ("[[protocol]]\nname = 'page'\nenter = ['a']\nleave = ['b']\nheld = 'hand'", "protocol[0].held: 'hand'"),
        ("[[protocol]]\nname = 'page'\nenter = ['a']\nleave = ['b']\nleafe = ['c']", "unknown key 'leafe'"),
        ("[[protocol]]\nname = 'page'\nenter = ['+= a']\nleave = ['-= a']", "'+= a' is a change"),
        ("[[protocol]]\nname = 'page'\nenter = ['take it']\nleave = ['b']", "neither a call nor a change"),
        ("jobs = ", "Invalid value"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_key(tree: Path, text: str, complaint: str) -> None:
    said = problem(tree, text)
    assert said.startswith("llmlint.toml:")
    assert complaint in said


def test_the_rest_of_a_broken_file_still_holds(tree: Path) -> None:
    write(tree, "root = true\nignore = ['LLM802']\nbogus = 1\n")
    result = scan(Request((".",), use_cache=False, min_confidence="low"))
    assert [finding.rule for finding in result.findings] == ["LLM801"]
    assert len(result.errors) == 1


def test_show_prints_each_value_with_where_it_comes_from(tree: Path) -> None:
    write(tree, "root = true\njobs = 2\n")
    write(tree / "engine", "[tool.llmlint]\nignore = ['LLM801']\n", "pyproject.toml")
    result = CliRunner().invoke(main, ["config", "show", "engine/pool.py"])
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert f"jobs = 2  # {tree / 'llmlint.toml'}" in lines
    assert f'ignore = ["LLM801"]  # {tree / "engine" / "pyproject.toml"}' in lines
    assert 'min-confidence = "medium"  # default' in lines
    assert len(lines) == len(Config.__struct_fields__)


def test_the_documentation_lists_every_key() -> None:
    page = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text()
    assert [key for key in Config.__struct_encode_fields__ if f"| `{key}` |" not in page] == []


def test_a_tree_does_not_say_where_the_cache_lies(tree: Path) -> None:
    (tree / "llmlint.toml").write_text('cache-dir = "../elsewhere"\n')
    configuration = Configuration()
    configuration.of(tree)
    assert "--cache-dir" in configuration.problems[0].text
    assert scan(Request(("engine",), min_confidence="low")).findings
    assert not (tree.parent / "elsewhere").exists()


@pytest.mark.parametrize(
    "setting",
    [
        "max-file-mb = inf",
        "max-file-mb = nan",
        "max-file-mb = -1",
        "max-file-mb = 0",
        "jobs = -5",
        "jobs = 100000000000000000000000",
        'baseline = "a\\u0000b"',
        'exclude = ["a\\u0000"]',
        "a." * 5000 + "b = 1",
        "x = " + "[" * 100_000,
        "x = [" + "{a=" * 5000,
        "\x00",
        "select = [" + "1," * 300_000 + "1]",
        "#" * 2_000_000,
    ],
    ids=lambda setting: setting[:20],
)
def test_a_setting_without_sense_is_named_and_left_out(tree: Path, setting: str) -> None:
    (tree / "llmlint.toml").write_text(setting + "\n")
    result = scan(Request(("engine",), min_confidence="low"))
    assert result.findings
    assert len(result.errors) == 1
    assert result.errors[0].startswith("llmlint.toml:")
    assert len(result.errors[0]) < 500


def test_of_settings_that_are_all_mistakes_the_first_hundred_are_told(tree: Path) -> None:
    mistakes = {
        "keys": "".join(f"key_{number} = 1\n" for number in range(3000)),
        "tables": "".join(f"[key_{number}]\n" for number in range(3000)),
        "words": "[vocabulary]\n" + "".join(f"group_{number} = ['a']\n" for number in range(3000)),
    }
    for text in mistakes.values():
        (tree / "llmlint.toml").write_text(text)
        result = scan(Request(("engine",), min_confidence="low"))
        assert result.findings
        assert len(result.errors) == 101
        assert "the rest of the file is left out" in result.errors[-1]


def test_of_many_entries_for_paths_those_are_asked_that_might_match(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [f"[[per-path]]\npaths = ['gen_{number}/ ', '!a']\nignore = ['LLM8']\n" for number in range(3000)]
    (tree / "llmlint.toml").write_text("".join([*entries, "[[per-path]]\npaths = ['engine']\nignore = ['LLM8']\n"]))
    asked: list[str] = []
    matches = Patterns.matches
    monkeypatch.setattr(Patterns, "matches", lambda self, path: asked.append(path) or matches(self, path))  # type: ignore[func-returns-value]
    assert not scan(Request(("engine",), min_confidence="low")).findings
    assert len(asked) < 100


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("root = true\nexcludes = []", "excludes"),
        ('select = ["LLM801", "LLM8o1"]', "LLM8o1"),
        ("[severity]\nLLM801 = 'P1'\nLLM802 = 'critical'", "critical"),
        ("jobs = 1\n[[per-path]]\npaths = ['a']\nignored = ['b']", "ignored"),
        ("[vocabulary]\nreset = ['thaw']\nblocking = [{kind = 'file'}]", "blocking"),
        ("[[protocol]]\nname = 'page'\nenter = ['a']\nleave = ['b']\nheld = 'hand'", "hand"),
        ("select = [" + "'LLM801', " * 40 + "'LLM8o1']", "LLM8o1"),
    ],
)
def test_the_line_is_shown_with_a_mark_below_what_is_wrong(tree: Path, text: str, marked: str) -> None:
    write(tree, text)
    configuration = Configuration()
    configuration.of(tree)
    _, code, mark = configuration.problems[-1].frame
    assert code[mark.index("^") : mark.rindex("^") + 1] == marked
    assert len(code) < 120


def test_settings_in_pyproject_are_pointed_at_in_their_own_table(tree: Path) -> None:
    write(tree, "[tool.ruff]\nignore = []\n\n[tool.llmlint]\nignore = ['LLM999']\n", "pyproject.toml")
    configuration = Configuration()
    configuration.of(tree)
    (only,) = configuration.problems
    assert only.text.startswith("pyproject.toml:5:12: no rule matches 'LLM999'")


def test_a_group_of_words_that_cannot_be_read_costs_only_itself(tree: Path) -> None:
    write(tree, "[vocabulary]\nreset = ['thaw']\nblocking = [{kind = 'file'}]\n")
    assert Configuration().of(tree).config.vocabulary == {"reset": ["thaw"]}


def test_one_named_file_holds_in_the_place_of_those_around(tree: Path) -> None:
    write(tree, "root = true\nignore = ['LLM801']\n")
    write(tree, "ignore = ['LLM802']\n", "other.toml")
    assert found() == [POOL]
    assert found(config="other.toml") == [SCHEDULER]
    assert found(no_config=True) == [POOL, SCHEDULER]


def test_only_what_is_severe_enough_fails_a_scan(tree: Path) -> None:
    def code(*arguments: str) -> int:
        return CliRunner().invoke(main, ["scan", ".", "--no-cache", "--min-confidence", "low", *arguments]).exit_code

    assert (code(), code("--fail-on", "P1"), code("--fail-on", "P0")) == (1, 1, 0)
    write(tree, "root = true\nfail-on = 'P0'\n")
    assert (code(), code("--fail-on", "P1")) == (0, 1)


def test_the_published_schema_is_the_one_the_code_makes() -> None:
    published = Path(__file__).parent.parent / "docs" / "llmlint.schema.json"
    printed = CliRunner().invoke(main, ["config", "schema"]).stdout
    assert published.read_text() == printed, "run: llmlint config schema > docs/llmlint.schema.json"


def test_the_schema_accepts_good_settings_and_refuses_a_wrong_key() -> None:
    schema = settings_schema()
    jsonschema.validate({"min-confidence": "high", "fail-on": "P1", "per-path": [{"paths": ["a"]}]}, schema)
    with pytest.raises(jsonschema.ValidationError, match="excludes"):
        jsonschema.validate({"excludes": []}, schema)


FRAME = """int load(stream & frames, const int * table) {
    int n = frames.next_u32();
    return table[n];
}
"""
FLOWS = """
[[tool.llmlint.flow]]
name = "field of a frame"
gives = [".next_u32"]
"""


def test_a_flow_of_a_project_reaches_the_rules(tree: Path) -> None:
    (tree / "engine" / "frames.cpp").write_text(FRAME)
    assert found(select=("LLM946",)) == []
    write(tree, FLOWS, "pyproject.toml")
    result = scan(Request((".",), use_cache=False, select=("LLM946",), min_confidence="low"))
    assert [(finding.line, finding.message) for finding in result.findings] == [
        (3, "n (field of a frame) is an index into table, and nothing bounds it")
    ]
