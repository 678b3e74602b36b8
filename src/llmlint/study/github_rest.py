"""One GitHub server, asked politely: limits are kept, broken connections are tried again, the token stays with it."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec

from llmlint import __version__

PUBLIC = "https://api.github.com"
_TRIES = 6
_PATIENCE = 30
"""Seconds that a connection may say nothing."""
_MOST_BYTES = 64_000_000
_LEAST_PAUSE = 1.0
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')
_MEANS_LATER = frozenset({500, 502, 503, 504})
_MEANS_LIMIT = frozenset({403, 429})


class GitHubError(Exception):
    """The server does not give what was asked for; the message says why, and what helps."""


class Answer(msgspec.Struct, frozen=True):
    """`entries` is None where nothing changed since the tag that was sent along."""

    entries: list[Any] | None
    next_url: str = ""
    etag: str = ""


class GitHub:
    """`longest_wait` is the most seconds that one wait for a limit takes; a longer one is an error that says when."""

    def __init__(
        self,
        base_url: str = PUBLIC,
        token: str = "",
        longest_wait: float = 3600,
        sleep: Callable[[float], None] = time.sleep,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise GitHubError(f"{base_url} is no http or https address")
        if token and not _is_private(base_url):
            raise GitHubError(f"{base_url} would be given GITHUB_TOKEN in the clear: take https, or unset the token")
        self.base_url = base_url.rstrip("/")
        self._token = token
        self._longest_wait = longest_wait
        self._sleep = sleep
        self._tell = tell
        self._opener = urllib.request.build_opener(_SameServer(self.base_url))

    def get(self, url: str, etag: str = "") -> Answer:
        if _server(url) != _server(self.base_url):
            raise GitHubError(f"{self.base_url} answers with an address of another server: {url}")
        failed = 0
        while isinstance(outcome := self._try(url, etag), _Later):
            failed += 1
            if failed == _TRIES:
                raise GitHubError(f"{outcome.problem}, {_TRIES} times in a row; what came before is stored")
            self._wait(outcome, failed)
        return outcome

    def _try(self, url: str, etag: str) -> Answer | _Later:
        request = urllib.request.Request(url, headers=self._headers(etag))
        try:
            with self._opener.open(request, timeout=_PATIENCE) as response:
                return _answer(response.read(_MOST_BYTES + 1), response.headers)
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(error)
        except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
            return _Later(f"the connection broke ({error or type(error).__name__})")
        except ValueError as error:
            return _Later(f"the answer is no list in JSON ({error})")

    def _headers(self, etag: str) -> dict[str, str]:
        headers = {
            "Accept": "application/vnd.github+json",
            "User-Agent": f"llmlint/{__version__}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        headers |= {"If-None-Match": etag} if etag else {}
        return headers | ({"Authorization": f"Bearer {self._token}"} if self._token else {})

    def _refused(self, error: urllib.error.HTTPError) -> Answer | _Later:
        if error.code == 304:
            return Answer(None)
        said = f"{error.code} {error.reason}"
        limited = error.code in _MEANS_LIMIT and _tells_when(error.headers)
        if limited or error.code == 429 or error.code in _MEANS_LATER:
            return _Later(f"the server answers {said}", _seconds(error.headers))
        raise GitHubError(f"{error.url}: {said}{self._hint(error.code)}")

    def _hint(self, code: int) -> str:
        if code in (401, 403, 404) and not self._token:
            return " (GITHUB_TOKEN is not set)"
        return " (is GITHUB_TOKEN right?)" if code == 401 else ""

    def _wait(self, later: _Later, failed: int) -> None:
        seconds = 2.0 ** (failed - 1) if later.seconds is None else max(later.seconds, _LEAST_PAUSE)
        if seconds > self._longest_wait:
            when = time.strftime("%H:%M", time.localtime(time.time() + seconds))
            raise GitHubError(f"{later.problem}, and it asks to come back at {when}; what came before is stored")
        self._tell(f"{later.problem}; waiting {seconds:.0f} s")
        self._sleep(seconds)


class _Later(msgspec.Struct, frozen=True):
    """It may work later: in so many seconds, where the server says it."""

    problem: str
    seconds: float | None = None


class _SameServer(urllib.request.HTTPRedirectHandler):
    """A repository that was renamed is followed; an address elsewhere would be given the token."""

    def __init__(self, base_url: str) -> None:
        self._home = _server(base_url)

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if _server(newurl) != self._home:
            raise GitHubError(f"{req.full_url} leads to another server: {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _is_private(url: str) -> bool:
    """Nobody on the way reads what is sent."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1", "::1")


def _server(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _answer(data: bytes, headers: Message) -> Answer:
    if len(data) > _MOST_BYTES:
        raise GitHubError(f"an answer of more than {_MOST_BYTES:,} bytes")
    entries = json.loads(data)
    if not isinstance(entries, list):
        raise ValueError("it is of another shape")
    following = _NEXT.search(headers.get("Link", ""))
    return Answer(entries, following[1] if following else "", headers.get("ETag", ""))


def _tells_when(headers: Message) -> bool:
    """A refusal for good says neither; one for a while says when it ends."""
    return "Retry-After" in headers or headers.get("X-RateLimit-Remaining") == "0"


def _seconds(headers: Message) -> float | None:
    after = headers.get("Retry-After", "")
    if after.isdecimal():
        return float(after)
    try:
        if after:
            return parsedate_to_datetime(after).timestamp() - time.time()
        if headers.get("X-RateLimit-Remaining") == "0":
            return float(headers.get("X-RateLimit-Reset", "")) - time.time() + 1
    except ValueError:
        pass
    return None
