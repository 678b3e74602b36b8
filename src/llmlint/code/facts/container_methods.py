"""What the methods of standard containers do to them, in Python and in C++.

A class of the target may use the same names for its own methods; `Effect.callee` lets linking find those.
"""

INSERTS = frozenset(
    # Python: list, set, dict, deque, queue.Queue
    "append appendleft add insert extend extendleft update setdefault put put_nowait push "
    # C++ standard containers
    "push_back emplace_back push_front emplace_front emplace insert_or_assign try_emplace".split()
)

REMOVES = frozenset(
    "pop popitem popleft remove discard difference_update get_nowait erase pop_back pop_front extract".split()
)

CLEARS = frozenset({"clear", "zero_", "fill_"})

FILLERS = frozenset("std.fill std.fill_n std.ranges.fill memset std.memset".split())
"""Functions that give every element of their first argument one value."""

HEAP_MODULES = ("heapq", "bisect")
PUTS_IN = frozenset("heappush insort insort_left insort_right".split())
TAKES_OUT = frozenset({"heappop"})
"""Functions of these modules that put something into their first argument, or take it out."""

KEYED_FIRST = frozenset("setdefault pop remove discard erase emplace try_emplace insert_or_assign add append".split())
"""Methods whose first argument is the key or the element."""

ELEMENT_GETTERS = frozenset("get pop popleft popitem at front back setdefault find top".split())
"""Methods whose result is (or may be) an element of the container."""

VIEWS = frozenset("values copy items begin end cbegin cend data".split())
"""Methods without arguments whose result stands for the container itself."""

WRAPPERS = frozenset("list tuple sorted reversed set iter copy frozenset deque".split())
"""Functions whose result holds the elements of their argument."""

PAIRERS = frozenset("make_pair make_tuple".split())
"""Functions of C++ whose result holds what they are given."""

CASTS = frozenset("static_cast reinterpret_cast const_cast dynamic_cast".split())
"""Calls of C++ whose result is what they are given."""
