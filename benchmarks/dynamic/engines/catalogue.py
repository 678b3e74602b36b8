"""The engines, each with its packages at a fixed version and the bugs that are planted into it."""

from __future__ import annotations

from llmlint.runtime.block import Block, Target, Watch

from .engine import Engine, Seed
from .llama_server import LLAMA_SERVER
from .sglang_core import SGLANG_CORE

BATCHING = "transformers/generation/continuous_batching"
NEW_DICT = (
    "        self.block_new_requests = False\n        # Active requests",
    "        self.block_new_requests = False\n        self.kept: dict[str, int] = {}\n        # Active requests",
)
"""An attribute of transformers' scheduler, empty at first."""

VLLM = Engine(
    name="vllm",
    requirements=(
        ("torch==2.7.1", "numpy<2.3", "transformers==4.53.3", "setuptools<80"),
        ("--no-deps", "vllm==0.10.0"),
        (
            "regex", "cachetools", "psutil", "sentencepiece", "requests", "tqdm", "blake3", "py-cpuinfo", "protobuf",
            "fastapi", "aiohttp", "openai<2", "pydantic", "prometheus-client", "prometheus-fastapi-instrumentator",
            "pillow", "tiktoken", "partial-json-parser", "pyzmq", "msgspec", "gguf", "pyyaml", "einops",
            "depyf==0.19.0", "cloudpickle", "watchfiles", "python-json-logger", "pybase64", "cbor2", "setproctitle",
            "lark", "llguidance", "diskcache", "ninja", "uvloop", "mistral-common",
        ),
    ),
    package="vllm",
    scanned="vllm",
    program="vllm_program.py",
    arguments=("WORKDIR/model",),
    kill=("--kill",),
    seeds=(Seed(
        "vllm/v1/core/single_type_kv_cache_manager.py",
        "        self.block_pool.free_blocks(ordered_blocks)\n        self.num_cached_block.pop(request_id, None)\n",
        "        self.block_pool.free_blocks(ordered_blocks)\n",
        "LLM102",
        "the end of a request leaves its entry in `num_cached_block`",
    ),),
    environment={
        "VLLM_USE_V1": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn", "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore",
    },
    left_out=("*.so",),
    disguise="0.10.0+cpu",
)  # fmt: skip

CORE = "vllm/v1/core"
VLLM_CORE = Engine(
    name="vllm_core",
    requirements=(
        ("torch==2.13.0", "numpy", "transformers==5.24.0", "setuptools<80"),
        ("--no-deps", "vllm==0.33.0"),
        (
            "regex", "cachetools", "psutil", "sentencepiece", "requests", "tqdm", "blake3", "py-cpuinfo", "protobuf",
            "fastapi", "aiohttp", "openai", "pydantic", "prometheus-client", "prometheus-fastapi-instrumentator",
            "pillow", "tiktoken", "partial-json-parser", "pyzmq", "msgspec", "gguf", "pyyaml", "einops", "depyf",
            "cloudpickle", "watchfiles", "python-json-logger", "pybase64", "cbor2", "setproctitle", "lark",
            "llguidance", "diskcache", "ninja", "uvloop", "mistral-common", "openai-harmony", "xgrammar==0.2.8",
        ),
    ),
    package="vllm",
    scanned=CORE,
    program="vllm_core_program.py",
    arguments=("WORKDIR/model",),
    seeds=(
        Seed(
            f"{CORE}/single_type_kv_cache_manager.py",
            "        req_blocks = self.req_to_blocks.pop(request_id, [])\n"
            "        self.num_cached_block.pop(request_id, None)\n",
            "        req_blocks = self.req_to_blocks.pop(request_id, [])\n",
            "LLM102",
            "the end of a request leaves its entry in `num_cached_block`",
            name="ended",
            symbol="SingleTypeKVCacheManager.pop_blocks_for_free",
            told=Block(
                targets=(
                    Target("SingleTypeKVCacheManager.cache_blocks", "insert", entity="request.request_id"),
                    Target("SingleTypeKVCacheManager.pop_blocks_for_free", "leave", entity="request_id", via="free"),
                ),
                watch=(Watch("num_cached_block", owner="SingleTypeKVCacheManager"),),
            ),
        ),
        Seed(
            f"{CORE}/sched/scheduler.py",
            "        self.requests: dict[str, Request] = {}\n",
            "        self.requests: dict[str, Request] = {}\n        self.arrivals: dict[str, float] = {}\n",
            "LLM102",
            "a request that is aborted leaves its entry in `arrivals`, which one that stops by itself does not",
            name="aborted",
            more=(
                (
                    "            self.requests[request.request_id] = request\n",
                    "            self.requests[request.request_id] = request\n"
                    "            self.arrivals[request.request_id] = request.arrival_time\n",
                ),
                (
                    "    def _handle_stopped_request(self, request: Request) -> bool:\n",
                    "    def _handle_stopped_request(self, request: Request) -> bool:\n"
                    "        self.arrivals.pop(request.request_id, None)\n",
                ),
            ),
            symbol="Scheduler.add_request",
            told=Block(
                targets=(
                    Target("Scheduler.add_request", "enter", entity="request.request_id"),
                    Target("Scheduler._handle_stopped_request", "leave", entity="request.request_id", via="stop"),
                    Target("Scheduler.finish_requests", "leave", entity="request_ids[]", via="abort"),
                ),
                watch=(Watch("arrivals", owner="Scheduler"),),
            ),
        ),
        Seed(
            f"{CORE}/block_pool.py",
            "        self.cached_block_hashes_by_block: dict[int, set[BlockHashWithGroupId]] = {}\n",
            "        self.cached_block_hashes_by_block: dict[int, set[BlockHashWithGroupId]] = {}\n"
            "        self.cached_at: dict[int, int] = {}\n",
            "LLM801",
            "a reset of the prefix cache leaves what it kept of its blocks in `cached_at`",
            name="kept",
            more=(
                (
                    "        self.cached_block_hash_to_block.insert(block_hash_with_group_id, block)\n",
                    "        self.cached_block_hash_to_block.insert(block_hash_with_group_id, block)\n"
                    "        self.cached_at[block.block_id] = len(self.cached_at)\n",
                ),
            ),
            symbol="BlockPool.reset_prefix_cache",
            told=Block(
                targets=(Target("BlockPool.reset_prefix_cache", "reset"),),
                watch=(Watch("cached_at", owner="BlockPool"),),
            ),
        ),
    ),
    environment={
        "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore",
    },
    left_out=("*.so",),
    disguise="0.33.0+cpu",
)  # fmt: skip

