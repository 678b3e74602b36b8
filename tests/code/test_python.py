"""Python source into the code tree, by `ast` and, where that gives up, by the tolerant parser."""

import ast
import re
import sys
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlint.catalogue import load_catalogue
from llmlint.code.syntax import tree
from llmlint.code.syntax.errors import Unreadable
from llmlint.code.syntax.python import MAX_DEPTH, read_python
from llmlint.code.syntax.python_fallback import read_tolerantly
from llmlint.reading import read_bytes
from llmlint.vocabulary import Vocabulary


def read(source):
    return read_python(source.encode())[1]


def only(source):
    (node,) = read(source).body
    return node


def value(source):
    return only(source).value


def span(node):
    return node.line, node.column, node.end_line, node.end_column


def bare(node):
    """A node as nested tuples without places: kind and fields."""
    if isinstance(node, tree.Node):
        fields = node.__struct_fields__[4:]
        return (type(node).__name__, *(bare(getattr(node, field)) for field in fields))
    if isinstance(node, list | tuple):
        return [bare(item) for item in node]
    return node


# ---------------------------------------------------------------- declarations


def test_a_docstring_stands_beside_the_body_and_pass_is_no_statement():
    module = read('"""Pools."""\nclass Pool:\n "Blocks."\n def free(self):\n  "Nothing yet."\n  pass\n')
    (pool,) = module.body
    (free,) = pool.body
    assert (module.docstring, pool.docstring, free.docstring) == ("Pools.", "Blocks.", "Nothing yet.")
    assert free.body == []


def test_a_function_keeps_parameters_of_every_kind_with_annotation_and_default():
    function = only("async def step(self, n, /, size: int = 8, *rest, seed, greedy=True, **options) -> bool: ...")
    assert [(p.name, p.kind) for p in function.params] == [
        ("self", ""),
        ("n", ""),
        ("size", ""),
        ("rest", "*"),
        ("seed", "only"),
        ("greedy", "only"),
        ("options", "**"),
    ]
    assert function.params[2].annotation.id == "int"
    assert function.params[2].default.text == "8"
    assert function.params[4].default is None
    assert function.params[5].default.text == "True"
    assert function.returns.id == "bool"
    assert function.is_async


def test_the_place_of_a_decorated_function_is_its_def():
    function = only("@torch.inference_mode()\ndef run(): ...\n")
    assert span(function) == (2, 1, 2, 15)
    assert tree.path_of(function.decorators[0]) == "torch.inference_mode()"


def test_an_inner_class_knows_the_classes_around_it():
    outer = only("class A:\n class B:\n  class C: ...\n  def f(self):\n   class D: ...\n")
    inner = {node.name: node.namespace for node in tree.walk(outer) if isinstance(node, tree.Class)}
    assert inner == {"A": "", "B": "A", "C": "A.B", "D": ""}


def test_bases_and_keywords_of_a_class():
    pool = only("class Pool(Base, Generic[T], metaclass=Meta): ...")
    assert [tree.path_of(base) for base in pool.bases] == ["Base", "Generic[]"]
    assert [(keyword.name, keyword.value.id) for keyword in pool.keywords] == [("metaclass", "Meta")]


def test_one_import_statement_with_two_modules_is_two_imports():
    imports = read("import a.b as c, d\nfrom ..x import y as z, w\nfrom . import v").body
    assert [(i.module, i.names, i.level, i.alias) for i in imports] == [
        ("a.b", [], 0, "c"),
        ("d", [], 0, ""),
        ("x", [("y", "z"), ("w", "")], 2, ""),
        ("", [("v", "")], 1, ""),
    ]


# ---------------------------------------------------------------- statements


def test_assignments_keep_operator_annotation_and_all_targets():
    chained, augmented, annotated, declared = read("a = b = 1\nn += 2\nx: int = 3\ny: int").body
    assert [target.id for target in chained.targets] == ["a", "b"]
    assert augmented.op == "+"
    assert annotated.annotation.id == "int" and annotated.value.text == "3" and not annotated.declares
    assert declared.value is None and declared.declares


def test_elif_is_an_if_in_the_else_branch():
    first = only("if a:\n  b\nelif c:\n  d\nelse:\n  e\n")
    (second,) = first.orelse
    assert (first.test.id, second.test.id, second.orelse[0].value.id) == ("a", "c", "e")


