"""What a function does to state, as written down in its facts."""

from llmlint.code.facts.effects import facts_of
from llmlint.code.facts.facts import Effect, FileFacts, Function
from llmlint.code.syntax.cpp import read_cpp
from llmlint.code.syntax.python import read_python


def facts(source: str) -> FileFacts:
    text, module = read_python(source.encode())
    return facts_of(module, text)


def function(source: str, name: str) -> Function:
    return next(f for f in facts(source).functions if f.name == name)


def effects(source: str, name: str = "f") -> list[tuple[str, str]]:
    return [(e.op, e.path) for e in function(source, name).effects]


def one(source: str, op: str, name: str = "f") -> Effect:
    return next(e for e in function(source, name).effects if e.op == op)


def test_container_methods_are_what_they_do_to_the_container():
    body = """
class S:
    def f(self, req):
        self.waiting.append(req)
        self.by_id[req.rid] = req
        del self.by_id[req.rid]
        self.waiting.clear()
        self.done = []
"""
    assert effects(body) == [
        ("insert", "self.waiting"),
        ("insert", "self.by_id"),
        ("remove", "self.by_id"),
        ("clear", "self.waiting"),
        ("clear", "self.done"),
    ]


def test_a_method_of_a_container_as_done_callback_takes_out_later():
    body = """
def f(tasks, task):
    tasks.add(task)
    task.add_done_callback(tasks.discard)
"""
    assert effects(body) == [("insert", "tasks"), ("call", "task.add_done_callback"), ("remove", "tasks")]
    removed = one(body, "remove")
    assert (removed.key, function(body, "f").regions[removed.region].kind) == ("task", "lambda")


def test_functions_of_heapq_and_bisect_are_what_they_do_to_their_list():
    body = """
import bisect
import heapq
from heapq import heappush

class S:
    def f(self, at, entry):
        heappush(self.soon, entry)
        heapq.heappush(self.delayed, (at, entry))
        bisect.insort(self.sorted, entry)
        bisect.bisect_left(self.sorted, entry)
        heapq.heappop(self.delayed)
"""
    assert effects(body) == [
        ("insert", "self.soon"),
        ("insert", "self.delayed"),
        ("insert", "self.sorted"),
        ("call", "bisect.bisect_left"),
        ("remove", "self.delayed"),
    ]


def native(body: str) -> list[tuple[str, str, str]]:
    members = "std::vector<int> pos; std::map<int, int> uses; int table[8];"
    text, module = read_cpp(f"struct S {{ {members} void f(int k) {{ {body} }} }};".encode(), "cpp")
    found = next(f for f in facts_of(module, text).functions if f.name == "f")
    return [(e.op, e.path, e.key) for e in found.effects if e.op != "call"]


def test_a_member_of_cpp_that_is_filled_with_one_blank_value_is_cleared():
    assert native("std::fill(pos.begin(), pos.end(), -1);") == [("clear", "self.pos", "")]
    assert native("pos.assign(8, 0); memset(table, 0, sizeof(table));") == [
        ("clear", "self.pos", ""),
        ("clear", "self.table", ""),
    ]
    assert native("pos = std::vector<int>();") == [("clear", "self.pos", "")]


def test_a_member_of_cpp_that_gets_other_content_or_a_part_of_it_is_not_cleared():
    assert native("std::fill(pos.begin() + 1, pos.end(), 0); std::fill(pos.begin(), pos.end(), k);") == []
    assert native("pos.assign(table, table + 8); memset(table, 0, 4);") == []


def test_counting_an_entry_makes_it():
    assert native("++uses[k]; uses[k]--;") == [("insert", "self.uses", "k"), ("insert", "self.uses", "k")]


def test_what_is_done_to_an_alias_is_done_to_the_attribute():
    body = """
class S:
    def f(self):
        queue = self.waiting
        queue.clear()
        for request in self.running:
            request.blocks = None
"""
    assert ("clear", "self.waiting") in effects(body)
    assert ("assign", "self.running[].blocks") in effects(body)


def test_an_alias_ends_when_the_attribute_gets_another_object():
    body = """
class S:
    def f(self):
        old = self.running
        self.running = []
        old.append(1)
"""
    assert effects(body)[-1] == ("insert", "old")


def test_a_key_is_followed_to_where_it_came_from():
    body = """
class S:
    def f(self, req):
        rid = req.rid
        self.states[rid] = 1
"""
    assert one(body, "insert").key == "req.rid"


def test_values_of_a_mapping_are_its_elements():
    body = """
class S:
    def f(self):
        for rid, state in list(self.states.items()):
            state.done = True
"""
    assert ("assign", "self.states[].done") in effects(body)


def test_a_swap_reads_before_it_writes():
    body = """
class S:
    def f(self):
        taken, self.queue = self.queue, []
        taken.append(1)
"""
    assert ("clear", "self.queue") in effects(body)
    assert effects(body)[-1] == ("insert", "taken")


