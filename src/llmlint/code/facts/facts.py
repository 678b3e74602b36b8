"""The facts of one file: what each function does to state, small enough to cache and to send between processes.

Facts are made from a tree by `effects.py` and linked by `program.py`. They are free of file names and of anything
outside the file, so equal bytes give equal facts.

Access paths are strings: `self.waiting`, `req.block_ids`, `self.slots[].task`, `torch.distributed.all_reduce`, with
`[]` for any index and `()` for a call's result. Local aliases are already followed: after `q = self.waiting`, what is
done to `q` is recorded as done to `self.waiting`; `for r in self.waiting` makes `r` read as `self.waiting[]`. In C++ a
bare name that is neither local nor parameter is written `~name`: linking decides whether it is a member (`self.name`)
or a global.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import msgspec


class Argument(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One argument of a call. `keyword` is "" for a positional one, "*" and "**" for unpacked ones.

    `path` is set when the argument is a plain access path, `literal` when it is a literal (as source text); `written`
    is the path as it stands in the source where following aliases changed it.
    """

    path: str = ""
    keyword: str = ""
    literal: str = ""
    reads: tuple[str, ...] = ()
    written: str = ""


class Test(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a branch asks, as a small expression.

    op                              path                                  args
    path                            the place as written, locals by name  -
    constant                        its text                              -
    none                            -                                     -
    call                            the callee                            its arguments
    not, and, or                    -                                     what they join
    == != < <= > >= in, not in …    -                                     left and right
    other                           its text                              -
    """

    op: str
    path: str = ""
    args: tuple[Test, ...] = ()


class Effect(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One thing a function does, in source order.

    op        path                 what else is set
    call      callee               args, result; via = "await" when awaited, "new" for C++ `new`, "launch" for <<<>>>;
                                   Python: key = that of the element it is called on, `i` in `slots[i].free()`
    insert    container            key, reads, via = method, "[]=" or "+="; args when it was a method call
    remove    container            key, via = method, "del" or "[]"; args and result when it was a method call
    clear     container            via = method, or "=" when it was assigned an empty value
    assign    attribute or global  value, source, reads (via = "+=" … when augmented)
    bind      local name           value, source, reads (via = "+=" …; "for", "with", "except", "declare": who binds)
    delete    what is deleted      C++ `delete p`, Python `del name`
    return    path returned or ""  value, reads; Python: key = how many values a returned tuple has, as it is written
    raise     exception's path     reads
    assert    ""                   reads
    yield     path or ""           reads
    await     awaited path         (only where what is awaited is not itself a call)
    break, continue, goto, label   goto and label: its name

    `options` holds the paths that a value may be where its form offers several (`a if x else B()`) or `source` can tell
    none (the target of a `with`, of a loop over a call, of `a, b = f()`: `f()[0]`); `holds` those of what a fresh
    container holds (`[Slot(i) for i in ids]`); `type_text` the value of a module's name that may stand for a type.

    `maybe` holds the paths that a local name may stand for where branches gave it several: `q = a if x else b`.

    An insert/remove/clear made by a method call (`self.pool.clear()`) is not recorded a second time as a call:
    `callee` gives the path as it was called, for when the container turns out to be an object with methods of its own.

    `value` classifies what is assigned, bound or returned: none, empty (empty container), constant (`source` is the
    text), new (a call; `source` is the callee's path), path (`source` is the path), container (a non-empty display or
    comprehension), other (`source` is the operator where there is one: `<`, `+`, `~`). `annotation` is the declared
    type, where an assignment or binding with a value declares one.
    """

    op: str
    path: str
    line: int
    column: int
    region: int = 0
    key: str = ""
    via: str = ""
    value: str = ""
    source: str = ""
    result: str = ""
    reads: tuple[str, ...] = ()
    args: tuple[Argument, ...] = ()
    annotation: str = ""
    maybe: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    type_text: str = ""

    @property
    def callee(self) -> str:
        if self.op == "call":
            return self.path
        if self.op in ("insert", "remove", "clear") and self.via.isidentifier() and self.via != "del":
            return f"{self.path}.{self.via}"
        return ""


class Region(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A stretch of a function that control may skip, repeat or leave early. Region 0 is the body itself.

    kind      what                     text                           first
    body      the whole function
    if        the then-branch          the test
    else      the else-branch          the test                       region of its `if`
    loop      a loop's body            "for x in y", "while test"
    loop-else                                                         region of its `loop`
    try       what is tried
    except    a handler                types caught, "" for all       region of its `try`
    try-else                                                          region of its `try`
    finally                                                           region of its `try`
    with      a with-body              the context expressions
    block     a bare C++ block in which an object is made, to end with it
    case      one case                 patterns, "" for default       first case's region (its own index for the first)
    and       right side of and/or/?:  the left side
    lambda    body of a lambda,        C++: "[this](const request & req)"
              or the inner part of a comprehension
    unparsed  a broken stretch

    `begin` counts the function's effects before it; `test` is what an if, a while and an `and` ask; `runs_on`: control
    can fall out of this case into the next.
    """

    kind: str
    parent: int
    line: int
    end_line: int
    text: str = ""
    reads: tuple[str, ...] = ()
    first: int = 0
    begin: int = 0
    test: Test | None = None
    runs_on: bool = False


class Param(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`default` is the source text, "" when there is none; `kind` as in tree.Parameter."""

    name: str
    annotation: str = ""
    default: str = ""
    kind: str = ""


class Reach(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Where a pointer is reached through: `how` is "->", "*", or the call and the argument that it is: "f#0". `always`:
    on every way through the function."""

    how: str
    line: int
    column: int
    always: bool = False


class PointerUse(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """C and C++: what becomes of a pointer that may be null, a call's result or (`callee` "") a parameter.

    `place` holds it, "" where the call itself is reached through. `reaches` are those before anything is asked about
    it, `asked` is the line where it is first asked whether it is null, `late` where that is on every way after a reach;
    0 for nowhere.
    """

    callee: str
    line: int
    column: int
    place: str = ""
    reaches: tuple[Reach, ...] = ()
    asked: int = 0
    late: int = 0


class Choice(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Python: an expression takes a place, or `other` in its stead, `by` its "truth" (`x or 1`, `1 if not x else x`) or
    by whether it is "none".

    `place` is as written: a path, or what looks something up by a string; `name` is its last word or that string.
    `given` is the text of what is made of it where that is not the place itself.
    """

    place: str
    line: int
    column: int
    name: str
    by: str
    given: str = ""
    other: str = ""


class Body(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a function does. `reads` holds each attribute, global or parameter path once, with the line of its first
    reading."""

    regions: tuple[Region, ...] = ()
    effects: tuple[Effect, ...] = ()
    reads: tuple[tuple[str, int], ...] = ()
    pointers: tuple[PointerUse, ...] = ()
    choices: tuple[Choice, ...] = ()


class Gist(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a body speaks of, each once: enough to know of most functions that nobody need look into them.

    `calls`, `changes`, `reads` and `starts` are last names: of what is called, of what is changed, of all that stands
    in a path that is read, and of the attributes of `self` that are given a value or a type. `sets` are those that are
    set on anything but `self`, `spoken` what `getattr` and its like are given as a string, `flags` the keywords that
    calls are given as true, `chosen` the places in whose stead an expression may take something else. `deeds` are the
    effects' `op` and `via` where they change something or make it by C++'s `new`, "assign =[]" where something gets a
    part of itself, "with" where a `with` statement is entered.
    `surely` holds the paths called on every way, `ends` says that one of those calls is known never to come back, and
    `raises` that C++ code throws on every way.
    """

    calls: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    deeds: tuple[str, ...] = ()
    surely: tuple[str, ...] = ()
    ends: bool = False
    raises: bool = False
    chosen: tuple[str, ...] = ()

    def does(self, *ops: str) -> bool:
        """Is any of its deeds of one of these kinds of effects, whatever its `via`?"""
        return any(deed.partition(" ")[0] in ops for deed in self.deeds)


class Function(msgspec.Struct, array_like=True, frozen=True, dict=True):
    """`qualname` is dotted (`Scheduler.abort`, `Scheduler.abort.inner`); module level code is `<module>`.

    `owner` is the qualname of the class, "" for a plain function; a C++ method may name a class of another file. A
    function nested in a method has the method's owner too (its `self` is the same), and is no method: its qualname is
    longer than `owner.name`. `result` of a call is the path it is bound to (locals by their own name), "<return>",
    "<expression>" when it is part of a larger one, "<message>" when an assertion, an error or a log line says it, ""
    when it is dropped, "<void>" when a cast says that it is. `shape` says what the body amounts to when that is nearly
    nothing: see `effects.shape_of`. `statics` are the C++ locals that keep their value from call to call and may
    change; all threads share them. `awaits`: a coroutine lets others run in between, at an `await`, an `async for` or
    an `async with`. What it does is its body, unpacked when somebody asks.
    """

    name: str
    qualname: str
    owner: str
    line: int
    column: int
    end_line: int
    end_column: int
    params: tuple[Param, ...] = ()
    decorators: tuple[str, ...] = ()
    returns: str = ""
    is_async: bool = False
    is_generator: bool = False
    has_body: bool = True
    specifiers: tuple[str, ...] = ()
    docstring: str = ""
    shape: str = ""
    body_line: int = 0
    namespace: str = ""
    statics: tuple[str, ...] = ()
    awaits: bool = False
    gist: Gist = Gist()
    packed: bytes = b""

    @cached_property
    def kept(self) -> dict[object, Any]:
        """What was worked out of these facts alone: it outlives the program where the facts do."""
        return {}

    @cached_property
    def body(self) -> Body:
        return _BODIES.decode(self.packed) if self.packed else Body()

    @property
    def regions(self) -> tuple[Region, ...]:
        return self.body.regions

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.body.effects

    @property
    def reads(self) -> tuple[tuple[str, int], ...]:
        return self.body.reads

    @property
    def pointers(self) -> tuple[PointerUse, ...]:
        return self.body.pointers

    @property
    def choices(self) -> tuple[Choice, ...]:
        return self.body.choices


_BODIES = msgspec.msgpack.Decoder(Body)


def doing(function: Function, body: Body) -> Function:
    """The function with its body at hand."""
    function.__dict__["body"] = body
    return function


def packed(facts: FileFacts, encode: Callable[[object], bytes]) -> FileFacts:
    """The facts as they are kept: each body as bytes, which nobody reads before somebody asks for it."""
    functions = (
        function if function.packed else msgspec.structs.replace(function, packed=encode(function.body))
        for function in facts.functions
    )
    return msgspec.structs.replace(facts, functions=tuple(functions))


class FieldFact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Something declared in a class body: a dataclass field, a class attribute, a C++ member.

    `specifiers` are those of C++, and what Python's `field(…)` is told by keywords: `init=False`.
    """

    name: str
    line: int
    annotation: str = ""
    value: str = ""
    source: str = ""
    specifiers: tuple[str, ...] = ()


class Class(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`keywords` are what a Python class is made with: `metaclass=ABCMeta`, or what its base asks for."""

    name: str
    qualname: str
    line: int
    column: int
    end_line: int
    end_column: int
    bases: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    fields: tuple[FieldFact, ...] = ()
    docstring: str = ""
    namespace: str = ""
    methods: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


class ImportFact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`name` as it is known here stands for `target` of `module` (a plain `import a.b as c`: target "")."""

    name: str
    module: str
    target: str
    level: int
    line: int


class MacroFact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A C or C++ macro that looks like a call. `last`: the path that it calls last whatever it did before, or how it
    ends, see `native_endings`; "" where it may leave in another way."""

    name: str
    last: str


class Table(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Python: the `names` that a dict has as keys, or another display as elements, where that is kept under `kept_as`,
    or gone over in place ("")."""

    kept_as: str
    names: tuple[str, ...]


class FileFacts(msgspec.Struct, array_like=True, frozen=True, gc=False):
    language: str
    lines: int
    imports: tuple[ImportFact, ...] = ()
    classes: tuple[Class, ...] = ()
    functions: tuple[Function, ...] = ()
    broken: tuple[tuple[int, int], ...] = ()
    macros: tuple[MacroFact, ...] = ()
    tables: tuple[Table, ...] = ()
    made_from: str = ""
    """The file that it says it is generated from."""

    @property
    def lines_not_parsed(self) -> int:
        """Broken regions may lie in one another; a line counts once."""
        counted, last = 0, 0
        for start, end in sorted(self.broken):
            counted += max(0, end - max(start, last + 1) + 1)
            last = max(last, end)
        return counted
