import json

from click.testing import CliRunner

from benchmarks.speed.__main__ import main


def test_every_kind_of_scan_is_compared_with_parsing_the_same_files(tmp_path):
    for number in range(3):
        (tmp_path / f"module_{number}.py").write_text("class Pool:\n    def free(self):\n        self.blocks.clear()\n")
    (tmp_path / "broken.py").write_text("def broken(:\n")

    result = CliRunner().invoke(main, [str(tmp_path), "--repeat", "1", "--json"], catch_exceptions=False)

    document = json.loads(result.output)
    assert (document["ast"]["files"], document["ast"]["lines"]) == (4, 10)
    assert [scan["name"] for scan in document["scans"]] == ["cold -j1", "cold -j4", "warm -j4"]
    for scan in document["scans"]:
        assert scan["wall_ratio"] == scan["wall_seconds"] / document["ast"]["seconds"]
        assert scan["peak_mib"] > 10


def test_a_tree_without_python_is_refused(tmp_path):
    result = CliRunner().invoke(main, [str(tmp_path)])

    assert result.exit_code == 2
    assert "no Python file" in result.output
