"""LLM977: the bytes of one piece of a stream are decoded by themselves, and a character may be cut in two.

What a socket gives at a time is up to the network (docs.python.org/3/library/socket.html, recv: up to `bufsize` bytes;
requests.readthedocs.io, iter_content; docs.aiohttp.org, iter_any; www.python-httpx.org, aiter_bytes), and UTF-8 writes
a character in up to four bytes. `codecs.getincrementaldecoder` keeps the half of one for the next piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from llmlint.code.domain.whereabouts import place_of, qualname_at
from llmlint.code.syntax import tree
from llmlint.code.syntax.source import SourceFile
from llmlint.code.syntax.tree_index import nodes
from llmlint.findings import Report, Step
from llmlint.phrases import last_name

_PIECES = frozenset({"iter_content", "iter_any", "iter_chunked", "iter_bytes", "aiter_bytes", "iter_raw", "aiter_raw"})
_RECEIVES = "recv"
_READS = "read"
_LENIENT = frozenset({"ignore", "replace", "backslashreplace", "surrogateescape"})
_EXPECTS = frozenset({"UnicodeDecodeError", "UnicodeError", "ValueError"})
_DECODES = "decode"


class _Cut(NamedTuple):
    decode: tree.Call
    source: tree.Node


def check_file(file: SourceFile) -> Iterator[Report]:
    if file.facts.language != "python" or f".{_DECODES}(" not in file.text:
        return
    expected = [attempt for attempt in nodes(file.tree, tree.Try) if _expects(attempt)]
    for cut in (*_of_loops(file), *_of_reads(file)):
        if not any(attempt.line <= cut.decode.line <= attempt.end_line for attempt in expected):
            yield Report(
                place_of(cut.decode),
                qualname_at(file.facts, cut.decode.line),
                "one piece of the stream is decoded by itself: a character that is cut in two is a UnicodeDecodeError",
                (Step("", cut.source.line, "the pieces end wherever the network cuts them"),),
                confidence="low",
                reason="nothing keeps the rest of a character for the next piece",
                subject=tree.path_of(cut.decode.function),
                fix='decoder = codecs.getincrementaldecoder("utf-8")(), and decoder.decode(piece)',
            )


def _expects(attempt: tree.Try) -> bool:
    return any(last_name(tree.path_of(kind)) in _EXPECTS for handler in attempt.handlers for kind in handler.types)


def _of_loops(file: SourceFile) -> Iterator[_Cut]:
    """`for chunk in response.iter_content(1024): text += chunk.decode()`"""
    for loop in nodes(file.tree, tree.Loop):
        if isinstance(loop.target, tree.Name) and loop.iterable is not None and _gives_pieces(loop.iterable):
            names = {loop.target.id}
            for node in (n for statement in loop.body for n in tree.walk(statement, into=tree.is_of_the_same)):
                if isinstance(node, tree.Assign) and isinstance(node.value, tree.Name) and node.value.id in names:
                    names |= {target.id for target in node.targets if isinstance(target, tree.Name)}
                elif isinstance(node, tree.Call) and _decoded(node) in names:
                    yield _Cut(node, loop.iterable)


def _gives_pieces(iterable: tree.Node) -> bool:
    calls = (node for node in tree.walk(iterable) if isinstance(node, tree.Call))
    return any(
        last_name(tree.path_of(call.function)) in _PIECES
        and not any(keyword.name == "decode_unicode" for keyword in call.keywords)
        for call in calls
    )


def _decoded(call: tree.Call) -> str:
    """The name whose bytes a strict `decode` reads."""
    function = call.function
    is_decode = isinstance(function, tree.Attribute) and function.name == _DECODES and _is_strict(call)
    return tree.path_of(function.value) if is_decode and isinstance(function, tree.Attribute) else ""


def _is_strict(call: tree.Call) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return not any(isinstance(value, tree.Literal) and value.text in _LENIENT for value in given)


def _of_reads(file: SourceFile) -> Iterator[_Cut]:
    """`connection.recv(1024).decode()`, `(await reader.read(1024)).decode()`"""
    for call in nodes(file.tree, tree.Call):
        if isinstance(call.function, tree.Attribute) and call.function.name == _DECODES and _is_strict(call):
            source = call.function.value
            awaited = isinstance(source, tree.Await)
            read = source.value if isinstance(source, tree.Await) else source
            if isinstance(read, tree.Call) and _is_a_piece(read, awaited):
                yield _Cut(call, read)


def _is_a_piece(read: tree.Call, awaited: bool) -> bool:
    """Up to so many bytes: what ZeroMQ and pipes between processes receive is whole, and takes no length."""
    name = last_name(tree.path_of(read.function))
    if len(read.args) != 1 or read.keywords:
        return False
    size = read.args[0]
    is_length = isinstance(size, tree.Literal | tree.Binary) or (
        isinstance(size, tree.Name) and "size" in size.id.lower()
    )
    return is_length and ((name == _RECEIVES and not awaited) or (name == _READS and awaited))
