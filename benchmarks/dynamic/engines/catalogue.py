"""The engines, each with its packages at a fixed version and its leak of one line."""

from __future__ import annotations

from .engine import Engine, Seed

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
    seed=Seed(
        "vllm/v1/core/single_type_kv_cache_manager.py",
        "        self.block_pool.free_blocks(ordered_blocks)\n        self.num_cached_block.pop(request_id, None)\n",
        "        self.block_pool.free_blocks(ordered_blocks)\n",
        "LLM102",
        "the end of a request leaves its entry in `num_cached_block`",
    ),
    environment={
        "VLLM_USE_V1": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1",
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn", "TOKENIZERS_PARALLELISM": "false", "PYTHONWARNINGS": "ignore",
    },
    left_out=("*.so",),
    disguise="0.10.0+cpu",
)  # fmt: skip

TRANSFORMERS = Engine(
    name="transformers",
    requirements=(("torch==2.15.0", "transformers==5.17.0", "accelerate", "psutil"),),
    package="transformers",
    scanned="transformers/generation/continuous_batching",
    program="transformers_program.py",
    arguments=(),
    seed=Seed(
        "transformers/generation/continuous_batching/cache_manager.py",
        "blocks_to_free = self.block_table.pop(request_id)",
        "blocks_to_free = self.block_table[request_id]",
        "LLM102",
        "the blocks of a request are freed, and its entry stays in `block_table`",
    ),
    environment={"HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"},
)

LLAMA_CPP = Engine(
    name="llama_cpp",
    requirements=(("llama-cpp-python==0.3.16", "gguf==0.17.1"),),
    package="llama_cpp",
    scanned="llama_cpp",
    program="llama_cpp_program.py",
    arguments=("WORKDIR/tiny.gguf",),
    seed=Seed(
        "llama_cpp/llama_grammar.py",
        "def json_schema_to_gbnf(schema: str, prop_order: Optional[List[str]] = None):\n",
        "_SCHEMA_CACHE = {}\n\n\n"
        "def json_schema_to_gbnf(schema: str, prop_order: Optional[List[str]] = None):\n"
        "    _SCHEMA_CACHE[schema] = prop_order\n",
        "LLM101",
        "a dict of the module gets an entry for each JSON schema of a request, and loses none",
    ),
    environment={
        "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAMA_CURL=OFF -DLLAVA_BUILD=OFF",
        "CMAKE_BUILD_PARALLEL_LEVEL": "2",
    },
)

ENGINES = {engine.name: engine for engine in (VLLM, TRANSFORMERS, LLAMA_CPP)}
