"""A client of the engine's HTTP interface: enough to drive it."""

import asyncio
import json
from typing import Any


class Client:
    def __init__(self, port: int) -> None:
        self.port = port

    async def post(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, str]:
        """The whole answer."""
        reader, writer = await self._send(path, body or {})
        try:
            head, _, rest = (await reader.read()).partition(b"\r\n\r\n")
            return int(head.split(b" ", 2)[1]), rest.decode()
        finally:
            writer.close()

    async def complete(self, text: str, **options: Any) -> tuple[int, str]:
        """Text and tool-call arguments of a streamed answer, put together; or the error."""
        status, answer = await self.post("/v1/chat/completions", _body(text, options))
        if status != 200:
            return status, answer
        return status, "".join(_said(line) for line in answer.splitlines() if line.startswith("data: {"))

    async def leave_early(self, text: str, lines: int, **options: Any) -> None:
        """Hangs up after some lines of the answer, as clients do."""
        reader, writer = await self._send("/v1/chat/completions", _body(text, options))
        try:
            for _ in range(lines):
                await reader.readline()
        finally:
            writer.close()

    async def _send(self, path: str, body: dict[str, Any]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        data = json.dumps(body).encode()
        writer.write(f"POST {path} HTTP/1.1\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        return reader, writer


def _body(text: str, options: dict[str, Any]) -> dict[str, Any]:
    content: Any = text
    image = options.pop("image", "")
    if url := options.pop("picture", f"data:{image}" if image else ""):
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": text}]
    return {"messages": [{"role": "user", "content": content}], "stream": True, **options}


def _said(line: str) -> str:
    delta = json.loads(line.removeprefix("data: "))["choices"][0]["delta"]
    calls = delta.get("tool_calls", [])
    return delta.get("content", "") + "".join(call["function"].get("arguments", "") for call in calls)
