"""A model executor for vLLM that has no model: each step takes a set time and gives every request a token.

It also answers for the architecture of the tiny model, so that vLLM does not import the real one, which needs a
compiled kernel library. The child process of the engine imports this module too, as it unpickles the class.
"""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from vllm.model_executor.models import registry
from vllm.v1.executor.abstract import Executor
from vllm.v1.kv_cache_interface import FullAttentionSpec
from vllm.v1.outputs import ModelRunnerOutput

STEP = float(os.environ.get("STEP_MS", "2")) / 1000
MEMORY = 8 << 20
"""Bytes for the KV cache: 512 blocks of the shape below, so that requests compete and are preempted."""


class NoModel(Executor):
    uses_ray = False

    def _init_executor(self) -> None:
        self.spec = FullAttentionSpec(block_size=16, num_kv_heads=2, head_size=64, dtype=torch.float32, use_mla=False)
        self.prompts: dict[str, int] = {}
        self.computed: dict[str, int] = {}

    def collective_rpc(self, method: Any, timeout: Any = None, args: Any = (), kwargs: Any = None) -> list[Any]:
        return [None]

    def get_kv_cache_specs(self) -> list[dict[str, FullAttentionSpec]]:
        return [{"layer": self.spec}]

    def determine_available_memory(self) -> list[int]:
        return [MEMORY]

    def check_health(self) -> None:
        return

    def execute_model(self, scheduler_output: Any) -> ModelRunnerOutput:
        """A token for each request of the batch, as soon as all its prompt has been computed."""
        self._follow(scheduler_output)
        if STEP:
            time.sleep(STEP)
        ids = list(scheduler_output.num_scheduled_tokens)
        return ModelRunnerOutput(
            req_ids=ids,
            req_id_to_index={request_id: index for index, request_id in enumerate(ids)},
            sampled_token_ids=[self._sampled(scheduler_output, request_id) for request_id in ids],
            spec_token_ids=None,
            logprobs=None,
            prompt_logprobs_dict={},
            pooler_output=[],
        )

    def _follow(self, scheduler_output: Any) -> None:
        for request_id in scheduler_output.finished_req_ids:  # first: an id may come again
            self.prompts.pop(request_id, None)
            self.computed.pop(request_id, None)
        for new in scheduler_output.scheduled_new_reqs:
            self.prompts[new.req_id] = len(new.prompt_token_ids)
            self.computed[new.req_id] = new.num_computed_tokens
        cached = scheduler_output.scheduled_cached_reqs
        for request_id, computed in zip(cached.req_ids, cached.num_computed_tokens, strict=True):
            self.computed[request_id] = computed

    def _sampled(self, scheduler_output: Any, request_id: str) -> list[int]:
        reached = self.computed[request_id] + scheduler_output.num_scheduled_tokens[request_id]
        return [3 + reached % 90] if reached >= self.prompts[request_id] else []


def _answer_for_the_model() -> None:
    named: dict[str, Any] = dict.fromkeys(registry._ModelInfo.__dataclass_fields__, False)
    info = registry._ModelInfo(**{**named, "architecture": "LlamaForCausalLM", "is_text_generation_model": True})
    registry._ModelRegistry.inspect_model_cls = lambda self, architectures: (info, "LlamaForCausalLM")


_answer_for_the_model()
