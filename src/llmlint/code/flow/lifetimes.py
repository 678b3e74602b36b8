"""One pass over a C++ function that follows which locals have a value and which pointers still lead somewhere.

Each statement is passed in the order in which it runs, with what may be wrong with every name; loops are passed twice,
so that what the end of a round leaves is met by the next. Two branches that ask the same text are taken together. A
function with labels is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from llmlint.code.flow.assigned import told_by
from llmlint.code.flow.fates import NOTHING, Fate, Key, Known, Loan, Local, Seen, State, joined
from llmlint.code.flow.graph import NEVER_RETURN
from llmlint.code.syntax import tree
from llmlint.code.syntax.written import text_of

_SCALAR = re.compile(
    r"(?:const |volatile |unsigned |signed |long |short |register )*"
    r"(?:int|char|long|short|float|double|bool|size_t|ssize_t|unsigned|u?int(?:8|16|32|64)_t)(?: \*+)?|[\w:]+ \*+"
)
_GROWN = re.compile(r"\b(?:vector|basic_string|string|wstring|deque)\b")
_ANY_CONTAINER = re.compile(r"\b(?:vector|basic_string|string|wstring|deque|map|set|list|unordered_\w+|array)\b")
_STRING = re.compile(r"\b(?:string|basic_string|vector|array)\b")
_LEADS_ELSEWHERE = re.compile(r"[*]|\bauto\b|ptr|iterator|optional")
_VIEW = re.compile(r"\b(?:string_view|basic_string_view|span)\b")
_BUFFERS = frozenset({"c_str", "data"})
_ITERATORS = frozenset("begin end cbegin cend rbegin rend find lower_bound upper_bound".split())
_PLACES = frozenset({"back", "front", "at"})
_MOVING = frozenset("push_back emplace_back resize insert emplace push_front emplace_front append assign".split())
_ENDING = frozenset({"clear", "erase", "shrink_to_fit"})
_GROWING = frozenset({"push_back", "emplace_back", "resize", "append", "push_front", "emplace_front"})
_REVIVES = frozenset({"clear", "reset", "assign", "resize", "swap", "open", "emplace"})
_FREES = re.compile(r"(?:^|_)(?:free|destroy)$")
_FRESH = frozenset({"std.to_string", "std.string", "to_string", "string"})
_GIVES_STRING = frozenset({"str", "string", "dump", "to_string"})
_UNREAD = frozenset({"sizeof", "decltype", "alignof", "typeid", "UNUSED", "GGML_UNUSED"})
_DEEP = 2


class Lifetimes:
    """`found` is what was met, in source order. `fields` are the types of members, by name; `values` the functions of
    the file that answer a string of their own."""

    def __init__(
        self, function: tree.Function, lines: list[str], fields: dict[str, str], values: frozenset[str] = frozenset()
    ) -> None:
        self.function = function
        self.lines = lines
        self.fields = fields
        self.values = values
        self.found: list[Seen] = []
        self.known: Known = NOTHING
        self._told: set[tuple[str, int, str]] = set()
        self._scopes: list[dict[str, Local]] = [{}]
        self._locals: dict[int, Local] = {}
        self._left: list[dict[str, list[State]]] = []
        self._reserved: set[str] = set()

    def read(self) -> list[Seen]:
        body = self.function.body or []
        for parameter in self.function.params:
            if parameter.name:
                annotation = parameter.annotation.text if isinstance(parameter.annotation, tree.TypeName) else ""
                self._declare(parameter.name, annotation, parameter, "parameter")
        end = self.block(body, State())
        if end is not None:
            self._at_exit(end, self.function)
        return self.found

    # ------------------------------------------------------------ names

    def _declare(self, name: str, type_text: str, node: tree.Node, kind: str) -> Local:
        local = Local(len(self._locals) + 1, name, type_text, node, kind)
        self._locals[local.key] = local
        self._scopes[-1][name] = local
        return local

    def local(self, name: str) -> Local | None:
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        return None

    def key_of(self, node: tree.Node) -> tuple[Key, str] | None:
        """A name's number, or its path below what it belongs to; None for an element or a call's result."""
        path = tree.path_of(node).removeprefix("self.")
        if not path or "[" in path or "(" in path or (isinstance(node, tree.Unary) and node.op == "*"):
            return None
        root, dot, rest = path.partition(".")
        local = self.local(root)
        if local is None:
            return path, path
        return (f"{local.key}.{rest}", path) if dot else (local.key, path)

    def _type_of(self, key: Key, path: str) -> str:
        if isinstance(key, int):
            return self._locals[key].type
        return self.fields.get(path.rpartition(".")[2], "")

    # ------------------------------------------------------------ statements

    def block(self, body: Sequence[tree.Node], state: State | None) -> State | None:
        self._scopes.append({})
        known = self.known
        state = self._all(body, state)
        self.known = known
        if state is not None:
            self._end_of(self._scopes[-1].values(), state)
        self._scopes.pop()
        return state

    def _all(self, body: Sequence[tree.Node], state: State | None) -> State | None:
        for statement in body:
            if state is None:
                break
            state = self._statement(statement, state)
        return state

    def _end_of(self, locals_: Iterable[Local], state: State) -> None:
        """What ends with its scope leaves those who borrowed from it with nothing."""
        ended = {local.key: local for local in locals_}
        for key, lent in state.loans.items():
            if key in ended or key in state.fates:
                continue
            for loan in lent:
                owner = ended.get(int(str(loan.owner).partition(".")[0])) if str(loan.owner)[:1].isdigit() else None
                if owner is not None and owner.is_owner and self._owns(owner, loan):
                    state.fates[key] = self._fate("ended", str(key), owner.node, loan)
                    break
        for key in [key for key in (*state.fates, *state.loans) if str(key).partition(".")[0] in map(str, ended)]:
            state.fates.pop(key, None)
            state.loans.pop(key, None)

    def _owns(self, owner: Local, loan: Loan) -> bool:
        if loan.how == "address":
            return True
        if owner.type.rstrip().endswith("*") or _VIEW.search(owner.type):
            return False
        return isinstance(loan.owner, int) and bool(_ANY_CONTAINER.search(owner.type))

    def _fate(self, kind: str, name: str, at: tree.Node, loan: Loan | None = None) -> Fate:
        owner, lent = (loan.path, loan.line) if loan is not None else ("", 0)
        return Fate(kind, name, at.line, at.column, owner, lent, self.known)

    def _statement(self, node: tree.Node, state: State) -> State | None:
        match node:
            case tree.Block(body=body) | tree.Broken(body=body):
                return self.block(body, state)
            case tree.Assign():
                self._assign(node, state)
            case tree.If():
                return self._if(node, state)
            case tree.Loop():
                return self._loop(node, state)
            case tree.Switch():
                return self._switch(node, state)
            case tree.Try():
                return self._try(node, state)
            case tree.With(items=items, body=body):
                for entered, _ in items:
                    self.value(entered, state)
                return self.block(body, state)
            case tree.Return(value=value):
                self._return(node, value, state)
                return None
            case tree.Raise(value=value):
                self.value(value, state)
                return None
            case tree.Jump(kind=kind):
                if self._left and kind in self._left[-1]:
                    self._left[-1][kind].append(state)
                return None
            case tree.Delete(targets=targets):
                for target in targets:
                    self._free(target, node, state)
            case tree.Expression(value=value):
                self.value(value, state)
                if _never_returns(value):
                    return None
            case tree.Function() | tree.Class() | tree.Import():
                pass
            case _:
                self.value(node, state)
        return state

    def _assign(self, node: tree.Assign, state: State) -> None:
        lent = self.value(node.value, state) if node.value is not None else ()
        for target in node.targets:
            if node.declares:
                self._declared(node, target, lent, state)
            elif isinstance(target, tree.Collection):
                for item in target.items:
                    self._stored(item, (), state)
            else:
                if node.op:
                    self.value(target, state)
                self._stored(target, lent if not node.op else (), state, node.value)

    def _declared(self, node: tree.Assign, target: tree.Node, lent: tuple[Loan, ...], state: State) -> None:
        if isinstance(target, tree.Collection):
            for item in target.items:
                if isinstance(item, tree.Name):
                    self._declare(item.id, "auto &", item, "target")
            return
        if not isinstance(target, tree.Name):
            return
        written = node.annotation.text if isinstance(node.annotation, tree.TypeName) else ""
        shared = {"static", "extern", "thread_local"} & set(node.specifiers) or "__shared__" in self.lines[
            node.line - 1
        ]
        kind = "static" if shared else "local"
        local = self._declare(target.id, written, target, kind)
        if node.value is None and kind == "local" and _SCALAR.fullmatch(written):
            state.fates[local.key] = Fate("unset", target.id, target.line, target.column)
        self._lend(local.key, written, lent, state, node.value)

    def _stored(self, target: tree.Node, lent: tuple[Loan, ...], state: State, value: tree.Node | None = None) -> None:
        found = self.key_of(target)
        if found is None:
            for part in target.args if isinstance(target, tree.Call) else tree.children(target):
                self._handed(part, state) if isinstance(target, tree.Call) else self.value(part, state)
            return
        key, path = found
        state.fates.pop(key, None)
        self._forget_below(key, state)
        root = path.partition(".")[0]
        if path != root and self.local(root) is not None:
            held = self.local(root)
            if held is not None and state.fates.get(held.key, _FINE).kind == "unset":
                self._use(held, target, state)
        self._lend(key, self._type_of(key, path), lent, state, value)

    @staticmethod
    def _forget_below(key: Key, state: State) -> None:
        prefix = f"{key}."
        for known in (state.fates, state.loans):
            for below in [k for k in known if isinstance(k, str) and k.startswith(prefix)]:
                known.pop(below)

    def _lend(self, key: Key, type_text: str, lent: tuple[Loan, ...], state: State, value: tree.Node | None) -> None:
        state.loans.pop(key, None)
        if value is None:
            return
        is_reference, is_pointer = "&" in type_text, "*" in type_text
        is_view = bool(_VIEW.search(type_text))
        if self._is_temporary(value, is_view):
            if is_pointer or is_view or type_text == "auto":
                state.fates[key] = Fate("temporary", "", value.line, value.column, under=self.known)
            return
        if is_view and not lent:
            found = self.key_of(value)
            if found is not None and _STRING.search(self._type_of(*found)):
                lent = (Loan(*found, "view", value.line),)
        if is_reference and not is_pointer:
            kept = [loan._replace(how="element") if loan.how == "place" else loan for loan in lent]
        elif is_pointer or is_view or "auto" in type_text or "iterator" in type_text or not type_text:
            kept = [loan for loan in lent if loan.how != "place"]
        else:
            kept = [loan for loan in lent if loan.how == "address" and "function" in type_text]
        if kept:
            state.loans[key] = tuple(kept)

    def _is_temporary(self, value: tree.Node, is_view: bool) -> bool:
        """`name().c_str()`, `(a + b).data()`; for a view also the string itself."""
        if isinstance(value, tree.Call) and isinstance(value.function, tree.Attribute):
            if value.function.name in _BUFFERS and not value.args:
                return self._is_string_of_its_own(value.function.value)
        return is_view and self._is_string_of_its_own(value)

    def _is_string_of_its_own(self, value: tree.Node) -> bool:
        match value:
            case tree.Collection(items=[inner]):
                return self._is_string_of_its_own(inner)
            case tree.Call(function=tree.Attribute(value=owner, name=name)) if (
                tree.path_of(value.function) not in _FRESH
            ):
                return name in _GIVES_STRING and not value.args and tree.path_of(owner) not in ("std", "")
            case tree.Call(function=function):
                path = tree.path_of(function)
                return path in _FRESH or (isinstance(function, tree.Name) and path in self.values)
            case tree.Binary(op="+", left=left, right=right):
                return any(isinstance(p, tree.Literal) and p.kind == "string" for p in (left, right)) or any(
                    self._is_string_of_its_own(part) for part in (left, right)
                )
        return False

    # ------------------------------------------------------------ branches and loops

    def _under(self, body: Sequence[tree.Node], state: State, told: Known) -> State | None:
        before, self.known = self.known, self.known | told
        end = self.block(body, state)
        self.known = before
        return end

    def _if(self, node: tree.If, state: State) -> State | None:
        if isinstance(node.test, tree.TypeName):
            return joined([self._all(node.body, state.copy()), self._all(node.orelse, state)])
        self._scopes.append({})
        test = self._test(node.test, state)
        holds, fails = told_by(test, True, self.lines), told_by(test, False, self.lines)
        always = isinstance(test, tree.Literal) and test.text in ("true", "1")
        then = self._under(node.body, state.copy(), holds)
        other = None if always else self._under(node.orelse, state.copy(), fails)
        self._scopes.pop()
        if then is None and other is not None:
            self.known |= fails
        elif other is None and then is not None:
            self.known |= holds
        return self._met(joined([then, other], [holds, fails]), then, other, bool(node.orelse))

    def _met(self, met: State | None, then: State | None, other: State | None, both: bool) -> State | None:
        """Where two ways meet it is remembered what held there; of a chain of tests the last may always hold."""
        if met is None or then is None or other is None:
            return met
        for key, fate in list(met.fates.items()):
            if (key in then.fates) != (key in other.fates):
                met.fates[key] = fate._replace(under=self.known)
                if both and fate.kind == "unset" and key in other.fates and not other.fates[key].sure:
                    met.fates.pop(key)
        return met

    def _test(self, test: tree.Node, state: State) -> tree.Node:
        """Reads a test, with what it declares; answers what is asked."""
        if isinstance(test, tree.Collection) and test.kind == "tuple" and test.items:
            for item in test.items:
                self._part(item, state)
            return test.items[-1]
        self._part(test, state)
        return test

    def _part(self, node: tree.Node, state: State) -> None:
        if isinstance(node, tree.Assign):
            self._assign(node, state)
        else:
            self.value(node, state)

    def _loop(self, node: tree.Loop, state: State) -> State | None:
        self._scopes.append({})
        asked: list[tree.Node] = [node.test] if node.test is not None else []
        steps: list[tree.Node] = []
        if node.kind == "count" and isinstance(node.iterable, tree.Collection):
            steps = list(node.iterable.items)
            while steps and isinstance(steps[0], tree.Assign | tree.Named) and not steps[0].op:
                self._part(steps.pop(0), state)
            asked = [part for part in steps[:1] if isinstance(part, tree.Compare | tree.Logic)]
        elif node.iterable is not None:
            self._walked(node, state)
        before = state.copy() if node.kind != "do" else None
        left: dict[str, list[State]] = {"break": [], "continue": []}
        end: State | None = state
        for _ in range(2 if len(self._left) < _DEEP else 1):
            entry = joined([before, end]) if before is not None else end
            if entry is None:
                break
            end = self._round(node, entry.copy(), asked, steps, left)
            if before is not None:
                _settle(before, end)
        self._scopes.pop()
        endless = (not asked and node.kind == "while") or (
            node.kind != "count"
            and bool(asked)
            and isinstance(asked[0], tree.Literal)
            and asked[0].text in ("true", "1")
        )
        return joined([*([] if endless else [before, end]), *left["break"]])

    def _walked(self, node: tree.Loop, state: State) -> None:
        self.value(node.iterable, state)
        found = self.key_of(node.iterable) if node.iterable is not None else None
        for name in (n.id for n in tree.walk(node.target) if isinstance(n, tree.Name)) if node.target else ():
            local = self._declare(name, "auto &", node, "target")
            if found is not None:
                state.loans[local.key] = (Loan(*found, "element", node.line),)

    def _round(
        self,
        node: tree.Loop,
        state: State,
        asked: list[tree.Node],
        steps: list[tree.Node],
        left: dict[str, list[State]],
    ) -> State | None:
        told = told_by(asked[0], True, self.lines) if asked and node.kind != "do" else NOTHING
        if node.kind != "do":
            for part in asked:
                self._part(part, state)
        fresh = [local.key for local in self._scopes[-1].values() if local.kind == "target"]
        for key in fresh:
            state.fates.pop(key, None)
            self._forget_below(key, state)
        self._left.append({"break": [], "continue": []})
        end = self._under(node.body, state, told)
        gone = self._left.pop()
        left["break"] += gone["break"]
        end = joined([end, *gone["continue"]])
        if end is not None:
            for part in steps if node.kind == "count" else asked if node.kind == "do" else ():
                self._part(part, end)
        return end

    def _switch(self, node: tree.Switch, state: State) -> State | None:
        self.value(node.subject, state)
        outer = self._left[-1] if self._left else None
        self._left.append({"break": []} | ({"continue": outer["continue"]} if outer and "continue" in outer else {}))
        falling: State | None = None
        ends: list[State | None] = []
        for case in node.cases:
            entry = joined([state.copy(), falling])
            end = self.block(case.body, entry)
            falling = end if case.falls_through else None
            ends += [] if case.falls_through else [end]
        ends += [falling, *self._left.pop()["break"]]
        if any(not case.patterns for case in node.cases):
            return joined(ends)
        for end in ends:
            _settle(state, end)
        return joined([*ends, state])

    def _try(self, node: tree.Try, state: State) -> State | None:
        before = state.copy()
        after = self.block(node.body, state)
        _settle(before, after)
        ends = [after]
        for handler in node.handlers:
            entry = before.copy()
            entry.fates = {key: fate for key, fate in entry.fates.items() if fate.kind != "unset"}
            ends.append(self.block(handler.body, entry))
        return joined(ends)

    # ------------------------------------------------------------ ends

    def _return(self, node: tree.Return, value: tree.Node | None, state: State) -> None:
        lent = self.value(value, state) if value is not None else ()
        returns = self.function.returns.text if isinstance(self.function.returns, tree.TypeName) else ""
        is_pointer, is_view = "*" in returns, bool(_VIEW.search(returns))
        is_reference = returns.rstrip().endswith("&")
        if value is not None and (is_pointer or is_view) and self._is_temporary(value, is_view):
            self._tell("returned", Fate("temporary", "", value.line, value.column), value)
        if is_view and value is not None and (found := self.key_of(value)) and _STRING.search(self._type_of(*found)):
            lent = (Loan(*found, "view", value.line),)
        elif is_reference and value is not None and (found := self.key_of(value)) and isinstance(found[0], int):
            lent = (Loan(*found, "address", value.line),)
        for loan in lent if is_pointer or is_view or is_reference else ():
            owner = self._owner(loan)
            fits = loan.how != "place" or is_reference
            if fits and owner is not None and owner.is_owner and self._owns(owner, loan):
                self._tell("returned", self._fate("ended", owner.name, owner.node, loan), value or node)
        self._at_exit(state, node)

    def _owner(self, loan: Loan) -> Local | None:
        number = str(loan.owner).partition(".")[0]
        return self._locals.get(int(number)) if number.isdigit() else None

    def _at_exit(self, state: State, node: tree.Node) -> None:
        """Freed pointers and loans that stay in what outlives the function."""
        if self.function.name in ("main", "<lambda>") or {"argc", "argv"} & {p.name for p in self.function.params}:
            return
        for key, fate in state.fates.items():
            if fate.kind == "freed" and isinstance(key, str) and self._outlives(key):
                self._tell("kept", fate, node)
        for key, lent in state.loans.items():
            if not isinstance(key, str) or not self._outlives(key):
                continue
            for loan in lent:
                owner = self._owner(loan)
                if owner is not None and owner.is_owner and self._owns(owner, loan):
                    self._tell("kept", self._fate("ended", self._named(key), owner.node, loan), node)

    def _named(self, key: str) -> str:
        number, _, rest = key.partition(".")
        return f"{self._locals[int(number)].name}.{rest}" if number.isdigit() else key

    def _outlives(self, key: str) -> bool:
        number = key.partition(".")[0]
        if not number.isdigit():
            return True
        root = self._locals[int(number)]
        return root.kind in ("parameter", "static") and bool(re.search(r"[*&]", root.type))

    # ------------------------------------------------------------ expressions

    def value(self, node: tree.Node | None, state: State) -> tuple[Loan, ...]:
        """Reads an expression; answers what its value leads into."""
        match node:
            case None | tree.Literal() | tree.TypeName():
                return ()
            case tree.Name():
                return self._name(node, state)
            case tree.Attribute() | tree.Index():
                return self._place(node, state)
            case tree.Unary(op="&", operand=operand):
                return self._address(operand, node, state)
            case tree.Unary(op=op, operand=operand):
                if op == "*":
                    self._followed(operand, state)
                lent = self.value(operand, state)
                if op in ("++", "--") and (found := self.key_of(operand)) is not None:
                    self._forget_below(found[0], state)
                return lent if op in ("+", "++", "--") else ()
            case tree.Call():
                return self._call(node, state)
            case tree.Lambda():
                return self._lambda(node, state)
            case tree.Named(target=target, value=value, op=op):
                lent = self.value(value, state)
                if op:
                    self.value(target, state)
                self._stored(target, lent if not op else (), state, value)
                return lent
            case tree.Assign():
                self._assign(node, state)
                return ()
            case tree.Logic(op=op, operands=operands):
                before = self.known
                for at, operand in enumerate(operands):
                    here = state if at == 0 else state.copy()
                    self.value(operand, here)
                    _settle(state, here)
                    self.known |= told_by(operand, op == "and", self.lines)
                self.known = before
                return ()
            case tree.Conditional(test=test, body=body, orelse=orelse):
                self.value(test, state)
                before, lent = self.known, ()
                for part, holds in ((body, True), (orelse, False)):
                    self.known = before | told_by(test, holds, self.lines)
                    lent += self.value(part, state)
                self.known = before
                return lent
            case tree.Cast(value=value):
                return self.value(value, state)
            case tree.Binary(op=">>", left=left, right=right):
                self.value(left, state)
                if (found := self.key_of(right)) is not None:
                    state.fates.pop(found[0], None)
                else:
                    self.value(right, state)
                return ()
            case tree.Binary(op="+" | "-", left=left, right=right):
                return (*self.value(left, state), *self.value(right, state))
            case tree.Delete(targets=targets):
                for target in targets:
                    self._free(target, node, state)
                return ()
            case tree.Function() | tree.Class():
                return ()
        for child in tree.children(node):
            self.value(child, state)
        return ()

    def _name(self, node: tree.Name, state: State) -> tuple[Loan, ...]:
        local = self.local(node.id)
        if local is None:
            return ()
        self._use(local, node, state)
        if local.type.rstrip().endswith("[]"):
            return (Loan(local.key, local.name, "address", node.line),)
        return state.loans.get(local.key, ())

    def _use(self, local: Local, node: tree.Node, state: State) -> None:
        fate = state.fates.get(local.key)
        if fate is not None and fate.kind != "freed" and self._holds(fate):
            self._tell("read", fate._replace(name=local.name), node)
            state.fates.pop(local.key)

    def _holds(self, fate: Fate) -> bool:
        """What is wrong on some ways only must hold under no more than what held where they met."""
        return fate.may_hold(self.known) and (fate.sure or self.known <= fate.under)

    def _followed(self, node: tree.Node, state: State) -> None:
        """A pointer that is followed must not have been freed."""
        found = self.key_of(node)
        fate = state.fates.get(found[0], _FINE) if found is not None else _FINE
        if found is not None and fate.kind == "freed" and self._holds(fate):
            self._tell("read", fate._replace(name=found[1]), node)

    def _place(self, node: tree.Attribute | tree.Index, state: State) -> tuple[Loan, ...]:
        self._followed(node.value, state)
        if isinstance(node, tree.Index):
            self.value(node.key, state)
            found = self.key_of(node.value)
            lent = self.value(node.value, state)
            if found is not None and _ANY_CONTAINER.search(self._type_of(*found)):
                return (Loan(*found, "place", node.line),)
            return tuple(loan._replace(how="place") for loan in lent if loan.how == "address")
        holder = self.key_of(node.value)
        if holder is None or state.fates.get(holder[0], _FINE).kind != "moved":
            self.value(node.value, state)
        found = self.key_of(node)
        if found is None:
            return ()
        fate = state.fates.get(found[0])
        if fate is not None and fate.kind != "freed" and self._holds(fate):
            self._tell("read", fate._replace(name=found[1]), node)
            state.fates.pop(found[0])
        return state.loans.get(found[0], ())

    def _address(self, operand: tree.Node, node: tree.Node, state: State) -> tuple[Loan, ...]:
        root = operand
        while isinstance(root, tree.Attribute):
            root = root.value
        if isinstance(operand, tree.Index):
            lent = self._place(operand, state)
            return tuple(loan._replace(how="element") if loan.how == "place" else loan for loan in lent)
        found = self.key_of(operand)
        if found is None or not isinstance(root, tree.Name):
            return self.value(operand, state) and ()
        state.fates.pop(found[0], None)
        local = self.local(root.id)
        if (
            "->" in text_of(operand, self.lines)
            or local is None
            or not local.is_owner
            or (operand is not root and _LEADS_ELSEWHERE.search(local.type))
        ):
            return ()
        return (Loan(local.key, found[1], "address", node.line),)

    def _call(self, node: tree.Call, state: State) -> tuple[Loan, ...]:
        path = tree.path_of(node.function)
        name = path.rpartition(".")[2]
        if name in _UNREAD or name.startswith(("EXPECT_", "ASSERT_")):
            for part in (p for argument in node.args for p in tree.walk(argument)):
                if isinstance(part, tree.Unary) and part.op == "&":
                    self._address(part.operand, part, state)
            return ()
        if name == "asm":
            for argument in node.args:
                self._handed(argument, state)
            return ()
        if path in ("std.move", "move") and len(node.args) == 1:
            return self._moved(node.args[0], node, state)
        if path.count(".") == path.startswith("std.") and _FREES.search(name) and len(node.args) == 1:
            self._free(node.args[0], node, state)
            return ()
        if path in ("va_start", "va_copy") or name.startswith("memset"):
            for argument in node.args:
                self._handed(argument, state)
            return ()
        owner = self._method_owner(node, state)
        lent: tuple[Loan, ...] = ()
        for argument in (*node.args, *node.launch):
            self._handed(argument, state)
        if owner is not None:
            lent = self._on_owner(node, name, owner, state)
        elif not isinstance(node.function, tree.Name | tree.Attribute):
            self.value(node.function, state)
        if name == "detach" or path == "std.thread":
            self._threads(node, path, state)
        return lent

    def _method_owner(self, node: tree.Call, state: State) -> tuple[Key, str] | None:
        if not isinstance(node.function, tree.Attribute):
            if isinstance(node.function, tree.Name) and (local := self.local(node.function.id)) is not None:
                self._use(local, node.function, state)
            return None
        receiver = node.function.value
        if tree.path_of(receiver) == "std":
            return None
        self._followed(receiver, state)
        found = self.key_of(receiver)
        method = node.function.name
        if found is not None and method in _REVIVES and state.fates.get(found[0], _FINE).kind == "moved":
            state.fates.pop(found[0])
        if found is None or found[0] not in state.fates or state.fates[found[0]].kind != "moved" or method not in _ASKS:
            self.value(receiver, state)
        return found

    def _on_owner(self, node: tree.Call, method: str, owner: tuple[Key, str], state: State) -> tuple[Loan, ...]:
        key, path = owner
        type_text = self._type_of(key, path)
        if method == "reserve":
            self._reserved.add(path)
        if _GROWN.search(type_text) and "*" not in type_text and method in _MOVING | _ENDING:
            if not (method in _GROWING and path in self._reserved):
                self._outgrown(node, key, path, method, state)
        if method == "erase" and len(node.args) == 1 and isinstance(node.args[0], tree.Name):
            gone = self.local(node.args[0].id)
            lent = state.loans.get(gone.key, ()) if gone is not None else ()
            if gone is not None and any(loan.how == "iterator" and loan.owner == key for loan in lent):
                state.fates[gone.key] = self._fate("outgrown", gone.name, node, lent[0])
        if method in _BUFFERS and not node.args:
            return (Loan(key, path, "buffer", node.line),)
        if method in _ITERATORS:
            return (Loan(key, path, "iterator", node.line),) if _ANY_CONTAINER.search(type_text) else ()
        if method in _PLACES and _ANY_CONTAINER.search(type_text):
            return (Loan(key, path, "place", node.line),)
        if method == "get" and "unique_ptr" in type_text:
            return (Loan(key, path, "buffer", node.line),)
        return ()

    def _outgrown(self, node: tree.Node, key: Key, path: str, method: str, state: State) -> None:
        for borrower, lent in state.loans.items():
            for loan in lent:
                ends_it = loan.how in ("element", "buffer", "view") or (loan.how == "iterator")
                if loan.owner == key and loan.path == path and ends_it and borrower not in state.fates:
                    state.fates[borrower] = self._fate("outgrown", str(borrower), node, loan)

    def _handed(self, argument: tree.Node, state: State) -> None:
        """An argument may be taken by reference and set."""
        if isinstance(argument, tree.Name) and (local := self.local(argument.id)) is not None:
            if state.fates.get(local.key, _FINE).kind in ("unset", "moved"):
                state.fates.pop(local.key)
        self.value(argument, state)

    def _moved(self, argument: tree.Node, node: tree.Node, state: State) -> tuple[Loan, ...]:
        found = self.key_of(argument)
        self.value(argument, state)
        if found is not None and isinstance(found[0], int):
            local = self._locals[found[0]]
            if local.kind in ("local", "parameter") and not local.type.rstrip().endswith(("*", "&")):
                state.fates[found[0]] = self._fate("moved", local.name, node)
        return ()

    def _free(self, target: tree.Node, node: tree.Node, state: State) -> None:
        found = self.key_of(target)
        if found is None:
            self.value(target, state)
            return
        fate = state.fates.get(found[0])
        if fate is not None and fate.kind == "freed" and self._holds(fate):
            self._tell("freed", fate._replace(name=found[1]), node)
        elif isinstance(target, tree.Name) and (local := self.local(target.id)) is not None:
            self._use(local, target, state)
        elif isinstance(target, tree.Attribute):
            self.value(target.value, state)
        state.fates[found[0]] = self._fate("freed", found[1], node)
        self._forget_below(found[0], state)

    def _lambda(self, node: tree.Lambda, state: State) -> tuple[Loan, ...]:
        """What a lambda mentions is read, where it takes it by value; by reference it may be set, and is lent."""
        by_reference = re.match(r"\[\s*&\s*[,\]]", node.captures) is not None
        own = {parameter.name for parameter in node.function.params}
        lent: dict[Loan, None] = {}
        for inner in (n for statement in node.function.body or () for n in tree.walk(statement)):
            if isinstance(inner, tree.Assign) and inner.declares:
                own.update(target.id for target in inner.targets if isinstance(target, tree.Name))
        for inner in (n for statement in node.function.body or () for n in tree.walk(statement)):
            if not isinstance(inner, tree.Name) or inner.id in own or (local := self.local(inner.id)) is None:
                continue
            if by_reference or re.search(rf"&\s*{re.escape(inner.id)}\b", node.captures):
                if state.fates.get(local.key, _FINE).kind == "unset":
                    state.fates.pop(local.key)
                if local.is_owner:
                    lent[Loan(local.key, local.name, "address", node.line)] = None
        for name in re.findall(r"std::move\((\w+)\)", node.captures):
            moved = self.local(name)
            if moved is not None and not moved.type.rstrip().endswith(("*", "&")):
                state.fates[moved.key] = self._fate("moved", name, node)
        return tuple(lent)

    def _threads(self, node: tree.Call, path: str, state: State) -> None:
        """`std::thread([&] { … }).detach()`: what the lambda took by reference may end before the thread does."""
        made = node.function.value if isinstance(node.function, tree.Attribute) else None
        if path.endswith("detach") and isinstance(made, tree.Call) and tree.path_of(made.function).endswith("thread"):
            for argument in made.args:
                lent = self.value(argument, state) if isinstance(argument, tree.Lambda) else ()
                for loan in lent[:1]:
                    owner = self._owner(loan)
                    if owner is not None:
                        self._tell("detached", self._fate("ended", owner.name, owner.node, loan), node)

    # ------------------------------------------------------------ what was met

    def _tell(self, how: str, fate: Fate, node: tree.Node) -> None:
        mark = (how, fate.line, fate.name)
        if mark not in self._told:
            self._told.add(mark)
            self.found.append(Seen(how, fate.name, fate, node))


_FINE = Fate("", "", 0, 0)
_ASKS = frozenset({"empty", "size", "clear", "reset", "valid", "has_value", "joinable"})


def _settle(before: State, after: State | None) -> None:
    """What a loop, a switch or a trial sets counts as set behind it."""
    if after is not None:
        for key in [key for key, fate in before.fates.items() if fate.kind == "unset" and key not in after.fates]:
            before.fates.pop(key)


def _never_returns(value: tree.Node) -> bool:
    if not isinstance(value, tree.Call):
        return False
    path = tree.path_of(value.function)
    asked = value.args[0] if value.args else None
    asked = asked.operands[0] if isinstance(asked, tree.Logic) and asked.op == "and" else asked
    is_false = isinstance(asked, tree.Literal) and asked.text in ("false", "0")
    return path in NEVER_RETURN or (path.upper().endswith("ASSERT") and is_false)
