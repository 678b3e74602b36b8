from llmlint.code.syntax.tree import Attribute, Index, Name, path_of


def at(kind, *fields):
    return kind(1, 1, 1, 1, *fields)


def test_this_reads_as_self_and_any_index_as_brackets():
    slots = at(Attribute, at(Name, "this"), "slots")
    assert path_of(at(Attribute, at(Index, slots, at(Name, "i")), "task")) == "self.slots[].task"
