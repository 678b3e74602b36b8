"""A trace of requests as a file, one a line: when each arrives, what it asks for, and when its client leaves.

Driven twice, the file is the same load twice. Three things are told of it that no finding is needed for: a request
that got no answer in time, a command that ended meanwhile, and same requests with nothing left to chance that were
answered differently.
"""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

MOST = 10_000
AT_ONCE = 128
LARGEST = 1 << 20
CHAT = "/v1/chat/completions"
NAMES = ("request_id", "user", "stream")
"""What of a body may differ between requests that are the same."""


class TimedRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    at: float
    """Seconds after the first moment of the trace."""
    body: dict[str, Any]
    path: str = CHAT
    leave_after: int | None = None
    """Lines of the answer that the client reads before it leaves; all of them, where nothing is said."""


Requests = tuple[TimedRequest, ...]


class Answer(NamedTuple):
    outcome: str
    text: str | None = None
    """What was answered in full."""


class NoRequests(ValueError):
    """The message says what is wrong with the file, and in which line."""


def read_requests(file: Path) -> Requests:
    found = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if line.strip():
            try:
                found.append(msgspec.json.decode(line, type=TimedRequest))
            except msgspec.DecodeError as error:
                raise NoRequests(f"{file}:{number}: {error}") from None
    if not 0 < len(found) <= MOST:
        raise NoRequests(f"{file} holds {len(found)} requests; 1 to {MOST} can be driven")
    return tuple(sorted(found, key=lambda request: request.at))


def drive(
    requests: Sequence[TimedRequest], connect: Callable[[], http.client.HTTPConnection], deadline: float
) -> tuple[Counter[str], list[str]]:
    """What became of them, and what is to be told of that."""
    began = time.monotonic()

    def answered(request: TimedRequest) -> Answer:
        time.sleep(max(0.0, min(deadline, began + request.at) - time.monotonic()))
        return Answer("not sent") if time.monotonic() >= deadline else _asked(request, connect())

    with ThreadPoolExecutor(min(AT_ONCE, len(requests))) as pool:
        answers = list(pool.map(answered, requests))
    outcomes = Counter(answer.outcome for answer in answers)
    hung = outcomes["hung"]
    told = [f"{hung} of {len(requests)} requests got no answer in time"] if hung else []
    return outcomes, [*told, *_differences(requests, answers)]


def _asked(request: TimedRequest, connection: http.client.HTTPConnection) -> Answer:
    try:
        status, answer = exchange(connection, request.path, request.body, request.leave_after)
    except TimeoutError:
        return Answer("hung")
    except (OSError, http.client.HTTPException) as error:
        return Answer(type(error).__name__)
    if request.leave_after is not None:
        return Answer("left")
    return Answer(str(status), text_of(answer) if status == 200 else None)


def exchange(
    connection: http.client.HTTPConnection, path: str, body: dict[str, Any], leave_after: int | None
) -> tuple[int, bytes]:
    """The status and the answer; who leaves after so many lines of it has none, and after 0 lines no status either."""
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        if leave_after == 0:
            return 0, b""
        answer = connection.getresponse()
        if leave_after is None:
            return answer.status, answer.read(LARGEST)
        for _ in range(leave_after):
            answer.readline(1 << 16)
        return answer.status, b""
    finally:
        connection.close()


def text_of(answer: bytes) -> str:
    """What was said, streamed or not, without the ids and times around it; what is not OpenAI's form, as it is."""
    said = answer.decode("utf-8", "replace")
    parts = [line.removeprefix("data:").strip() for line in said.splitlines() if line.startswith("data:")] or [said]
    try:
        return "".join(text for part in parts if part != "[DONE]" for text in _texts(json.loads(part)))
    except (ValueError, TypeError, AttributeError, KeyError):
        return said


def _texts(event: dict[str, Any]) -> Iterator[str]:
    for choice in event["choices"]:
        message = choice.get("delta") or choice.get("message") or choice
        yield str(message.get("content") or message.get("text") or "")


def _differences(requests: Sequence[TimedRequest], answers: Sequence[Answer]) -> Iterator[str]:
    groups: dict[str, set[str]] = defaultdict(set)
    for request, answer in zip(requests, answers, strict=True):
        if answer.text is not None and request.body.get("temperature") == 0:
            plain = {name: value for name, value in request.body.items() if name not in NAMES}
            groups[json.dumps([request.path, plain], sort_keys=True)].add(answer.text)
    differing = sum(len(texts) > 1 for texts in groups.values())
    if differing:
        yield f"{differing} of {len(groups)} requests of temperature 0 were answered differently when asked again"
