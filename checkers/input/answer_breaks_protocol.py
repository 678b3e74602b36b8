"""LLM978: an answer that breaks the protocol which the server speaks.

One mechanism for each promise: server-sent events (html.spec.whatwg.org/multipage/server-sent-events.html), bodies in
chunks (RFC 9112, section 7.1), the shapes of the OpenAI API (platform.openai.com/docs/api-reference/chat), and what
Starlette, FastAPI and aiohttp send where no status is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from llmlint.checkers.input.answered_status import error_as_success, status_lost
from llmlint.checkers.input.broken_promise import Broken
from llmlint.checkers.input.event_frames import (
    ends_of,
    goes_out_as_returned,
    is_frame,
    json_given,
    returned_by,
    strings_sent,
)
from llmlint.code.domain.spots import spot
from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step

_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_OF_EVENTS = ("data:", "event-stream", "[DONE]")
_STREAMS = frozenset({"StreamingResponse"})
_NAMING = frozenset({"id", "index"})
_OF_A_STATUS = frozenset({"HTTPException", "Exception", "BaseException"})


def check_file(file: SourceFile) -> Iterator[Report]:
    text = file.text
    checks = [check for word, check in _CHECKS if word in text]
    for check in dict.fromkeys(checks):
        for broken in check(file):
            promise = (broken.kind or check.__name__).strip("_")
            yield Report(
                place_of(broken.at),
                qualname_at(file.facts, broken.at.line),
                broken.message,
                (Step("", broken.at.line, broken.promise), *(Step("", at.line, what) for at, what in broken.beside)),
                confidence=broken.confidence,
                reason="the protocol says so in writing",
                subject=broken.message,
                fix=broken.fix,
                mechanism=f"answer_breaks_protocol.{promise}",
            )


# ---------------------------------------------------------------- server-sent events


def _sending(file: SourceFile) -> list[tree.Function]:
    """Functions that write something of an event out."""
    texts = [node.line for node in nodes(file.tree, tree.Literal) if any(word in node.text for word in _OF_EVENTS)]
    functions = nodes(file.tree, tree.Function) if texts else []
    return [f for f in functions if any(f.line <= line <= f.end_line for line in texts)]


def _open_frame(file: SourceFile) -> Iterator[Broken]:
    """`data: …` that ends with one newline, where the file's other events end with an empty line."""
    for function in _sending(file):
        sent = list(strings_sent(function))
        frames = [node for node in sent if is_frame(node)]
        if any(set(ends_of(node)) <= {"\n", "\r"} and not is_frame(node) for node in sent):
            continue  # the empty line is sent by itself
        asked_for = [] if goes_out_as_returned(file, function) else returned_by(function)
        for node in frames:
            if ends_of(node)[-1:] not in ("\n", "\r") and any(node is line for line in asked_for):
                continue  # who asked for the line ends it
            if not ends_of(node).endswith(("\n\n", "\r\n\r\n", "\r\r")) and _closes_others(file):
                yield Broken(
                    node,
                    "the event ends without an empty line: the next one runs into it",
                    "an event of a stream ends with an empty line",
                    "end it with two newlines, as the others",
                )


def _closes_others(file: SourceFile) -> bool:
    return any(
        is_frame(node) and ends_of(node).endswith("\n\n")
        for function in _sending(file)
        for node in strings_sent(function)
    )


def _bare_json(file: SourceFile) -> Iterator[Broken]:
    """JSON that is sent as it is into a stream whose other messages are events."""
    for function in _sending(file):
        streams = any(is_frame(node) for node in strings_sent(function)) or _says_event_stream(function)
        if streams:
            for node in json_given(function):
                yield Broken(
                    node,
                    "bare JSON in a stream of events: a client ignores a line without a field's name",
                    "every line of an event begins with its field: `data: `",
                    "frame it as the other events are",
                )


def _says_event_stream(function: tree.Function) -> bool:
    own = list(tree.walk_own(function))
    is_stream = any(isinstance(node, tree.Literal) and "text/event-stream" in node.text for node in own)
    return is_stream and any(
        isinstance(node, tree.Call) and "StreamResponse" in tree.path_of(node.function) for node in own
    )


