"""Whether a function can say anything but that its work was done."""

from linking import function, link

from llmlint.code.domain.outcomes import may_fail, tells_outcome

STATUS = """
enum class ErrorCode { OK, BAD };
struct Status { bool ok(); };
"""


def outcome(source: str, name: str) -> tuple[bool, bool]:
    program = link({"a.cpp": STATUS + source})
    found = function(program, name)
    return tells_outcome(found), may_fail(program, found)


def test_one_whose_every_way_out_is_success_cannot_fail() -> None:
    both = "ErrorCode commit(int n) { if (n) { return ErrorCode::OK; } return ErrorCode::OK; }"
    assert outcome(both, "commit") == (True, False)


def test_one_way_out_that_is_none_is_enough_to_fail() -> None:
    one = "ErrorCode commit(int n) { if (n) { return ErrorCode::BAD; } return ErrorCode::OK; }"
    assert outcome(one, "commit") == (True, True)


def test_what_a_callee_cannot_say_its_caller_cannot_hand_on() -> None:
    chain = "int inner() { return 0; }\nint outer() { return inner(); }"
    assert outcome(chain, "outer") == (True, False)
    assert outcome(chain.replace("return 0", "return 1"), "outer") == (True, True)


def test_a_status_given_back_where_it_was_asked_whether_it_is_well_is_success() -> None:
    asked = "Status read(int n);\nint load(int n) { auto status = read(n); if (ASK) { return status; } return 0; }"
    assert outcome(asked.replace("ASK", "status.ok()"), "load") == (True, False)
    assert outcome(asked.replace("ASK", "!status.ok()"), "load") == (True, True)


def test_of_a_function_without_a_body_and_of_macros_that_leave_everything_is_possible() -> None:
    assert outcome("int read(int n);", "read") == (True, True)
    assert outcome("int load(int n) { CHECK_STATUS(n); return 0; }", "load") == (True, True)