def test_try_keeps_handlers_else_and_finally():
    attempt = only("try: a\nexcept (B, C) as e: d\nexcept: f\nelse: g\nfinally: h")
    assert [([t.id for t in h.types], h.name) for h in attempt.handlers] == [(["B", "C"], "e"), ([], "")]
    assert (attempt.orelse[0].value.id, attempt.final[0].value.id) == ("g", "h")


def test_exception_groups_are_handled_like_exceptions():
    attempt = only("try: a\nexcept* TimeoutError: b")
    assert [t.id for t in attempt.handlers[0].types] == ["TimeoutError"]


def test_async_with_and_async_for_say_so():
    function = only("async def f():\n async with lock as held, other: pass\n async for x in y: await x\n")
    guard, loop = function.body
    assert guard.is_async and loop.is_async
    assert [(tree.path_of(item), tree.path_of(name)) for item, name in guard.items] == [("lock", "held"), ("other", "")]
    assert isinstance(loop.body[0].value, tree.Await)


def test_match_cases_hold_their_alternatives_and_the_wildcard_has_none():
    switch = only(
        "match state:\n case State.DONE | 'aborted' if late: a\n case {'rid': rid, **rest}: b\n"
        " case Slot(id=n) as slot: c\n case [first, *_]: d\n case _: e\n"
    )
    done, mapping, slot, sequence, default = switch.cases
    assert [type(p).__name__ for p in done.patterns] == ["Attribute", "Literal"]
    assert done.guard.id == "late"
    assert mapping.patterns[0].keys[1] is None and mapping.patterns[0].items[1].id == "rest"
    assert (slot.patterns[0].target.id, slot.patterns[0].value.keywords[0].name) == ("slot", "id")
    assert isinstance(sequence.patterns[0].items[1], tree.Star)
    assert default.patterns == []


def test_global_and_nonlocal_name_what_lies_outside():
    function = only("def f():\n global a, b\n nonlocal c")
    assert [(outer.kind, outer.names) for outer in function.body] == [("global", ["a", "b"]), ("nonlocal", ["c"])]


# ---------------------------------------------------------------- expressions


@pytest.mark.parametrize("number", ["0x1F", "1_000", "1e9", "07e1", ".5", "2j", "0b101"])
def test_a_number_is_kept_as_written(number):
    assert value(f"x = {number}").text == number


@pytest.mark.parametrize(
    ("source", "kind", "text"),
    [
        ("x = 'a' \"b\\n\"", "string", "ab\n"),
        ("x = b'\\xff'", "bytes", "\xff"),
        ("x = None", "none", "None"),
        ("x = True", "bool", "True"),
        ("x = ...", "ellipsis", "..."),
        ("x = 1", "int", "1"),
        ("x = 1.0", "float", "1.0"),
    ],
)
def test_literals(source, kind, text):
    literal = value(source)
    assert (literal.kind, literal.text) == (kind, text)


def test_a_format_field_keeps_its_conversion_and_its_specification():
    fields = [
        part for part in value("x = f'{a:.6g} {b!r} {c:>{width}.2f} {d}'").parts if isinstance(part, tree.FormatField)
    ]
    assert [(f.conversion, f.spec) for f in fields] == [("", ".6g"), ("r", ""), ("", ">{width}.2f"), ("", "")]


def test_parts_of_an_f_string_stand_where_the_whole_does_with_every_python():
    whole = value("x = 'n: ' f'{a:g} and {b.c(d)}'")
    assert {span(part) for part in whole.parts} == {span(whole)} == {(1, 5, 1, 32)}
    call = whole.parts[-1].value
    assert span(call) == (1, 24, 1, 30)


def test_a_lambda_is_a_function_that_returns():
    function = value("x = lambda a, *b: a").function
    assert (function.name, [p.name for p in function.params]) == ("<lambda>", ["a", "b"])
    assert isinstance(function.body[0], tree.Return)


def test_a_comprehension_keeps_generators_and_tests():
    comprehension = value("x = {k: v for k, v in m.items() if v if k for _ in v}")
    assert (comprehension.kind, comprehension.key.id, comprehension.element.id) == ("dict", "k", "v")
    assert [len(generator.tests) for generator in comprehension.generators] == [2, 0]