def _no_end(file: SourceFile) -> Iterator[Broken]:
    """A way out of a stream that tells an error and not that it has ended, where the others do."""
    for function in _sending(file):
        if any(isinstance(node, tree.Yield) and _says_done(node) for node in tree.walk_own(function)):
            for body in _blocks(function):
                if len(body) > 1 and isinstance(body[-1], tree.Return) and _yields_frame(body[-2]):
                    yield Broken(
                        body[-2],
                        "this way ends the stream without [DONE], which the other ways send",
                        "a stream ends with `data: [DONE]`",
                        "send [DONE] here as well",
                        "low",
                    )


def _blocks(function: tree.Function) -> Iterator[Sequence[tree.Node]]:
    for node in tree.walk_own(function):
        if isinstance(node, tree.If | tree.Handler):
            yield node.body


def _yields_frame(statement: tree.Node) -> bool:
    match statement:
        case tree.Expression(value=tree.Yield(value=tree.Node() as value)):
            return is_frame(value) and not _says_done(statement)
    return False


def _says_done(node: tree.Node) -> bool:
    return any(isinstance(below, tree.Literal) and "[DONE]" in below.text for below in tree.walk(node))


def _streams(file: SourceFile) -> Iterator[Broken]:
    """A stream of events that does not say so, and an error raised in it when the answer has long begun."""
    functions = {function.name: function for function in nodes(file.tree, tree.Function)}
    for call in nodes(file.tree, tree.Call):
        if tree.path_of(call.function).rpartition(".")[2] not in _STREAMS or not call.args:
            continue
        given = call.args[0]
        made = functions.get(tree.path_of(given.function).rpartition(".")[2]) if isinstance(given, tree.Call) else None
        if made is None:
            continue
        keywords = {keyword.name for keyword in call.keywords}
        if not keywords & {"media_type", "headers", ""} and any(is_frame(node) for node in strings_sent(made)):
            yield Broken(
                call,
                f"{made.name} gives events, and the answer does not say that it is a stream of them",
                "a stream of events has the type text/event-stream",
                'media_type="text/event-stream"',
            )
        caught = {id(raised) for raised in _caught_inside(made)}
        for node in tree.walk_own(made):
            is_status = (
                isinstance(node, tree.Raise) and node.value is not None and "HTTPException" in tree.path_of(node.value)
            )
            if is_status and id(node) not in caught:
                yield Broken(
                    node,
                    "raised when the status 200 has been sent: the client sees a broken connection, and no status",
                    "the status goes out before the first piece of a stream",
                    "ask before the stream begins, or send an event that tells the error",
                )


def _caught_inside(function: tree.Function) -> Iterator[tree.Node]:
    """What the function raises and catches itself, to send an event of its own."""
    for node in tree.walk_own(function):
        if isinstance(node, tree.Try) and any(_catches_a_status(handler) for handler in node.handlers):
            yield from (raised for statement in node.body for raised in tree.walk(statement))


def _catches_a_status(handler: tree.Handler) -> bool:
    return not handler.types or any(tree.path_of(kind).rpartition(".")[2] in _OF_A_STATUS for kind in handler.types)


# ---------------------------------------------------------------- chunked bodies


def _no_last_chunk(file: SourceFile) -> Iterator[Broken]:
    texts = [node for node in nodes(file.tree, tree.Literal) if node.kind in ("string", "bytes")]
    said = next((node for node in texts if "transfer-encoding: chunked\r\n" in _decoded(node).lower()), None)
    if said is None or any(f"\r\n{_decoded(node)}".find("\r\n0\r\n") >= 0 for node in texts):
        return
    done = next((node for node in texts if "[DONE]" in node.text), said)
    yield Broken(
        done,
        "the body is chunked and its last chunk, of length 0, is never sent: the client waits for more",
        "a chunked body ends with a chunk of length 0",
        'send "0\\r\\n\\r\\n" at the end',
    )


def _decoded(node: tree.Literal) -> str:
    """C++ keeps what was written."""
    return node.text.replace("\\r", "\r").replace("\\n", "\n").strip('"')


def _length_of_text(file: SourceFile) -> Iterator[Broken]:
    """`Content-Length` from the letters of a text that is encoded afterwards."""
    for function in nodes(file.tree, tree.Function):
        own = list(tree.walk_own(function))
        encoded = {
            spot(node.function.value)
            for node in own
            if isinstance(node, tree.Call)
            and isinstance(node.function, tree.Attribute)
            and node.function.name == "encode"
        }
        for node in own:
            if isinstance(node, tree.Collection) and node.kind == "dict":
                for key, value in zip(node.keys, node.items, strict=True):
                    if isinstance(key, tree.Literal) and key.text.lower() == "content-length":
                        counted = next(filter(None, map(_counted, tree.walk(value))), "")
                        if counted and counted in encoded:
                            yield Broken(
                                value,
                                f"the length counts the letters of {counted}, which is encoded afterwards",
                                "Content-Length counts bytes",
                                f"encode {counted} first, and count that",
                            )


