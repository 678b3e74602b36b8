"""Entries that a test has found before they are written anew."""

import pytest
from linking import function, link

from llmlint.code.domain.entries import is_renewed

CLASS = "class Tokens {{ std::map<std::string, int> ids_; void f(const std::string & key, int id) {{ {} }} }};"


@pytest.mark.parametrize(
    ("body", "renewed"),
    [
        ("auto it = ids_.find(key); if (it != ids_.end()) { ids_[key] = id; }", True),
        ("if (ids_.find(key) != ids_.end()) { ids_[key] = id; }", True),
        ("if (ids_.count(key)) { ids_[key] = id; }", True),
        ("if (ids_.contains(key) && id) { ids_[key] = id; }", True),
        ("auto it = ids_.find(key); if (it == ids_.end()) { ids_[key] = id; }", False),
        ("auto it = ids_.find(key); if (it == ids_.end()) { id++; } else { ids_[key] = id; }", True),
        ("if (!ids_.count(key)) { ids_[key] = id; }", False),
        ("if (ids_.count(other)) { ids_[key] = id; }", False),
        ("if (names.count(key)) { ids_[key] = id; }", False),
        ("ids_[key] = id;", False),
    ],
)
def test_a_key_that_a_test_has_found_gets_no_new_entry(body: str, renewed: bool) -> None:
    told = function(link({"a.cpp": CLASS.format(body)}), "f")
    written = next(effect for effect in told.effects if effect.op == "insert")
    assert is_renewed(told, written) == renewed
