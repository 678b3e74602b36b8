"""The small scheduler as a service: a line for a request, a line for its answer."""

import asyncio
import sys
from types import SimpleNamespace

from clean import Scheduler

BLOCKS = 256


def service(scheduler):
    async def serve(reader, writer):
        async for line in reader:
            request_id = line.decode().strip()
            scheduler.add_request(SimpleNamespace(request_id=request_id, num_blocks=1))
            writer.write(f"{request_id} is waiting\n".encode())
            await writer.drain()
        writer.close()

    return serve


async def main(port):
    server = await asyncio.start_server(service(Scheduler(BLOCKS)), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
