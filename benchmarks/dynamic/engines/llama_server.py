"""llama-cpp-python's server as an engine, and the bugs that are planted into it."""

from __future__ import annotations

from llmlint.runtime.block import Block, Target, Watch

from .engine import Engine, Seed

APP, LLAMA = "llama_cpp/server/app.py", "llama_cpp/llama.py"
DETOKENIZED = (
    "        return self.tokenizer_.detokenize(\n            tokens, prev_tokens=prev_tokens, special=special\n"
)

LLAMA_SERVER = Engine(
    name="llama_server",
    requirements=(("llama-cpp-python[server]==0.3.36", "gguf==0.19.0"),),
    package="llama_cpp",
    scanned="llama_cpp",
    program="llama_server_program.py",
    arguments=("WORKDIR/tiny.gguf",),
    seeds=(
        Seed(
            APP,
            '        else "copilot-codex"\n    )\n',
            '        else "copilot-codex"\n    )\n    time.sleep(0.09)\n',
            "LLM202",
            "each completion sleeps on the event loop",
            name="blocking",
            more=(("import json\n", "import json\nimport time\n"),),
            symbol="create_completion",
            told=Block(targets=(Target("create_completion", "scope"),)),
            line="time.sleep(0.09)",
        ),
        Seed(
            LLAMA,
            DETOKENIZED,
            "        self._remember(f'{prev_tokens} {tokens}')\n" + DETOKENIZED,
            "LLM101",
            "a dict gets an entry for each piece of text with all that stood before it, and loses none",
            name="growing",
            more=(
                (
                    "    __backend_initialized = False\n",
                    "    __backend_initialized = False\n    remembered: Dict[str, int] = {}\n",
                ),
                (
                    "    def detokenize(\n        self,\n        tokens: List[int],\n",
                    "    def _remember(self, text: str) -> None:\n        self.remembered[text] = 1\n\n"
                    "    def detokenize(\n        self,\n        tokens: List[int],\n",
                ),
            ),
            symbol="Llama._remember",
            told=Block(
                targets=(Target("Llama._remember", "insert", entity="text"),),
                watch=(Watch("remembered", owner="Llama"),),
            ),
        ),
        Seed(
            APP,
            "        async with inner_send_chan:\n            try:\n",
            "        async with inner_send_chan:\n"
            "            stream_id = begin_stream(f's{next(numbers)}')\n            try:\n",
            "LLM102",
            "a stream whose client leaves keeps its entry in `streams`, which one that is read to its end does not",
            name="left",
            more=(
                (
                    '                await inner_send_chan.send(dict(data="[DONE]"))\n            except',
                    '                await inner_send_chan.send(dict(data="[DONE]"))\n'
                    "                end_stream(stream_id)\n            except",
                ),
                (
                    '                print("disconnected")\n',
                    '                print("disconnected")\n                leave_stream(stream_id)\n',
                ),
                (
                    "async def get_event_publisher(\n",
                    "numbers = iter(range(1 << 30))\nstreams: Dict[str, float] = {}\n\n\n"
                    "def begin_stream(stream_id: str) -> str:\n    streams[stream_id] = 0.0\n    return stream_id\n\n\n"
                    "def end_stream(stream_id: str) -> None:\n    streams.pop(stream_id, None)\n\n\n"
                    "def leave_stream(stream_id: str) -> None:\n    print(stream_id, 'was left')\n\n\n"
                    "async def get_event_publisher(\n",
                ),
            ),
            symbol="begin_stream",
            told=Block(
                targets=(
                    Target("begin_stream", "enter", entity="stream_id"),
                    Target("end_stream", "leave", entity="stream_id", via="end"),
                    Target("leave_stream", "leave", entity="stream_id", via="leave"),
                ),
                watch=(Watch("streams"),),
            ),
        ),
    ),
    environment={
        "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAMA_CURL=OFF",
        "CMAKE_BUILD_PARALLEL_LEVEL": "2",
    },
)
