"""Mutators of C++ and CUDA: members and memory, tests of values from outside, statuses and streams of the device."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from benchmarks.mutants.cpp_mutators import CppFile
from benchmarks.mutants.sites import Change, Mutator, Planted

_NAME = r"[\w.>-]+(?:\[\w+\])?"
_FREED = re.compile(r"^\s*(?:std::)?(?:free|delete|delete\[\]|cudaFree|cudaFreeHost|\w+_free)[ (]+([\w>-]+)\)?;$")
_EMPTIED = re.compile(r"^\s*([\w.>-]+) = (?:nullptr|NULL);$")
_DELETE_MANY = re.compile(r"^(\s*)delete\[\] ([\w.>-]+);$")
_ERASED = re.compile(r"^(\s*)(\w+) = ([\w.>-]+\.erase\(\2\));$")
_MEMBER = re.compile(
    r"^(\s+)((?:const )?[\w:]+(?: ?\*+ ?| )\w+)(?: = (?:nullptr|NULL|0|false|-1)|\{(?:nullptr|0|false)?\});$"
)
_TEST = re.compile(r"^\s*(?:\} )?if \((.+)\) \{$")
_SHORT_TEST = re.compile(r"^\s*if \((.+)\) (?:return|continue|break|throw|goto)\b.*;$")
_READ = re.compile(r"\b(?:fread|read|recv|Read|Recv|get_\w+|ReadFrom\w*|stoi|stoul|atoi)\s*\(")
_CHOICE = re.compile(r"^(.*?)\(?([\w.>()-]+) (?:> 0|!= 0) \? ([^?:]+ [/%] \2) : [^;?:]+;$")
_STATUS = re.compile(r"^(\s*)\w*(?:CHECK|SAFE|ASSERT_SUCCESS|Check)\w*\((cuda\w+\(.*\))\);$")
_LAUNCH = re.compile(r"<<<([^<>,]+(?:\([^()]*\))?), ([^<>,]+(?:\([^()]*\))?), ([^<>,]+), ([^<>,]*stream[^<>,]*)>>>")
_TORCH = re.compile(r"\btorch[:/]|\bat::|ATen/|c10/")
_DEVICE_WAIT = re.compile(r"^\s*(?:\w+\()?(cudaStreamWaitEvent|cudaEventSynchronize)\((.+)\)\)?;$")
_BARRIER = re.compile(r"^(\s*)(__syncthreads\(\);)$")
_SELECTED = re.compile(r"^\s*(?:\w+\()?(?:cuda|hip)SetDevice\((.+?)\)+;$")
_HEARD = re.compile(r"^(\s*)if \(!((?:[\w.>-]+)\([^()]*\))\) \{$")
_ASYNC = re.compile(r"^(\s*)(?:auto|std::future<\w+>) (\w+) = (std::async\(.*\);)$")
_SAID = re.compile(r'^(\s*(?:std::)?f?printf\((?:stderr, )?)"([^"]*%[^"]*)", (.+), ([\w.>()-]+)\);$')
_GUARD = re.compile(r"^(\s*(?:\} )?if \()([\w.>-]+)( == | != )(nullptr|NULL)(\) \{)$")


def _tests(file: CppFile) -> Iterator[tuple[str, int, int, str, int, str]]:
    """Function, last line of it, line of an `if` that only leaves, what it asks, its last line, how it leaves."""
    for name, _, last, line, match in file.matches(_TEST):
        closed = next((at for at in range(line + 1, last) if file.lines[at - 1].strip() == "}"), 0)
        inside = [text.strip() for text in file.lines[line : closed - 1]] if closed else []
        plain = closed and not file.lines[closed].strip().startswith("else")
        if plain and inside and re.match(r"return\b|continue;|break;|throw\b|goto\b", inside[-1]):
            yield name, last, line, match[1], closed, inside[-1]
    for name, _, last, line, match in file.matches(_SHORT_TEST):
        yield name, last, line, match[1], line, file.lines[line - 1].rpartition(") ")[2].strip()


def _kept_member(file: CppFile) -> Iterator[Planted]:
    """One of two or more members that a destructor or a clean-up gives back."""
    found = list(file.matches(_FREED))
    for name, first, _, line, match in found:
        ends = "~" in name or re.search(
            r"(^|_|::)(free|close|release|destroy|cleanup|shutdown)\w*$", name, re.IGNORECASE
        )
        together = sum(start == first for _, start, _, _, _ in found)
        once = sum(other[1] == match[1] for *_, other in found) == 1
        if ends and together >= 2 and once:
            yield name, line, f"release of {match[1]}", [(line, line, ())]


def _stale_pointer(file: CppFile) -> Iterator[Planted]:
    """The `= nullptr` behind the release of a member; the brackets of `delete[]`."""
    for name, _, last, line, match in file.matches(_FREED):
        empties = _EMPTIED.match(file.lines[line]) if line < last else None
        if empties and empties[1] == match[1]:
            yield name, line + 1, f"{match[1]} = nullptr", [(line + 1, line + 1, ())]
    for name, _, _, line, match in file.matches(_DELETE_MANY):
        yield name, line, f"brackets of delete[] {match[2]}", [(line, line, (f"{match[1]}delete {match[2]};",))]


def _stale_iterator(file: CppFile) -> Iterator[Planted]:
    """What `erase` gives in the place of the iterator that it ended."""
    for name, _, _, line, match in file.matches(_ERASED):
        yield name, line, f"{match[2]} = erase", [(line, line, (f"{match[1]}{match[3]};",))]


def _unset_member(file: CppFile) -> Iterator[Planted]:
    """The value that a member has where it is declared."""
    within = {at for _, first, last in file.functions for at in range(first, last + 1)}
    for line, text in enumerate(file.lines, 1):
        match = _MEMBER.match(text)
        if match and line not in within and not match[2].startswith(("static", "return", "using", "constexpr")):
            member = match[2].rpartition(" ")[2].strip("*")
            yield "", line, f"value of {member}", [(line, line, (f"{match[1]}{match[2]};",))]


def _unbounded_size(file: CppFile) -> Iterator[Planted]:
    """The test of what was just read, before it is a size or an index."""
    for name, line, value, change, rest in _tests_of_input(file):
        if re.search(rf"(alloc|resize|reserve|memcpy|\bnew\b)\S*\(?[^;]*\b{value}\b|\[{value}\]", rest):
            yield name, line, f"bound of {value}", [change]


def _unguarded_divisor(file: CppFile) -> Iterator[Planted]:
    """The test of a divisor, or the choice that keeps a nought from being one."""
    for name, last, line, test, closed, _ in _tests(file):
        zero = re.fullmatch(rf"({_NAME}(?:\(\))?) (?:== 0|<= 0)|!({_NAME})", test)
        value = (zero[1] or zero[2]) if zero else ""
        if value and re.search(rf"[/%] (?:\(\w+\))?{re.escape(value)}\b", "\n".join(file.lines[closed:last])):
            yield name, line, f"zero test of {value}", [(line, closed, ())]
    for name, _, _, line, match in file.matches(_CHOICE):
        yield name, line, f"zero test of {match[2]}", [(line, line, (f"{match[1]}{match[3]};",))]


def _asserted_input(file: CppFile) -> Iterator[Planted]:
    """A refusal of what was just read, as an assertion."""
    for name, line, value, (first, last, _), _ in _tests_of_input(file):
        indent = re.match(r"\s*", file.lines[line - 1])
        test = next(test for _, _, at, test, _, _ in _tests(file) if at == line)
        yield name, line, f"refusal of {value}", [(first, last, (f"{indent[0] if indent else ''}assert(!({test}));",))]


def _tests_of_input(file: CppFile) -> Iterator[tuple[str, int, str, Change, str]]:
    """Function, line, value, what to take away, and what follows, of a test against a limit of what was read before."""
    spans = {(name, last): first for name, first, last in file.functions}
    for name, last, line, test, closed, _ in _tests(file):
        compared = re.fullmatch(r"([\w.>-]+) (?:>|>=) ([\w.>()*: -]+)", test)
        if compared is None:
            continue
        before = file.lines[spans.get((name, last), line) - 1 : line - 1]
        given = re.compile(rf"&{re.escape(compared[1])}\b|\b{re.escape(compared[1])} = ")
        if any(_READ.search(text) and given.search(text) for text in before):
            yield name, line, compared[1], (line, closed, ()), "\n".join(file.lines[closed:last])


def _counted_mark(file: CppFile) -> Iterator[Planted]:
    """The test whether a search found anything."""
    for name, last, line, test, closed, _ in _tests(file):
        mark = re.fullmatch(r"(\w+) (?:== (?:std::(?:string|string_view)::)?npos|== -1|< 0)", test)
        rest = "\n".join(file.lines[closed:last])
        if mark and re.search(rf"\[{mark[1]}\]|substr\([^;]*\b{mark[1]}\b|\b{mark[1]} \+ ", rest):
            yield name, line, f"test of {mark[1]}", [(line, closed, ())]


def _untested_find(file: CppFile) -> Iterator[Planted]:
    """The test whether a map has what is looked up."""
    for name, last, line, test, closed, _ in _tests(file):
        mark = re.fullmatch(r"(\w+) == [\w.>-]+\.(?:c?end)\(\)", test)
        if mark and re.search(rf"\b{mark[1]}->", "\n".join(file.lines[closed:last])):
            yield name, line, f"test of {mark[1]}", [(line, closed, ())]


def _turned_guard(file: CppFile) -> Iterator[Planted]:
    """The guard of a pointer that is made where there is none."""
    for name, _, last, line, match in file.matches(_GUARD):
        makes = line < last and re.match(rf"\s*{re.escape(match[2])} = ", file.lines[line])
        if makes and match[3] == " == ":
            changed = f"{match[1]}{match[2]} != {match[4]}{match[5]}"
            yield name, line, f"guard of {match[2]}", [(line, line, (changed,))]


def _unheard_result(file: CppFile) -> Iterator[Planted]:
    """The question whether a call worked, where the file asks the same function three times."""
    found = list(file.matches(_HEARD))
    count = Counter(match[2].partition("(")[0] for *_, match in found)
    leaving = {line: closed for _, _, line, _, closed, _ in _tests(file)}
    for name, _, _, line, match in found:
        function = match[2].partition("(")[0]
        if (
            count[function] >= 3
            and line in leaving
            and not re.search(r"(empty|is_\w+|has_\w+|contains|count)$", function)
        ):
            yield name, line, f"answer of {function}", [(line, leaving[line], (f"{match[1]}{match[2]};",))]


def _unchecked_status(file: CppFile) -> Iterator[Planted]:
    """The check around a call of the device's runtime."""
    for name, _, _, line, match in file.matches(_STATUS):
        if not re.match(r"cuda(Free|\w*Destroy|SetDevice)", match[2]):
            yield name, line, f"check of {match[2].partition('(')[0]}", [(line, line, (f"{match[1]}{match[2]};",))]


