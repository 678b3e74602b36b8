"""transformers' continuous batching on a tiny random model: prints what became of the requests.

    python transformers_program.py [--requests 96]

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


def tiny_model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=128, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, max_position_embeddings=2048,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def serve(requests: int) -> Counter[str]:
    manager = tiny_model().init_continuous_batching(
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
    options = parser.parse_args()
    became = serve(options.requests)
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())))


if __name__ == "__main__":
    main()
