"""`transformers serve` on a tiny random Llama, driven over HTTP: prints what became of the completions.

    python transformers_serve_program.py MODEL [--requests 200]

Eight clients ask at a time, for more than the cache holds. Every third completion is streamed, every second of those is
left after its first piece, and every eleventh request is a bad one. The server is a child that batches continuously,
and is ended by SIGTERM as an orchestrator does it. Its log counts by the tracebacks in it.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from served import ask, serve
from vllm_model import write_model

CLIENTS = 8
CACHE = ["--cb-num-blocks", "24", "--cb-block-size", "16", "--cb-max-batch-tokens", "128"]


def write_weights(folder: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig.from_pretrained(folder)).save_pretrained(folder)


def drive(port: int, requests: int) -> None:
    def one(number: int) -> tuple[str, str]:
        streamed = number % 3 == 0
        leaves = streamed and number % 2 == 1
        words = random.Random(number).choices(range(97), k=8 + number % 33)
        most = "many" if number % 11 == 10 else 256 if leaves else 16
        prompt = " ".join(f"w{word}" for word in words)
        return ask(port, {"prompt": prompt, "max_tokens": most, "temperature": 0.0, "stream": streamed}, leaves)

    said = hashlib.sha256()
    became: Counter[str] = Counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        for what, text in clients.map(one, range(requests)):
            became[what] += 1
            said.update(text.encode())
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())), said.hexdigest()[:12])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=200)
    options = parser.parse_args()
    if not (options.model / "model.safetensors").exists():
        write_model(options.model)
        write_weights(options.model)
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", str(options.model)]
    settings = ["--continuous-batching", "--device", "cpu", *CACHE]
    print(serve([*command, *settings], lambda port: drive(port, options.requests)))


if __name__ == "__main__":
    main()