def _default_stream(file: CppFile) -> Iterator[Planted]:
    """The stream of a launch, in a file that works on torch's tensors."""
    if not any(_TORCH.search(line) for line in file.lines):
        return
    for name, first, last in file.functions:
        for line in range(first, last + 1):
            match = _LAUNCH.search(file.lines[line - 1])
            if match:
                new = file.lines[line - 1].replace(match[0], f"<<<{match[1]}, {match[2]}, {match[3]}>>>")
                yield name, line, f"stream {match[4].strip()}", [(line, line, (new,))]


def _unawaited_event(file: CppFile) -> Iterator[Planted]:
    """The only wait of the file for an event."""
    found = list(file.matches(_DEVICE_WAIT))
    for name, _, _, line, match in found:
        if len(found) == 1:
            yield name, line, f"{match[1]}({match[2]})", [(line, line, ())]


def _lost_barrier(file: CppFile) -> Iterator[Planted]:
    """A barrier of a block's threads."""
    for name, _, _, line, _ in file.matches(_BARRIER):
        yield name, line, "barrier", [(line, line, ())]


def _divided_barrier(file: CppFile) -> Iterator[Planted]:
    """The first of several barriers is left to some threads."""
    found = list(file.matches(_BARRIER))
    for at, (name, first, _, line, match) in enumerate(found):
        again = any(start == first for _, start, *_ in found[at + 1 :])
        if again and not any(start == first for _, start, *_ in found[:at]):
            yield name, line, "barrier", [(line, line, (f"{match[1]}if (threadIdx.x % 2 == 0) {match[2]}",))]


