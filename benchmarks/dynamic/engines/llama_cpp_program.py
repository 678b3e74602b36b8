"""llama.cpp through llama-cpp-python on a tiny random model: prints what became of the completions.

    python llama_cpp_program.py MODEL [--requests 80]

Every fifth client leaves after two tokens, and every eleventh prompt is too long. The model is written when it is not
there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import gguf
import numpy as np
from llama_cpp import Llama, LlamaGrammar, LlamaRAMCache

WIDTH, INNER, LAYERS, HEADS, CONTEXT = 64, 128, 2, 2, 256


def write_model(file: Path) -> None:
    """A Llama of random weights whose vocabulary is the bytes."""
    draw = np.random.default_rng(0)
    words = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    writer.add_token_types([*kinds, *([gguf.TokenType.BYTE] * 256)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    for name, shape in shapes(len(words)).items():
        weights = np.ones(shape) if name.endswith("norm.weight") else draw.normal(0, 0.1, shape)
        writer.add_tensor(name, weights.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def shapes(words: int) -> dict[str, tuple[int, ...]]:
    """The tensors of the model."""
    square, across, back = (WIDTH, WIDTH), (INNER, WIDTH), (WIDTH, INNER)
    found: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (words, WIDTH),
        "output_norm.weight": (WIDTH,),
        "output.weight": (words, WIDTH),
    }
    for layer in range(LAYERS):
        parts = {"attn_norm": (WIDTH,), "ffn_norm": (WIDTH,), "ffn_gate": across, "ffn_up": across, "ffn_down": back}
        parts |= dict.fromkeys(("attn_q", "attn_k", "attn_v", "attn_output"), square)
        found |= {f"blk.{layer}.{part}.weight": shape for part, shape in parts.items()}
    return found


def serve(model: Path, requests: int) -> Counter[str]:
    engine = Llama(str(model), n_ctx=CONTEXT, n_threads=1, n_threads_batch=1, n_batch=64, seed=0, verbose=False)
    engine.set_cache(LlamaRAMCache(capacity_bytes=1 << 20))
    became = Counter(ask(engine, number) for number in range(requests))
    time.sleep(1.5)
    engine.close()
    return became


def ask(engine: Llama, number: int) -> str:
    """One completion in the shape of a JSON schema of its own, and what became of it."""
    prompt = f"{number} riddles for {number % 7} engines" * (20 if number % 11 == 10 else 1)
    schema = json.dumps({"type": "object", "properties": {f"riddle{number}": {"type": "integer"}}})
    grammar = LlamaGrammar.from_json_schema(schema, verbose=False)
    try:
        pieces = engine.create_completion(prompt, max_tokens=12, temperature=0.0, stream=True, grammar=grammar)
        for count, _ in enumerate(pieces):
            if number % 5 == 4 and count == 1:
                pieces.close()
                return "left"
    except ValueError:
        return "refused"
    return "finished"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=80)
    options = parser.parse_args()
    if not options.model.exists():
        write_model(options.model)
    became = serve(options.model, options.requests)
    print(", ".join(f"{count} {what}" for what, count in sorted(became.items())))


if __name__ == "__main__":
    main()
