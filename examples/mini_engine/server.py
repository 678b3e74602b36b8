"""HTTP over asyncio, on the loopback only: an OpenAI-style completion, streamed or whole, and the engine's levers."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

from .engine import Engine
from .parts import Parts
from .request import BadRequest, Request, read_request

LARGEST = 1 << 20


class Server:
    def __init__(self, engine: Engine, parts: Parts) -> None:
        self.engine = engine
        self.parts = parts
        self.thumbnails = parts.thumbnails.Thumbnails()
        self.making = asyncio.Lock()
        self.levers = {
            "/sleep": lambda body: engine.sleep(int(body.get("level", 1))),
            "/wake_up": lambda body: engine.wake_up(),
            "/update_weights": lambda body: engine.update_weights(),
        }

    async def start(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            path, body = await _read(reader)
            await self._answer(path, body, reader, writer)
        except (BadRequest, ValueError, KeyError, TypeError, AttributeError) as error:
            _send(writer, 400, {"error": {"message": str(error), "type": type(error).__name__}})
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client is gone, or the server is going
        finally:
            writer.close()

    async def _answer(
        self, path: str, body: dict[str, Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if path == "/v1/chat/completions":
            await self._load_pictures(body)
            await self._complete(read_request(body), reader, writer)
        elif path in self.levers:
            await self.levers[path](body)
            _send(writer, 200, {"done": path})
        elif path == "/usage":
            _send(writer, 200, self.engine.usage.report())
        elif path == "/health":
            _send(writer, 200, {"model": self.engine.model.name, "asleep": self.engine.level})
        else:
            _send(writer, 404, {"error": {"message": f"there is no {path}"}})

    async def _load_pictures(self, body: dict[str, Any]) -> None:
        """Puts a thumbnail in the place of each picture that is named by its address."""
        for message in body.get("messages", ()):
            content = message.get("content", "")
            for part in content if isinstance(content, list) else ():
                url = part["image_url"]["url"] if part.get("type") == "image_url" else ""
                if url.startswith("http://"):
                    picture = await self.parts.pictures.load(url)
                    async with self.making:
                        thumbnail = await _on_a_thread(self.thumbnails.make, picture)
                    part["image_url"] = {"url": f"data:{thumbnail.hex()}"}

    async def _complete(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Ends when the answer does, or when the client hangs up."""
        answering = asyncio.ensure_future(self._stream(request, writer))
        hanging_up = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        hanging_up.cancel()
        if not answering.done():
            answering.cancel()
        await asyncio.gather(answering, hanging_up, return_exceptions=True)
        if not answering.cancelled() and answering.exception() is not None:
            raise answering.exception()

    async def _stream(self, request: Request, writer: asyncio.StreamWriter) -> None:
        pieces = self._deltas(request)
        try:
            if not request.stream:
                deltas = [delta async for delta in pieces]
                content = "".join(delta.get("content", "") for delta in deltas)
                _send(writer, 200, {"id": request.request_id, "choices": [{"message": {"content": content}}]})
                return
            started = False
            async for delta in pieces:
                if not started:
                    _send(writer, 200, None)
                    started = True
                writer.write(b"data: " + json.dumps({"id": request.request_id, "choices": [{"delta": delta}]}).encode())
                writer.write(b"\n\n")
                await writer.drain()
            writer.write(b"data: [DONE]\n\n")
        finally:
            await pieces.aclose()

    async def _deltas(self, request: Request) -> AsyncIterator[dict[str, Any]]:
        call = self.parts.tool_calls.ToolCallStream(request.tool) if request.tool else None
        pieces = self.engine.generate(request)
        try:
            async for text in pieces:
                delta = call.feed(text) if call is not None else {"content": text}
                if delta is not None:
                    yield delta
        finally:
            await pieces.aclose()


async def _on_a_thread(function: Callable[[bytes], bytes], argument: bytes) -> bytes:
    """On a thread that the process may leave behind when it ends."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def settle(result: bytes | None, error: Exception | None) -> None:
        if not done.done():
            done.set_result(result) if error is None else done.set_exception(error)

    def run() -> None:
        try:
            outcome = function(argument), None
        except Exception as error:
            outcome = None, error
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, daemon=True).start()
    return await done


async def _read(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    path = head[0].split(" ")[1]
    lengths = [line.partition(":")[2] for line in head if line.lower().startswith("content-length:")]
    length = int(lengths[0]) if lengths else 0
    if length > LARGEST:
        raise BadRequest(f"more than {LARGEST} bytes")
    body = json.loads(await reader.readexactly(length)) if length else {}
    if not isinstance(body, dict):
        raise BadRequest("the body is an object")
    return path, body


def _send(writer: asyncio.StreamWriter, status: int, body: dict[str, Any] | None) -> None:
    """A whole answer, or the head of a stream."""
    data = json.dumps(body).encode() if body is not None else b""
    kind = "application/json" if body is not None else "text/event-stream"
    length = f"Content-Length: {len(data)}\r\n" if body is not None else ""
    reason = {200: "OK", 400: "Bad Request", 404: "Not Found"}[status]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{length}Connection: close\r\n\r\n"
    writer.write(head.encode() + data)