def _unselected_device(file: CppFile) -> Iterator[Planted]:
    """The selection of a device, in a file that starts threads."""
    if not any("std::thread" in line for line in file.lines):
        return
    for name, _, _, line, match in file.matches(_SELECTED):
        yield name, line, f"selection of {match[1]}", [(line, line, ())]


def _lost_future(file: CppFile) -> Iterator[Planted]:
    """What keeps a future that only waits."""
    for name, first, last, line, match in file.matches(_ASYNC):
        uses = [at for at in range(first, last + 1) if at != line and re.search(rf"\b{match[2]}\b", file.lines[at - 1])]
        if all(re.fullmatch(rf"\s*{match[2]}\.(get|wait)\(\);", file.lines[at - 1]) for at in uses):
            gone: list[Change] = [(at, at, ()) for at in uses]
            yield name, line, f"keeper of {match[2]}", [(line, line, (f"{match[1]}{match[3]}",)), *gone]


def _uncounted_depth(file: CppFile) -> Iterator[Planted]:
    """The test of how deep a function that comes back to itself is."""
    for name, last, line, test, closed, _ in _tests(file):
        again = re.search(rf"\b{re.escape(name.rpartition('::')[2])}\(", "\n".join(file.lines[closed:last]))
        if again and re.search("depth|level", test, re.IGNORECASE):
            yield name, line, "test of the depth", [(line, closed, ())]