def test_a_call_knows_its_arguments_and_where_its_result_goes():
    body = """
def f(pool, n):
    blocks = pool.alloc(n, strict=True)
    return pool.wrap(blocks)
"""
    call = one(body, "call")
    assert (call.path, call.result) == ("pool.alloc", "blocks")
    assert [(a.path, a.keyword, a.literal) for a in call.args] == [("n", "", ""), ("", "strict", "True")]
    assert [e.result for e in function(body, "f").effects if e.op == "call"] == ["blocks", "<return>"]


def test_a_call_that_is_a_message_says_so():
    body = """
import logging

journal = logging.getLogger("engine")

def f(why, data):
    assert data, why(1)
    if not data:
        raise ValueError(why(2), detail=why(3))
    journal.info("%s", why(4))
    data.info(why(5))
"""
    told = {e.args[0].literal: e.result for e in function(body, "f").effects if e.path == "why"}
    assert told == {"1": "<message>", "2": "<message>", "3": "<expression>", "4": "<message>", "5": "<expression>"}


def test_regions_say_under_what_an_effect_stands():
    body = """
def f(self, rank):
    try:
        if rank == 0:
            barrier()
        else:
            log()
    except ValueError:
        recover()
    finally:
        close()
"""
    f = function(body, "f")
    kinds = {e.path: f.regions[e.region].kind for e in f.effects}
    assert kinds == {"barrier": "if", "log": "else", "recover": "except", "close": "finally"}
    then = next(r for r in f.regions if r.kind == "if")
    assert (then.text, then.reads) == ("rank == 0", ("rank",))


def test_the_right_side_of_and_is_a_region_only_when_something_happens_there():
    quiet = function("def f(a, b):\n    if a and b:\n        g()\n", "f")
    busy = function("def f(a):\n    if a and send():\n        g()\n", "f")
    assert [r.kind for r in quiet.regions] == ["body", "if"]
    assert [r.kind for r in busy.regions] == ["body", "and", "if"]


def test_a_nested_function_shares_the_methods_self():
    body = """
class S:
    def f(self):
        def drop(rid):
            self.states.pop(rid)
        drop(1)
"""
    inner = function(body, "drop")
    assert (inner.qualname, inner.owner) == ("S.f.drop", "S")
    assert [(e.op, e.path) for e in inner.effects] == [("remove", "self.states")]


def test_shapes_name_bodies_that_do_nothing():
    def shape(body: str) -> str:
        return function(f"def f(self, x):\n{body}", "f").shape

    assert shape('    """Restore."""\n') == "pass"
    assert shape("    return True\n") == "constant"
    assert shape("    for b in x:\n        logger.info('%s', b)\n    return None\n") == "log"
    assert shape("    kept = dict(x)\n") == "idle"
    assert shape("    try:\n        pass\n    finally:\n        print(x)\n") == "log"
    assert shape("    try:\n        x.clear()\n    finally:\n        print(x)\n") == ""
    assert shape("    raise NotImplementedError\n") == "raise"
    assert shape("    return self.inner.restore(x)\n") == "delegate"
    assert shape("    self.x = x\n") == ""


def test_columns_count_code_points():
    effect = one("def f(self):\n    é = '日本'; self.x.clear()\n", "clear")
    assert (effect.line, effect.column) == (2, 15)


def test_a_logger_is_known_by_what_makes_it():
    def shape(made: str) -> str:
        return function(f"told = {made}\ndef f(self, x):\n    told.info(x)\n", "f").shape

    assert shape("logging.getLogger(__name__)") == "log"
    assert shape("make_board()") == "delegate"


def test_a_copied_container_is_one_of_its_own_with_the_same_elements():
    body = """
class S:
    def f(self):
        left = list(self.waiting)
        left.clear()
        table = self.table.copy()
        del table["a"]
        for request in left:
            request.ended = True
"""
    assert [found for found in effects(body) if found[0] in ("clear", "remove", "assign")] == [
        ("clear", "left"),
        ("remove", "table"),
        ("assign", "self.waiting[].ended"),
    ]


def test_a_member_of_cpp_taken_by_value_is_an_object_of_its_own_and_a_pointer_is_not():
    text = """
struct S {
    std::vector<int> rows;
    Slot slot;
    Node * node;
    void f() {
        auto taken = rows;
        taken.clear();
        Slot other = slot;
        other.busy = true;
        auto & same = rows;
        same.clear();
        auto next = node;
        next->busy = true;
    }
};
"""
    read, module = read_cpp(text.encode(), "cpp")
    found = next(f for f in facts_of(module, read).functions if f.name == "f")
    assert [(e.op, e.path) for e in found.effects if e.op in ("clear", "assign")] == [
        ("clear", "taken"),
        ("assign", "other.busy"),
        ("clear", "self.rows"),
        ("assign", "self.node.busy"),
    ]


def test_a_copy_of_cpp_that_a_branch_replaces_is_still_an_object_of_its_own():
    text = "void f(Slot given, bool turned) { Slot s = given; if (turned) { s = turn(s); } s.busy = true; }"
    read, module = read_cpp(text.encode(), "cpp")
    found = next(f for f in facts_of(module, read).functions if f.name == "f")
    assert [(e.op, e.path) for e in found.effects if e.op == "assign"] == [("assign", "s.busy")]