def _counted(node: tree.Node) -> str:
    is_len = isinstance(node, tree.Call) and tree.path_of(node.function) == "len" and len(node.args) == 1
    return spot(node.args[0]) if isinstance(node, tree.Call) and is_len else ""


# ---------------------------------------------------------------- shapes


def _shapes(file: SourceFile) -> Iterator[Broken]:
    for node in nodes(file.tree, tree.Collection):
        if node.kind != "dict":
            continue
        held = {
            key.text: value for key, value in zip(node.keys, node.items, strict=True) if isinstance(key, tree.Literal)
        }
        yield from _arguments(file, held)
        yield from _reason(held)
        yield from _object(held)


def _arguments(file: SourceFile, held: dict[str, tree.Node]) -> Iterator[Broken]:
    """`function.arguments` is JSON text, and not what it says. A call that a client is to answer has an id; what is
    rendered by a template or trained on has often none, and is what templates take."""
    function = held.get("function")
    if not held.keys() & _NAMING or not isinstance(function, tree.Collection) or function.kind != "dict":
        return
    for key, value in zip(function.keys, function.items, strict=True):
        if isinstance(key, tree.Literal) and key.text == "arguments" and _is_object(file, value):
            yield Broken(
                value,
                "function.arguments gets the object itself, where the API promises its JSON text",
                "`arguments` of a tool call is a string that a client parses",
                "json.dumps(…)",
                kind="arguments",
            )


def _is_object(file: SourceFile, value: tree.Node) -> bool:
    match value:
        case tree.Collection(kind="dict") | tree.Comprehension(kind="dict"):
            return True
        case tree.Call(function=tree.Attribute(name="get"), args=[_, tree.Collection(kind="dict")]):
            return True
        case tree.Logic(op="or", operands=[_, tree.Collection(kind="dict")]):
            return True
        case tree.Call(function=function):
            return tree.path_of(function).rpartition(".")[2] in ("loads", "dict")
        case tree.Name(id=name):
            given = [n for n in nodes(file.tree, tree.Assign) if any(spot(target) == name for target in n.targets)]
            near = [n for n in given if n.line < value.line and n.value is not None]
            return bool(near) and not isinstance(near[-1].value, tree.Name) and _is_object(file, near[-1].value)  # type: ignore[arg-type]
    return False


def _reason(held: dict[str, tree.Node]) -> Iterator[Broken]:
    value = held.get("finish_reason")
    is_choice = "delta" in held or "message" in held or ("index" in held and "text" in held)
    if is_choice and isinstance(value, tree.Literal) and value.kind == "string" and value.text not in _REASONS:
        yield Broken(
            value,
            f"finish_reason {value.text!r} is none that clients of this API know",
            f"one of {', '.join(sorted(_REASONS))}",
            "map it to one of them",
            kind="reason",
        )


def _object(held: dict[str, tree.Node]) -> Iterator[Broken]:
    named, choices = held.get("object"), held.get("choices")
    if not isinstance(named, tree.Literal) or not isinstance(choices, tree.Collection):
        return
    keys = {
        key.text
        for choice in choices.items
        if isinstance(choice, tree.Collection) and choice.kind == "dict"
        for key in choice.keys
        if isinstance(key, tree.Literal)
    }
    wrong = (named.text == "chat.completion" and "delta" in keys) or (
        named.text == "chat.completion.chunk" and "message" in keys
    )
    if wrong:
        yield Broken(
            named,
            f"object says {named.text}, and the choice beside it is of the other kind",
            "a chunk has a delta, an answer has a message",
            "name the other kind",
            kind="object",
        )


_CHECKS = (
    ("data:", _open_frame),
    ("data:", _bare_json),
    ("event-stream", _bare_json),
    ("[DONE]", _no_end),
    ("StreamingResponse", _streams),
    ("hunked", _no_last_chunk),
    ("ontent-", _length_of_text),
    ("arguments", _shapes),
    ("finish_reason", _shapes),
    ("chat.completion", _shapes),
    ("error", error_as_success),
    ("HTTPException", status_lost),
)
"""With a word that a file must hold before it is worth looking."""
