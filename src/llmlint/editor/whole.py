"""A whole scan in a process of its own, so that typing never waits for it: a request in, findings out."""

from __future__ import annotations

import os
import sys

import msgspec

from llmlint.findings import Finding
from llmlint.project import Project, Request, mark_known, scan


def findings_of(request: Request) -> list[Finding]:
    """What `llmlint scan` shows, under absolute paths."""
    result = scan(request)
    mark_known(result, Project(request).settings)
    return [msgspec.structs.replace(finding, path=os.path.abspath(finding.path)) for finding in result.shown]


if __name__ == "__main__":
    asked = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Request)
    sys.stdout.buffer.write(msgspec.msgpack.encode(findings_of(asked)))
