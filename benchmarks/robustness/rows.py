"""What is tried again: attempts of every kind, and each defect that the first attempts found.

A first attempt at breaking llmlint (64,814 fuzz inputs, 190 kills, 31 hostile trees) found the defects D1 to D18. Each
is tests now, told by the beginning of their names; a defect whose tests are gone counts as failed.
"""

from __future__ import annotations

from typing import NamedTuple


class Defect(NamedTuple):
    """`tests`: files under `tests/`, each with the beginnings of the names of its tests."""

    name: str
    what: str
    tests: dict[str, tuple[str, ...]]


_CODE, _LOST, _ENDS = "trust/test_no_code_runs.py", "trust/test_nothing_lost.py", "trust/test_endings.py"
_INPUT, _TEXT, _CACHE = (
    "trust/test_no_input_ends_the_scan.py",
    "trust/test_text_is_data.py",
    "trust/test_no_cache_is_believed.py",
)
_FILES, _PRIVATE, _RECORDS = (
    "test_files.py",
    "trust/test_traces_are_private.py",
    "trust/test_records_are_the_runs_own.py",
)

DEFECTS = (
    Defect(
        "D1",
        "the language server and `verify` ran modules of the tree",
        {_CODE: ("test_",), "test_own_rules.py": ("test_settings_of_a_tree_that_nobody_trusts",)},
    ),
    Defect(
        "D2", "half a surrogate pair ended the scan without a report", {_INPUT: ("test_half_a_surrogate_pair_costs",)}
    ),
    Defect(
        "D3",
        "links and settings of the tree had files outside written",
        {
            _CACHE: ("test_settings_make_no_folder", "test_no_file_is_written_through"),
            _LOST: ("test_a_link_out_of_the_tree", "test_no_command_writes_through_a_link"),
        },
    ),
    Defect(
        "D4",
        "a cache that the tree brought hid findings",
        {_CACHE: ("test_the_forged_cache", "test_a_cache_of_the_tree"), "test_cache.py": ("test_the_cache_lies_with",)},
    ),
    Defect(
        "D5",
        "text of the tree started workflow commands",
        {_TEXT: ("test_no_format_lets", "test_a_hostile_text_makes")},
    ),
    Defect(
        "D6",
        "patterns and settings ended the scan, with the code for findings",
        {
            _INPUT: ("test_no_pattern_of_a_tree", "test_our_own_mistake", "test_wrong_use"),
            "test_config.py": ("test_a_setting_without_sense",),
            "test_bad_input.py": ("test_a_broken_configuration",),
            _ENDS: ("test_what_standard_error_has_no_room", "test_help_that_finds_no_room"),
        },
    ),
    Defect(
        "D7",
        "pipes, devices and patterns that backtrack held the scan for ever",
        {_INPUT: ("test_what_has_no_end", "test_matching_takes_one_pass", "test_a_pipe_in_a_repository")},
    ),
    Defect("D8", "settings without sense switched the scan off", {"test_config.py": ("test_a_setting_without_sense",)}),
    Defect(
        "D8a",
        "`--fix-suppressions` deleted code after a lone carriage return",
        {_LOST: ("test_removing_a_suppression",)},
    ),
    Defect("D9", "workers outlived a parent that was killed", {_ENDS: ("test_workers_die", "test_a_signal_ends")}),
    Defect(
        "D10",
        "`--fix` lost edits made meanwhile, and content at a kill or on a full disk",
        {_LOST: ("test_what_changed_meanwhile", "test_whatever_step_fails", "test_a_fix_never_takes")},
    ),
    Defect("D11", "class chains took time by the cube", {_INPUT: ("test_a_chain_of_classes",)}),
    Defect(
        "D12",
        "escapes, marks and markup of the tree reached reports; links out of it were quoted",
        {_TEXT: ("test_",), _FILES: ("test_a_link_out_of_the_tree", "test_a_link_to_a_folder")},
    ),
    Defect("D12a", "a run's folder and its command line were open to all", {_PRIVATE: ("test_",)}),
    Defect("D13", "another line was shown after a form feed", {_TEXT: ("test_lines_are_counted",)}),
    Defect(
        "D14",
        "a file that cannot be written cost the report",
        {_LOST: ("test_what_cannot_be_mended", "test_files_are_told_one_by_one", "test_the_report_is_written")},
    ),
    Defect(
        "D15",
        "damaged caches were never built anew, or held the scan",
        {
            "test_cache.py": (
                "test_a_cache_",
                "test_a_page_damaged",
                "test_an_entry_that",
                "test_rows_that",
                "test_a_flipped",
            )
        },
    ),
    Defect("D16", "a baseline replaced a link and opened its mode", {_LOST: ("test_a_baseline_", "test_mode_is_kept")}),
    Defect("D17", "deep C++ cost the file", {_INPUT: ("test_deep_nesting",)}),
    Defect(
        "D18",
        "the tracer reached children it had nothing to watch in; records could be forged",
        {
            "trust/test_records_are_the_runs_own.py": ("test_",),
            "dynamic/test_native.py": ("test_a_run_folder_that_allows",),
        },
    ),
)
