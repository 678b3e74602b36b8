"""llama-cpp-python's own server on a tiny random model, driven over HTTP: prints what became of the completions.

    python llama_server_program.py MODEL [--requests 220]

Every third completion is streamed, every second of those is left after two pieces, and every eleventh request is a bad
one. The server is a child, and is ended by SIGTERM as an orchestrator does it. Its log counts by the tracebacks in it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections import Counter
from pathlib import Path

from llama_cpp_program import write_model
from served import ask, serve


def drive(port: int, requests: int) -> None:
    became: Counter[str] = Counter()
    said = hashlib.sha256()
    for number in range(requests):
        streamed = number % 3 == 0
        most = "many" if number % 11 == 10 else 24
        prompt = f"riddle {number} of {number % 7}"
        body = {"prompt": prompt, "max_tokens": most, "temperature": 0.0, "stream": streamed}
        what, text = ask(port, body, leaves=streamed and number % 2 == 1)
        became[what] += 1
        said.update(text.encode())
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())), said.hexdigest()[:12])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=220)
    options = parser.parse_args()
    if not options.model.exists():
        write_model(options.model)
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(options.model)]
    settings = ["--n_ctx", "256", "--n_threads", "1", "--n_threads_batch", "1", "--interrupt_requests", "False"]
    print(serve([*command, *settings], lambda port: drive(port, options.requests)))


if __name__ == "__main__":
    main()