def test_calls_keep_stars_and_keywords():
    call = value("x = f(a, *b, c=d, **e)")
    assert [type(a).__name__ for a in call.args] == ["Name", "Star"]
    assert [(k.name, k.value.id) for k in call.keywords] == [("c", "d"), ("", "e")]


def test_chained_comparisons_and_logic_are_flat():
    assert value("x = a < b is not c").ops == ["<", "is not"]
    assert len(value("x = a and b and c").operands) == 3


def test_the_walrus_names_a_value():
    named = value("x = (n := f())")
    assert (named.target.id, tree.path_of(named.value)) == ("n", "f()")


# ---------------------------------------------------------------- places


def test_columns_count_code_points():
    assignment = only("été = '日本' + name")
    assert span(assignment.value.right) == (1, 14, 1, 18)


def test_line_ends_of_every_kind_and_form_feeds_are_read_as_the_interpreter_does():
    text, module = read_python(b"a = 1\r\nb = 2\rc = 3\n\x0cd = 4\r\n")
    assert text == "a = 1\nb = 2\nc = 3\n\x0cd = 4\n"
    assert [span(node)[:2] for node in module.body] == [(1, 1), (2, 1), (3, 1), (4, 2)]


def test_a_byte_order_mark_takes_no_column():
    text, module = read_python(b"\xef\xbb\xbfx = 1")
    assert (text, span(module.body[0])) == ("x = 1", (1, 1, 1, 6))


def test_the_coding_cookie_is_honoured():
    text, module = read_python("# -*- coding: latin-1 -*-\nname = 'é'".encode("latin-1"))
    assert text.endswith("'é'")
    assert module.body[0].value.text == "é"


@st.composite
def filled(draw, templates, inner, outer=None):
    """One of the templates with each {} filled from `inner`, indented where the template indents, {e} from `outer`."""
    parts = re.split(r"( *\{e?\})", draw(st.sampled_from(templates)))
    for at, part in enumerate(parts):
        if part.endswith("{e}"):
            parts[at] = part[:-3] + draw(outer)
        elif part.endswith("{}"):
            parts[at] = textwrap.indent(draw(inner), part[:-2])
    return "".join(parts)


expressions = st.recursive(
    st.sampled_from(["a", "self.x", "(1)", "'é'", "b'x'", "None", "...", "1.5"]),
    lambda inner: filled(
        [
            "({}+{})",
            "{}.get({},k={})",
            "[{},*{}]",
            "{({}):({}),**{}}",
            "(lambda p,*q,r={}:{})",
            "[{}\tfor i,j in\t{}\tif\t{}]",
            "({}\tif\t{}\telse\t{})",
            "(not\t{}\tand\t{}<{}\tin\t{})",
            "d[{}:{},{}]",
            "(w:={})",
        ],
        inner,
    ),
    max_leaves=10,
)
simple = filled(
    [
        "x = {e}",
        "x.y += {e}",
        "é: list[T] | None = {e}",
        "return {e}",
        "raise E({e}) from {e}",
        "assert {e}, {e}",
        "del d[{e}], x",
        "pass",
        "global g",
    ],
    st.nothing(),
    expressions,
)
statements = st.recursive(
    simple,
    lambda inner: filled(
        [
            "{}\n{}",
            "if {e}:\n    {}\nelif {e}:\n    {}\nelse:\n    {}",
            "while {e}:\n    {}\n    # done",
            "for i, j in {e}:\n    {}",
            "with {e} as c, l:\n    {}",
            "try:\n    {}\nexcept (E, F) as e:\n    {}",
            "@dec\nasync def f(a, *, b: T = {e}) -> R:\n    {}",
            "class C(B, m={e}):\n    {}",
        ],
        inner,
        expressions,
    ),
    max_leaves=6,
)


@given(statements)
def test_every_name_attribute_and_call_stands_where_ast_says(source):
    text, module = read_python(source.encode())
    lines = text.split("\n")

    def column(line, offset):
        return len(lines[line - 1].encode()[:offset].decode()) + 1

    theirs = sorted(
        (n.lineno, column(n.lineno, n.col_offset), n.end_lineno, column(n.end_lineno, n.end_col_offset))
        for n in ast.walk(ast.parse(source))
        if isinstance(n, ast.Name | ast.Attribute | ast.Call)
    )
    ours = sorted(span(n) for n in tree.walk(module) if isinstance(n, tree.Name | tree.Attribute | tree.Call))
    assert ours == theirs


