"""A request, as the scheduler sees it, and how one is read from an OpenAI-style body."""

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Any

END = 0
IMAGE = 1
"""The token that stands for a piece of an image."""
VOCABULARY = 128
"""Text is ASCII, one token a character."""
PIECES = 4
"""Tokens that an image takes."""

_numbers = count(1)


class BadRequest(ValueError):
    """The client's mistake; the message is for the client."""


@dataclass(eq=False)
class Request:
    request_id: str
    prompt: list[int]
    max_tokens: int
    images: tuple[str, ...] = ()
    user: str = "anonymous"
    grammar: str = ""
    """What the answer must be, as alternatives between bars; anything when empty."""
    prefill: str = ""
    """How the answer begins, said by the client."""
    tool: str = ""
    stream: bool = True
    output: list[int] = field(default_factory=list)

    @property
    def tokens(self) -> list[int]:
        return self.prompt + self.output


def encode(text: str) -> list[int]:
    return [ord(character) % VOCABULARY for character in text]


def decode(tokens: list[int]) -> str:
    return "".join(map(chr, tokens))


def read_request(body: dict[str, Any]) -> Request:
    """A request from the body of `/v1/chat/completions`; raises BadRequest."""
    text, images = _read_messages(body.get("messages"))
    max_tokens = body.get("max_tokens", 16)
    if not isinstance(max_tokens, int) or not 1 <= max_tokens <= 1024:
        raise BadRequest("max_tokens is a number from 1 to 1024")
    if not isinstance(body.get("temperature", 0.0), (int, float)):
        raise BadRequest("temperature is a number")
    tool = _read_tool(body)
    numbers = sorted({word for word in text.replace(",", " ").split() if word.lstrip("-").isdigit()})
    grammar = "|".join(f'{{"value": {number}}}' for number in numbers or ["0"]) if tool else ""
    return Request(
        request_id=str(body.get("request_id") or f"request-{next(_numbers)}"),
        prompt=[IMAGE] * PIECES * len(images) + encode(text),
        max_tokens=256 if tool else max_tokens,
        images=images,
        user=str(body.get("user", "anonymous")),
        grammar=str(body.get("grammar", grammar)),
        prefill=str(body.get("prefill", "")),
        tool=tool,
        stream=bool(body.get("stream", False)),
    )


def _read_messages(messages: Any) -> tuple[str, tuple[str, ...]]:
    """The text of all messages, and what their images are called: the hash of their content."""
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages is a list")
    texts: list[str] = []
    images: list[str] = []
    for message in messages:
        content = message.get("content", "")
        for part in content if isinstance(content, list) else [{"type": "text", "text": content}]:
            if part.get("type") == "image_url":
                images.append(sha256(part["image_url"]["url"].encode()).hexdigest()[:16])
            else:
                texts.append(str(part.get("text", "")))
    return "\n".join(texts), tuple(images)


def _read_tool(body: dict[str, Any]) -> str:
    tools = body.get("tools") or []
    return str(tools[0]["function"]["name"]) if tools and body.get("tool_choice") == "required" else ""