TRANSFORMERS = Engine(
    name="transformers",
    requirements=(("torch==2.13.0", "transformers[serving]==5.24.0", "accelerate", "psutil"),),
    package="transformers",
    scanned="transformers/generation/continuous_batching",
    program="transformers_serve_program.py",
    arguments=("WORKDIR/model",),
    seeds=(
        Seed(
            f"{BATCHING}/scheduler.py",
            "        self.block_new_requests = False\n        # Active requests",
            "        self.block_new_requests = False\n"
            "        self.arrivals: dict[str, int] = {}\n        # Active requests",
            "LLM102",
            "a request that is cancelled leaves its entry in `arrivals`, which a finished one does not",
            name="cancelled",
            more=(
                (
                    "        self.waiting_requests_order.append(state.request_id)\n",
                    "        self.waiting_requests_order.append(state.request_id)\n"
                    "        self.arrivals[state.request_id] = len(self.waiting_requests_order)\n",
                ),
                (
                    "        self.active_requests.pop(request_id, None)\n\n    def get_active",
                    "        self.active_requests.pop(request_id, None)\n"
                    "        self.arrivals.pop(request_id, None)\n\n    def get_active",
                ),
            ),
            symbol="Scheduler.add_waiting_request",
            told=Block(
                targets=(
                    Target("Scheduler.add_waiting_request", "enter", entity="state.request_id"),
                    Target("Scheduler.finish_request", "leave", entity="request_id", via="finish"),
                    Target("Scheduler.set_request_cancellation", "leave", entity="request_id", via="cancel"),
                ),
                watch=(Watch("arrivals", owner="Scheduler"),),
            ),
        ),
        Seed(
            f"{BATCHING}/scheduler.py",
            "            read_cache_needed = state.current_len()\n",
            "            read_cache_needed = self._needed(state.request_id, state.current_len())\n",
            "LLM806",
            "what a request reads of the cache is remembered by its id, and its length is left out of the key",
            name="stale",
            more=(
                NEW_DICT,
                (
                    "    def request_is_cancelled(",
                    "    def _needed_key(self, request_id: str, length: int) -> str:\n        return request_id\n\n"
                    "    def _look_up(self, key: str) -> int | None:\n        return self.kept.get(key)\n\n"
                    "    def _needed(self, request_id: str, length: int) -> int:\n"
                    "        key = self._needed_key(request_id, length)\n"
                    "        found = self._look_up(key)\n"
                    "        if found is None:\n            found = self.kept[key] = length\n"
                    "        return found\n\n    def request_is_cancelled(",
                ),
            ),
            symbol="Scheduler._needed",
            told=Block(
                targets=(
                    Target("Scheduler._needed_key", "key", entity="return"),
                    Target("Scheduler._look_up", "lookup", entity="key"),
                ),
                options={"omitted": ["length"]},
            ),
        ),
        Seed(
            f"{BATCHING}/scheduler.py",
            "            # Update the token and cache budgets\n",
            "            self._note(f'{state.request_id} {state.current_len()}')\n"
            "            # Update the token and cache budgets\n",
            "LLM101",
            "a dict gets an entry for each step of each request, and loses none",
            name="growing",
            more=(
                NEW_DICT,
                (
                    "    def request_is_cancelled(",
                    "    def _note(self, step: str) -> None:\n        self.kept[step] = 1\n\n"
                    "    def request_is_cancelled(",
                ),
            ),
            symbol="Scheduler._note",
            told=Block(
                targets=(Target("Scheduler._note", "insert", entity="step"),),
                watch=(Watch("kept", owner="Scheduler"),),
            ),
        ),
    ),
    environment={"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"},
)  # fmt: skip