@given(statements)
def test_every_node_lies_within_its_parent_but_for_decorators(source):
    for parent in tree.walk(read(source)):
        outside = getattr(parent, "decorators", [])
        for child in tree.children(parent):
            if not any(child is decorator for decorator in outside):
                assert (parent.line, parent.column) <= (child.line, child.column), (parent, child)
                assert (child.end_line, child.end_column) <= (parent.end_line, parent.end_column), (parent, child)


@given(statements)
def test_the_tolerant_parser_gives_the_same_tree(source):
    assert read_tolerantly(source, MAX_DEPTH) == read(source)


def test_the_tolerant_parser_gives_the_same_tree_for_the_rest_of_the_grammar():
    source = '''"""A sample."""
from __future__ import annotations
import a.b as c, d
from .. import e as f, g
from .h import *
def positional(a, /, b: int = 1, *rest: str, only, **options) -> dict[str, list[int] | None]:
    """Says what it does."""
    x = yield
    y = yield from a
    # a comment at the end
def star(a, *, b): return 1, 2
match p, q:
    case 1 | -2 | "a" | None | A.b: pass
    case [a, *r, _] if a: go()
    case {"k": v, **rest}: pass
    case P(x, y=1) as z: pass
    case (a): pass
    case a, b: pass
    case _: pass
try: a
except* (A, B) as e: raise
try: a
except A: raise X from e
except: pass
else: b
finally: del a, b[1]
with (a as b, c as d): pass
x[1:2, ::3][...], x[a:], x[1,]
a, *b = c = d
1_0; 0x1F; 1.5e3; 2j; ~a; -a ** -b
'a' "b\\n" r'\\d'; b'\\xff'.x
{1, *b}; f(a for b in c); f(*a, **b)
a < b is not c not in d
while a:
    break
else: continue
assert a, b
'''
    assert bare(read_tolerantly(source, MAX_DEPTH)) == bare(read(source))
    assert read_tolerantly(source, MAX_DEPTH) == read(source)


def test_the_tolerant_parser_reads_format_strings_alike():
    source = "x = f'a{b!r:>{w}.3f}{{c}}' 'd' f'{e:.6g}{f.g}{h=}'"
    assert bare(read_tolerantly(source, MAX_DEPTH)) == bare(read(source))


# ---------------------------------------------------------------- what does not parse


def test_syntax_newer_than_the_interpreter_reads_alike():
    alias, function = read("type T[X] = list[X]\ndef g[Y: int](a: Y) -> str: return f'{a['x']!r:>{w}}'\n").body
    assert (alias.targets[0].id, alias.specifiers) == ("T", ("type",))
    (field,) = function.body[0].value.parts
    assert (field.value.key.text, field.conversion, field.spec) == ("x", "r", ">{w}")


def test_one_broken_line_leaves_the_other_functions_whole():
    module = read(
        "def free(self):\n    self.blocks.clear()\n\nx = = 1\n\ndef alloc(self):\n    return self.blocks.pop()\n"
    )
    functions = [node for node in tree.walk(module) if isinstance(node, tree.Function)]
    assert [f.name for f in functions] == ["free", "alloc"]
    assert [b.line for b in module.broken] == [4]
    assert tree.path_of(functions[1].body[0].value) == "self.blocks.pop()"


@pytest.mark.parametrize("lost", ["([{" * 100, "x = [\n", "def f(:\n  (", "'''", "=\n", "\\"])
def test_text_that_ends_in_the_middle_has_a_broken_region(lost):
    module = read(f"def free(self):\n    self.blocks.clear()\n\n{lost}")
    assert module.body[0].name == "free"
    assert 3 <= module.broken[0].line <= 5


@pytest.mark.parametrize("broken", ["x = a <= <= b", "x = a in in b", "y = < 1"])
def test_a_comparison_that_lacks_a_part_is_a_broken_region_and_no_rule_stumbles_over_it(broken):
    record = read_bytes(f"{broken}\nassert a == 1\n == 1\n".encode(), "python", Vocabulary(), load_catalogue())
    assert record.faults == ()
    assert record.facts.broken


