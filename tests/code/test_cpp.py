"""What C++ becomes in the code tree."""

import pytest

from llmlint.code.syntax import tree
from llmlint.code.syntax.cpp import read_cpp


def read(source: str) -> tree.Module:
    return read_cpp(source.encode(), "cpp")[1]


def named(module: tree.Module, name: str) -> tree.Function:
    return next(n for n in tree.walk(module) if isinstance(n, tree.Function) and n.name == name)


def test_a_method_outside_its_class_knows_its_owner() -> None:
    method = named(read("void cache::slot::clear() { cells.clear(); }"), "clear")
    assert method.owner == "cache.slot"
    assert isinstance(method.body, list) and len(method.body) == 1


def test_constructors_assign_their_members_and_destructors_are_del() -> None:
    module = read("struct pool { int n; pool(int n) : n(n) {} ~pool() { free(p); } };")
    first = named(module, "__init__").body
    assert first and isinstance(first[0], tree.Assign)
    assert tree.path_of(first[0].targets[0]) == "self.n"
    assert named(module, "__del__").body


def test_a_bare_block_is_one() -> None:
    body = named(read("void f() { { std::lock_guard<std::mutex> lock(m); q.push(1); } q.pop(); }"), "f").body
    assert body and isinstance(body[0], tree.Block)
    assert [len(body), len(body[0].body)] == [2, 2]


def test_a_case_that_runs_into_the_next_says_so() -> None:
    body = named(read("void f(int x) { switch (x) { case 1: g(); case 2: h(); break; default: k(); } }"), "f").body
    assert body and isinstance(body[0], tree.Switch)
    assert [case.falls_through for case in body[0].cases] == [True, False, True]
    assert body[0].cases[2].patterns == []


GROUPS = """
void f(int x) {
    switch (x) {
        case 1:
            g();
#if FAST
            h();
#endif
            break;
#ifdef WIDE
        case 2:
            i();
            break;
#else
        case 3:
            j();
            break;
#endif
        default:
            k();
    }
}
"""


def test_conditional_groups_in_a_switch_are_read() -> None:
    body = named(read(GROUPS), "f").body
    assert body and isinstance(body[0], tree.Switch)
    calls = [
        [tree.path_of(n.function) for s in case.body for n in tree.walk(s) if isinstance(n, tree.Call)]
        for case in body[0].cases
    ]
    assert calls == [["g", "h"], ["i"], ["j"], ["k"]]
    assert [case.falls_through for case in body[0].cases] == [False, False, False, True]


@pytest.mark.parametrize("end", ["{ int n; };", ": public Base { int n; };", "final : Base { int n; };"])
def test_a_macro_between_class_and_name_is_no_name(end: str) -> None:
    module = read(f"namespace ns {{ class ENGINE_DECL Model {end} }}")
    (model,) = (node for node in tree.walk(module) if isinstance(node, tree.Class))
    assert model.name == "Model"


def test_a_struct_in_capitals_keeps_its_name() -> None:
    module = read("struct KV_CELL { int n; }; struct KV_CELL first = {1};")
    assert [node.name for node in tree.walk(module) if isinstance(node, tree.Class)] == ["KV_CELL"]


def test_a_macro_that_looks_like_a_call_is_one() -> None:
    body = named(read("LLAMA_API void f(int x) { GGML_ASSERT(x > 0); }"), "f").body
    assert body and isinstance(body[0], tree.Expression)
    assert isinstance(body[0].value, tree.Call)


@pytest.mark.parametrize("source", ["int x = @@@ 1 2 3;", "int x = (((;", "void f( { ) }}} int", "int f() { return 1"])
def test_what_does_not_parse_is_marked(source: str) -> None:
    assert read(source).broken


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_file_cut_anywhere_still_gives_a_tree(cut: int) -> None:
    source = (
        "namespace a { struct s { std::map<int, int> m; void f() { for (auto & [k, v] : m) { g<<<1, 2>>>(k); } } }; }"
    )
    assert isinstance(read(source[:cut]), tree.Module)


