"""SGLang's radix cache and scheduler parts as an engine, and the bugs that are planted into them."""

from __future__ import annotations

from llmlint.runtime.block import Block, Target, Watch

from .engine import Engine, Seed

CACHES = "sglang/srt/mem_cache"
FREED = (
    "        req.kv.req_pool_idx = None\n\n    def clear(self):\n"
    "        self.free_slots = list(range(1, self._alloc_size))\n        # req_generation"
)
"""The end of a row, up to where the next method can be told from its likes."""
RADIX, POOL = f"{CACHES}/radix_cache.py", f"{CACHES}/memory_pool.py"

SGLANG_CORE = Engine(
    name="sglang_core",
    requirements=(
        ("torch==2.13.0", "numpy", "scipy", "transformers==5.24.0", "setuptools<80"),
        ("--no-deps", "sglang==0.5.23", "compressed-tensors", "xgrammar==0.2.8"),
        (
            "accelerate", "aiohttp", "apache-tvm-ffi", "gguf", "ipython", "loguru", "mistral-common", "msgspec",
            "openai", "orjson", "partial-json-parser", "pillow", "psutil", "pybase64", "pydantic", "pyzmq", "requests",
            "sentencepiece", "starlette", "tiktoken",
        ),
    ),
    package="sglang",
    scanned=CACHES,
    program="sglang_core_program.py",
    arguments=(),
    seeds=(
        Seed(
            POOL,
            FREED,
            FREED.replace(
                "\n\n    def clear", "\n        if type(req.finished_reason).__name__ != 'FINISH_ABORT':\n"
                "            self.row_of.pop(req.rid, None)\n\n    def clear",
            ),
            "LLM102",
            "a request that is aborted leaves its entry in `row_of`, which one that ends by itself does not",
            name="aborted",
            more=(
                (
                    "        self.req_generation = torch.zeros(self._alloc_size, dtype=torch.int64)\n",
                    "        self.req_generation = torch.zeros(self._alloc_size, dtype=torch.int64)\n"
                    "        self.row_of: dict[str, int] = {}\n",
                ),
                (
                    "                r.kv.req_pool_idx = select_index[offset]\n",
                    "                r.kv.req_pool_idx = select_index[offset]\n"
                    "                self.row_of[r.rid] = r.kv.req_pool_idx\n",
                ),
            ),
            symbol="ReqToTokenPool.alloc",
            told=Block(
                targets=(
                    Target("ReqToTokenPool.alloc", "enter", entity="reqs[]"),
                    Target("ReqToTokenPool.free", "leave", entity="req.rid", via="free"),
                ),
                watch=(Watch("row_of", owner="ReqToTokenPool"),),
            ),
        ),
        Seed(
            RADIX,
            "        self.evictable_leaves.clear()\n",
            "",
            "LLM801",
            "a reset of the radix cache leaves `evictable_leaves`",
            name="kept",
            symbol="RadixCache.reset",
            told=Block(
                targets=(Target("RadixCache.reset", "reset"),),
                watch=(Watch("evictable_leaves", owner="RadixCache"),),
            ),
        ),
        Seed(
            RADIX,
            "        self.evictable_leaves = set()\n",
            "        self.evictable_leaves = set()\n        self.evicted: dict[int, float] = {}\n",
            "LLM101",
            "a dict gets an entry for each node of the tree that is evicted, and loses none",
            name="growing",
            more=(
                (
                    "            self._delete_leaf(x)\n",
                    "            self._delete_leaf(x)\n            self._note_evicted(x.id)\n",
                ),
                (
                    "    def _delete_leaf(self, node):\n",
                    "    def _note_evicted(self, node_id: int) -> None:\n        self.evicted[node_id] = 1.0\n\n"
                    "    def _delete_leaf(self, node):\n",
                ),
            ),
            symbol="RadixCache._note_evicted",
            told=Block(
                targets=(Target("RadixCache._note_evicted", "insert", entity="node_id"),),
                watch=(Watch("evicted", owner="RadixCache"),),
            ),
        ),
    ),
    environment={"PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"},
    left_out=("*.so", "*.cu", "*.cuh", "*.h"),
)  # fmt: skip
