"""Where the comments of a text are."""

import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmlint.comments import comments_of


def comments(text, language="python"):
    return [comment for _, _, comment, _ in comments_of(text, language)]


def test_a_comment_has_a_place_and_knows_whether_it_stands_alone():
    text = "x = 1  # one\n    # two\n"
    assert list(comments_of(text, "python")) == [(1, 8, "# one", False), (2, 5, "# two", True)]


@pytest.mark.parametrize(
    "code",
    [
        "x = '# no'",
        'x = "it\'s # no"',
        "x = r'\\' # no'",
        'x = """\n# no\n"" # no\n\\"""# no"""',
        "x = '''\n# no ' '' #\n'''",
        "x = 'a\\\n# no'",
        "x = b'#' + f'{a}#' + rb\"#\"",
    ],
)
def test_strings_that_look_like_comments_are_none(code):
    assert comments(code + "  # yes") == ["# yes"]


def test_comments_after_a_line_that_does_not_parse_are_found():
    assert comments("x = (\n  'never closed\n]]  # first\n\tpass\n  # second\n") == ["# first", "# second"]


def test_comments_of_cpp_come_in_both_forms():
    text = "int a; // one\n/* two\n   lines */ int b; /* three */\n  /* four */\n"
    assert list(comments_of(text, "cpp")) == [
        (1, 8, "// one", False),
        (2, 1, "/* two\n   lines */", False),
        (3, 20, "/* three */", False),
        (4, 3, "/* four */", True),
    ]


@pytest.mark.parametrize(
    "code",
    [
        'auto s = "// no";',
        'auto s = "\\"// no";',
        'auto s = R"(// no " /* no)";',
        'auto s = u8R"x(// no )" )x";',
        "char c = '\"'; char d = '\\'';",
        "int n = 1'000'000 + 0xFF'FF;",
        'auto s = "a\\\n// no";',
        "int R = 1; f(R);",
    ],
)
def test_cpp_literals_that_look_like_comments_are_none(code):
    assert comments(code + " // yes", "cpp") == ["// yes"]


def test_a_cpp_line_comment_goes_on_after_a_backslash():
    assert comments("// one \\\n still one\nint x;", "cpp") == ["// one \\\n still one"]


def test_a_block_comment_never_closed_reaches_the_end():
    assert comments("int x; /* on and on\n", "cuda") == ["/* on and on\n"]


lines = st.sampled_from(
    [
        "x = 1",
        "# note",
        "y = 'a # b'  # note",
        '"""doc',
        'end""" # z',
        "    # inner",
        "s = r'\\'",
        "(",
        ")",
        "''",
        "'''#'''",
    ]
)


@given(st.lists(lines, max_size=8).map("\n".join))
def test_python_comments_are_those_of_the_tokenizer_where_it_gets_through(text):
    try:
        expected = [
            (*token.start, token.string)
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
        compile(text, "text", "exec")
    except (tokenize.TokenError, SyntaxError):
        return
    assert [(line, column - 1, comment) for line, column, comment, _ in comments_of(text, "python")] == expected


@given(st.text(alphabet="ab'\"\\/*#\n R()1", max_size=60), st.sampled_from(["python", "cpp"]))
def test_any_text_is_read_to_its_end_and_places_are_true(text, language):
    for line, column, comment, _ in comments_of(text, language):
        rest = "\n".join(text.split("\n")[line - 1 :])[column - 1 :]
        assert rest.startswith(comment)