def _lost_value(file: CppFile) -> Iterator[Planted]:
    """The last of two or more values of a message."""
    for name, _, _, line, match in file.matches(_SAID):
        values, last = match[3], match[4]
        if match[2].replace("%%", "").count("%") == values.count(",") + 2 and "(" not in values:
            said = f'{match[1]}"{match[2]}", {values});'
            yield name, line, f"value {last}", [(line, line, (said,))]


MUTATORS = (
    Mutator("kept-member (C++)", "a clean-up forgets one member", ("LLM108", "LLM106"), _kept_member),
    Mutator("stale-pointer (C++)", "memory is freed twice, or wrongly", ("LLM952", "LLM944"), _stale_pointer),
    Mutator("stale-iterator (C++)", "what was erased is used", ("LLM207", "LLM944"), _stale_iterator),
    Mutator("unset-member (C++)", "a member starts with anything", ("LLM941",), _unset_member),
    Mutator("unbounded-size (C++)", "a size from outside has no limit", ("LLM946",), _unbounded_size),
    Mutator("unguarded-divisor (C++)", "a division by what may be zero", ("LLM947", "LLM953"), _unguarded_divisor),
    Mutator("asserted-input (C++)", "an assertion in a refusal's place", ("LLM949",), _asserted_input),
    Mutator("counted-mark (C++)", "the mark for none is counted with", ("LLM954",), _counted_mark),
    Mutator("untested-find (C++)", "what may be missing is used", ("LLM955", "LLM945"), _untested_find),
    Mutator("turned-guard (C++)", "a guard lets the wrong through", ("LLM956",), _turned_guard),
    Mutator("lost-value (C++)", "a message lacks one of its values", ("LLM957",), _lost_value),
    Mutator("unheard-result (C++)", "nobody looks whether it worked", ("LLM911",), _unheard_result),
    Mutator("unchecked-status (C++)", "a call of the runtime fails unseen", ("LLM304",), _unchecked_status),
    Mutator("default-stream (C++)", "a kernel runs on the default stream", ("LLM303",), _default_stream),
    Mutator("unawaited-event (C++)", "nobody waits for an event", ("LLM307", "LLM301", "LLM302"), _unawaited_event),
    Mutator("lost-barrier (C++)", "a kernel's threads do not meet", ("LLM310",), _lost_barrier),
    Mutator("divided-barrier (C++)", "some threads skip a barrier", ("LLM309",), _divided_barrier),
    Mutator("unselected-device (C++)", "a thread works on device 0", ("LLM311",), _unselected_device),
    Mutator("lost-future (C++)", "nobody keeps a future", ("LLM205",), _lost_future),
    Mutator("uncounted-depth (C++)", "recursion without a limit", ("LLM979",), _uncounted_depth),
)
