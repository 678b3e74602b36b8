"""The engine: admits requests, steps the model over whoever may run, hands tokens to their streams, sleeps and wakes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from .blocks import BlockPool
from .model import Model, Row
from .parts import Parts
from .request import END, BadRequest, Request, encode


@dataclass(frozen=True)
class Settings:
    blocks: int = 96
    block_size: int = 8
    max_running: int = 16


class Engine:
    def __init__(self, model: Model, parts: Parts, settings: Settings = Settings()) -> None:
        self.model = model
        self.parts = parts
        pool = BlockPool(settings.blocks)
        tables = parts.block_tables.BlockTables(pool)
        self.kv = parts.kv_cache.KVCache(model, pool, tables, parts.prefix_key.hash_block, settings.block_size)
        self.longest = settings.blocks * settings.block_size
        self.scheduler = parts.scheduler.Scheduler(self.kv, settings.max_running)
        self.caches = parts.caches.Caches(self.kv, model.encode)
        self.outputs = parts.outputs.Outputs()
        self.usage = parts.usage.Usage()
        self.matchers: dict[str, object] = {}
        self.checkpoint = None
        self.level = 0
        self.weights = 0
        self.work = asyncio.Event()
        self.awake = asyncio.Event()
        self.awake.set()
        self.stepping = asyncio.Lock()

    # -- for the server

    async def generate(self, request: Request) -> AsyncIterator[str]:
        """The answer, piece by piece. Whoever stops reading aborts the request."""
        matcher = self._begin(request)
        stream = self.outputs.open(request.request_id)
        try:
            await self.awake.wait()
            if matcher is not None:
                self.matchers[request.request_id] = matcher
            self.scheduler.add(request)
            self.work.set()
            async for token in stream:
                yield chr(token)
        finally:
            self.matchers.pop(request.request_id, None)
            if not stream.reason:
                self.abort(request.request_id)

    def abort(self, request_id: str) -> None:
        self.outputs.abort(request_id)
        if self.checkpoint is not None:
            self.checkpoint.drop(request_id)
        self.scheduler.cancel(request_id)
        self.work.set()

    def _begin(self, request: Request):
        """Checks what can only be checked with the engine at hand; the matcher of a request that has a grammar."""
        if len(request.prompt) + request.max_tokens > self.longest:
            raise BadRequest(f"more than {self.longest} tokens")
        if not request.grammar:
            return None
        matching = self.parts.matching
        matcher = matching.Matcher(self.parts.grammars.compile_grammar(request.grammar))
        try:
            matching.match_beginning(matcher, encode(request.prefill))
        except matching.Rejected as error:
            raise BadRequest(f"prefill: {error}") from None
        return matcher

    # -- steps

    async def run(self) -> None:
        while True:
            await self.awake.wait()
            async with self.stepping:
                busy = self.awake.is_set() and await self._step()
            if not busy:
                self.work.clear()
                await self.work.wait()

    async def _step(self) -> bool:
        """One step of the model for everybody who may run; False when there was nobody."""
        batch = self.scheduler.schedule()
        self._tell_finished()
        if not batch:
            return False
        scores = await asyncio.to_thread(self._forward, batch)
        for request, its in zip(batch, scores):
            self._take_token(request, its)
        self._tell_finished()
        return True

    def _forward(self, batch: list[Request]) -> list[list[float]]:
        """On a thread of its own: the server goes on answering."""
        rows = [self._row(request) for request in batch]
        scores = self.model.forward(self.kv.memory, rows)
        for request, row in zip(batch, rows):
            self.usage.record(request.user, len(row.tokens))
        return scores

    def _row(self, request: Request) -> Row:
        start = self.scheduler.computed[request.request_id]
        encodings = [self.caches.encoding_of(image) for image in request.images]
        return Row(request.tokens[start:], start, self.kv.table_of(request.request_id), encodings)

    def _take_token(self, request: Request, scores: list[float]) -> None:
        length = len(request.tokens)
        self.scheduler.computed[request.request_id] = length
        self.kv.remember(request, length)
        token = self._choose(request, scores)
        if token == END:
            self.scheduler.finish(request.request_id, "stop")
            return
        request.output.append(token)
        self.outputs.push(request.request_id, token)
        if len(request.output) >= request.max_tokens:
            self.scheduler.finish(request.request_id, "length")

    def _choose(self, request: Request, scores: list[float]) -> int:
        """The likeliest token, of those that its grammar allows, if it has one; free text is printable."""
        matcher = self.matchers.get(request.request_id)
        allowed = matcher.allowed() if matcher is not None else range(32, 127)
        token = max(allowed, key=scores.__getitem__, default=END)
        if matcher is not None:
            matcher.accept_token(token)
        return token

    def _tell_finished(self) -> None:
        for request_id, reason in self.scheduler.take_finished():
            if reason != "abort":  # then nobody is left to tell
                self.outputs.finish(request_id, reason)

    # -- sleep

    async def sleep(self, level: int) -> None:
        """Gives the device's memory up after the step under way. Level 1 keeps a copy of the KV cache, level 2 none."""
        self.awake.clear()
        async with self.stepping:
            if self.level == 0:
                self.checkpoint = self.scheduler.checkpoint_state()
                self.kv.sleep(level)
                self.level = level

    async def wake_up(self) -> None:
        """Requests go on where they were; those whose clients have left meanwhile are not brought back."""
        async with self.stepping:
            if self.level:
                self.kv.wake_up()
                self.scheduler.restore_checkpoint_state(self.checkpoint)
                self.checkpoint, self.level = None, 0
        self.awake.set()
        self.work.set()

    async def update_weights(self) -> None:
        async with self.stepping:
            self.weights += 1
            self.model.load_weights(self.weights)
            self.caches.flush()