def test_a_deprecation_mark_around_a_declaration_is_no_part_of_it() -> None:
    source = b"""struct tensor {
    MY_DEPRECATED(enum backend kind, "use the buffer, it tells");
    int type;
};
MY_DEPRECATED(MY_API int old_size(
    const struct tensor * t), "use size");
"""
    _, module = read_cpp(source, "cpp")
    assert module.broken == []
    tensor = next(node for node in module.body if isinstance(node, tree.Class))
    assert [field.name for field in tensor.body if isinstance(field, tree.Field)] == ["kind", "type"]


def test_branches_of_the_preprocessor_that_each_open_a_brace_cost_no_function() -> None:
    filler = b"".join(b"int helper_%d() { return %d; }\n" % (n, n) for n in range(30))
    source = b"#ifdef FAST\nint run(int a) {\n#else\nint run(int a, int b) {\n#endif\n    return a;\n}\n" + filler
    _, module = read_cpp(source, "cpp")
    names = [node.name for node in module.body if isinstance(node, tree.Function)]
    assert names[0] == "run" and len(names) == 31


def test_a_comment_before_a_branch_or_a_result_hides_neither() -> None:
    source = "int f(int x) { if (x) // one\n return /* a */ 1; else // two\n return g(x); }"
    body = named(read(source), "f").body
    assert body and isinstance(body[0], tree.If)
    assert isinstance(body[0].body[0], tree.Return) and isinstance(body[0].body[0].value, tree.Literal)
    assert [type(node) for node in body[0].orelse] == [tree.Return]


def test_a_condition_that_declares_has_its_value() -> None:
    body = named(read("void f() { if (auto * x = g()) { h(x); } while (int n = next()) { } }"), "f").body
    assert body and isinstance(body[0], tree.If) and isinstance(body[0].test, tree.Assign)
    assert isinstance(body[0].test.value, tree.Call)


def test_conditional_groups_in_a_body_are_a_choice() -> None:
    source = "int f() {\n#if defined(A)\n return 1;\n#elif B\n int x = 2;\n#else\n int x = 3;\n#endif\n return x;\n}\n"
    body = named(read(source), "f").body
    assert body and isinstance(body[0], tree.If) and isinstance(body[0].test, tree.TypeName)
    assert isinstance(body[0].orelse[0], tree.If)
    assert isinstance(body[1], tree.Return)


def test_the_operands_of_assembler_are_arguments() -> None:
    body = named(read('void f() { int a; asm volatile("x %0" : "=r"(a) : "r"(b)); }'), "f").body
    assert body and isinstance(body[1], tree.Expression) and isinstance(body[1].value, tree.Call)
    assert [tree.path_of(argument) for argument in body[1].value.args] == ["a", "b"]


def test_a_function_answers_a_pointer_where_its_declarator_says_so() -> None:
    function = named(read("const char * f(int x) { return g(x); }"), "f")
    assert isinstance(function.returns, tree.TypeName) and function.returns.text == "char *"


@pytest.mark.parametrize("word", ["new", "class", "template", "private", "throw"])
def test_c_may_name_what_it_likes_by_a_word_of_cpp(word: str) -> None:
    source = f"void f(int n) {{ char *{word}; {word} = malloc(n); use({word}); }}"
    text, module = read_cpp(source.encode(), "c")
    assert text == source and not module.broken
    names = {node.id for node in tree.walk(named(module, "f")) if isinstance(node, tree.Name)}
    assert names == {word, "malloc", "n", "use"}


def test_of_a_long_table_of_numbers_a_part_is_read() -> None:
    def items(written: str) -> int:
        module = read(f"static const auto table[] = {{ {written} }};")
        return max(len(node.items) for node in tree.walk(module) if isinstance(node, tree.Collection))

    assert items("1, " * 900) == 900
    assert items("1, " * 5000) == 1000
    assert items("f(1), " * 1500) == 1500, "what calls something is read to its end"