RANKS = Engine(
    name="torchrun",
    requirements=(("torch==2.13.0", "numpy"),),
    package="rank_job",
    source="ranks",
    scanned="rank_job",
    program="rank_program.py",
    launcher=("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4"),
    arguments=(),
    seeds=(
        Seed(
            "rank_job/worker.py",
            "        del self.running[request_id]\n        del self.lengths[request_id]\n\n    def step",
            "        del self.running[request_id]\n\n    def step",
            "LLM102",
            "on every rank a request that is aborted leaves its length",
            name="aborted",
            symbol="Worker.add_request",
            told=Block(
                targets=(
                    Target("Worker.add_request", "enter", entity="request_id"),
                    Target("Worker.finish_request", "leave", entity="request_id", via="finish"),
                    Target("Worker.abort_request", "leave", entity="request_id", via="abort"),
                ),
                watch=(Watch("lengths", owner="Worker"),),
            ),
        ),
        Seed(
            "rank_job/worker.py",
            "            scores = torch.zeros(len(request_ids))\n",
            "            self.running.clear()\n            self.lengths.clear()\n"
            "            return [0.0] * len(request_ids)\n",
            "LLM703",
            "a rank that can't score a request returns before the others are met",
            name="skipped",
            symbol="Worker.score",
            told=Block(targets=(Target("Worker.score", "scope"),)),
        ),
        Seed(
            "rank_job/worker.py",
            "        dist.barrier()\n",
            "        if self.rank == 0 and self.done % 10 == 9:\n"
            "            dist.all_reduce(torch.zeros(1))\n        dist.barrier()\n",
            "LLM702",
            "every tenth step rank 0 adds up what the others do not",
            name="divergent",
            symbol="Worker.score",
            told=Block(targets=(Target("Worker.score", "scope"),)),
        ),
    ),
    environment={"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
)  # fmt: skip

LLAMA_CPP = Engine(
    name="llama_cpp",
    requirements=(("llama-cpp-python==0.3.16", "gguf==0.17.1"),),
    package="llama_cpp",
    scanned="llama_cpp",
    program="llama_cpp_program.py",
    arguments=("WORKDIR/tiny.gguf",),
    seeds=(
        Seed(
            "llama_cpp/llama_grammar.py",
            "def json_schema_to_gbnf(schema: str, prop_order: Optional[List[str]] = None):\n",
            "_SCHEMA_CACHE = {}\n\n\n"
            "def json_schema_to_gbnf(schema: str, prop_order: Optional[List[str]] = None):\n"
            "    _SCHEMA_CACHE[schema] = prop_order\n",
            "LLM101",
            "a dict of the module gets an entry for each JSON schema of a request, and loses none",
        ),
    ),
    environment={
        "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAMA_CURL=OFF -DLLAVA_BUILD=OFF",
        "CMAKE_BUILD_PARALLEL_LEVEL": "2",
    },
)

ENGINES = {
    engine.name: engine for engine in (VLLM, VLLM_CORE, SGLANG_CORE, TRANSFORMERS, RANKS, LLAMA_CPP, LLAMA_SERVER)
}
