"""transformers' continuous batching on a random Llama: prints what became of the requests.

    python transformers_program.py [--requests 96] [--device cuda] [--large]

Every fifth request is cancelled as it runs, and every eleventh is longer than the cache. The prompts are random too.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter

import torch
from transformers import ContinuousBatchingConfig, GenerationConfig, LlamaConfig, LlamaForCausalLM

PATIENCE = 120.0
BLOCKS, BLOCK = 96, 16


TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
LARGE = {"hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32}
"""About a billion of weights."""


def random_model(size: dict[str, int], device: str) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128, num_key_value_heads=size["num_attention_heads"], max_position_embeddings=2048, **size
    )
    with torch.device(device):
        model = LlamaForCausalLM(config).eval()
    return model if device == "cpu" else model.to(torch.bfloat16)


def serve(requests: int, size: dict[str, int], device: str) -> Counter[str]:
    manager = random_model(size, device).init_continuous_batching(
        GenerationConfig(max_new_tokens=16, eos_token_id=-1, do_sample=False),
        ContinuousBatchingConfig(num_blocks=BLOCKS, block_size=BLOCK, max_batch_tokens=128, use_cuda_graph=False),
    )
    manager.start()
    pick = random.Random(0)
    cancelled = set()
    for number in range(requests):
        length = pick.randint(8, 40)
        name = manager.add_request([pick.randrange(3, 128) for _ in range(length)], f"q{number}")
        if number % 5 == 4:
            manager.cancel_request(name)
            cancelled.add(name)
        if number % 16 == 15:
            time.sleep(0.2)
    became = answers(manager, requests - len(cancelled), cancelled)
    time.sleep(1.5)
    manager.stop(block=True, timeout=30)
    return became + Counter({"cancelled": len(cancelled)})


def answers(manager: object, expected: int, cancelled: set[str]) -> Counter[str]:
    """What became of those that were not cancelled; a cancelled one may have been answered before."""
    became: dict[str, str] = {}
    deadline = time.monotonic() + PATIENCE
    while len(became) < expected and time.monotonic() < deadline:
        result = manager.get_result(timeout=1)
        if result is not None and result.is_finished() and result.request_id not in cancelled:
            became[result.request_id] = "refused" if result.error else "finished"
    return Counter(became.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=96)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--large", action="store_true", help="about a billion of weights")
    options = parser.parse_args()
    became = serve(options.requests, LARGE if options.large else TINY, options.device)
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())))


if __name__ == "__main__":
    main()
