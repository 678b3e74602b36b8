"""Which edit makes which fix, by the key that a checker puts into `Report.data`."""

from __future__ import annotations

from collections.abc import Callable

from llmlint.findings import Finding
from llmlint.fixing import edits, small_edits

EDITS: dict[str, Callable[[edits.Edits, Finding], bool]] = {
    "clear": edits.clear_beside,
    "super": edits.call_base,
    "argument": edits.pass_timeout,
    "maxsize": edits.bound_cache,
    "release": edits.give_back_before,
    "plain": edits.write_plainly,
    "snapshot": small_edits.walk_a_snapshot,
    "ask_done": small_edits.ask_done_first,
    "await_sleep": small_edits.await_the_sleep,
    "hand_on": small_edits.hand_on,
    "format": small_edits.format_the_text,
    "f_before": small_edits.put_an_f_before,
    "give_back": small_edits.give_back,
}