def test_a_large_file_that_does_not_parse_is_unreadable():
    with pytest.raises(Unreadable, match=r"does not parse \(line 1: invalid syntax\), and is too large"):
        read("x = = 1\n" * 200_000)


def test_a_broken_region_is_marked_even_where_the_tree_has_no_room_for_it():
    module = read("call(a, $, b)\n")
    assert module.broken
    assert [name.id for name in tree.walk(module.body[0]) if isinstance(name, tree.Name)][:1] == ["call"]


def test_python_2_reads_as_what_it_became():
    module = read("print >>log, 'x', y\ntry:\n    exec code\nexcept KeyError, e:\n    n = 0777\n    if a <> b: raise\n")
    printed, attempt = module.body
    assert tree.path_of(printed.value) == "print()"
    assert [k.name for k in printed.value.keywords] == ["file"]
    assert (attempt.handlers[0].name, attempt.handlers[0].types[0].id) == ("e", "KeyError")
    assert attempt.handlers[0].body[1].test.ops == ["!="]
    assert module.broken == []


@settings(max_examples=200)
@given(st.one_of(st.text(), statements.flatmap(lambda s: st.integers(0, len(s)).map(lambda at: s[:at] + s[at + 1 :]))))
def test_any_text_gives_a_tree_or_a_reason(source):
    try:
        _, module = read_python(source.encode("utf-8", "surrogatepass"))
    except Unreadable as error:
        assert str(error)
    else:
        assert module.language == "python"


@given(st.binary())
def test_any_bytes_give_a_tree_or_a_reason(data):
    try:
        text, module = read_python(data)
    except Unreadable as error:
        assert str(error)
    else:
        assert module.end_line == text.count("\n") + 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"x = 1\0", "NUL byte"),
        (b"x = '\xff'\n", "invalid"),
        (b"\n\n\n\nx = '\xff'\n", "0xff"),
        (b"# coding: no-such-thing\n", "unknown encoding: no-such-thing"),
        (b"# coding: rot13\n", "rot13"),
        (b"# coding: utf-7\nx = '+2AA-'\n", "surrogates"),
    ],
)
def test_bytes_that_are_no_text_give_the_reason(data, reason):
    with pytest.raises(Unreadable, match=reason):
        read_python(data)


DEEP = 100_000


@pytest.mark.parametrize(
    "deep",
    [
        "x = " + "-" * DEEP + "1",
        "x = " + "(" * DEEP + "1" + ")" * DEEP,
        "x = " + "[" * DEEP,
        "x = a" + " + a" * DEEP,
        "x = a" + ".b" * DEEP,
        "x = f" + "()" * DEEP,
        "x = " + "a if b else " * 5_000 + "c",
        "if a: b\n" + "elif a: b\n" * 5_000,
        "x = " + "lambda: " * 5_000 + "1",
        "x = f'{a:{" + "b + " * 2_000 + "c}}'",
    ],
    ids=["minus", "parentheses", "brackets", "plus", "dots", "calls", "conditional", "elif", "lambda", "format"],
)
def test_what_is_nested_too_deep_is_cut_off_and_the_rest_is_read(deep):
    record = read_bytes(f"def before(): ...\n\n{deep}\n".encode(), "python", Vocabulary(), load_catalogue())
    assert not record.unreadable
    assert "before" in [function.name for function in record.facts.functions]
    assert len(record.facts.broken) in range(0 if "f'" in deep else 1, 5)


def test_a_chain_somewhat_too_long_is_cut_at_the_same_place_however_deep_the_caller_stands():
    source = "x = a" + " + a" * 1_500

    def deeper(levels):
        return deeper(levels - 1) if levels else read(source)

    assert deeper(0) == deeper(300)
    assert deeper(0).broken


def test_reading_leaves_the_recursion_limit_alone():
    before = sys.getrecursionlimit()
    read("x = a" + " + a" * 2_000)
    assert sys.getrecursionlimit() == before


def test_odd_escapes_warn_nobody(recwarn):
    read(r"x = '\d'")
    assert not recwarn.list
