"""The streams to the clients: one for each request, from its first token to its end."""

import asyncio


class Stream:
    def __init__(self) -> None:
        self.queue = asyncio.Queue()
        self.reason = ""

    async def __aiter__(self):
        while (token := await self.queue.get()) is not None:
            yield token


class Outputs:
    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}

    def open(self, request_id: str) -> Stream:
        if request_id in self.streams:
            raise ValueError(f"{request_id} is under way already")
        self.streams[request_id] = Stream()
        return self.streams[request_id]

    def push(self, request_id: str, token: int) -> None:
        stream = self.streams.get(request_id)
        if stream is not None:
            stream.queue.put_nowait(token)

    def finish(self, request_id: str, reason: str) -> None:
        stream = self.streams.pop(request_id, None)
        if stream is not None:
            stream.reason = reason
            stream.queue.put_nowait(None)

    def abort(self, request_id: str) -> None:
        """The client is gone: nobody reads the stream any more."""
        stream = self.streams.pop(request_id, None)
        if stream is not None:
            stream.finished = True
            stream.queue.put_nowait(None)
