"""`python -m mini_engine serve` or `drive`; `--bugs` names the parts whose seeded variant is used."""

import argparse
import asyncio
import contextlib
import os
import threading
from importlib.util import find_spec

from .client import Client
from .drive import CHAPTERS, drive
from .engine import Engine
from .model import choose_model
from .parts import BUGS, Parts
from .server import Server

HUNG = 4
"""The exit status of an engine whose ranks have lost each other, or whose threads wait for each other."""

_MERCY = 5.0
"""Seconds that an engine has to end by itself when its time is up."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="mini_engine", description=__doc__)
    parser.add_argument("what", choices=("serve", "drive", "follow"), help="serve until interrupted, or drive itself")
    parser.add_argument("--bugs", default="", help=f"all, or some of: {', '.join(BUGS)}")
    parser.add_argument("--port", type=int, default=0, help="by default any free one")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda …; none for the stand-in model")
    parser.add_argument("--for", dest="seconds", type=float, default=60.0, help="end after so many seconds in any case")
    parser.add_argument("--only", default=",".join(CHAPTERS), help="what to drive: some of %(default)s")
    parser.add_argument("--ranks", type=int, default=1, help="tensor parallel over so many processes")
    parser.add_argument("--rank", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    options = parser.parse_args()
    bugs = list(BUGS) if options.bugs == "all" else [bug for bug in options.bugs.split(",") if bug]
    if options.ranks > 1 and find_spec("torch") is None:
        print(f"{options.ranks} ranks need torch, which is not installed")
    elif options.what == "follow":
        from .parallel import follow

        follow(options.rank, options.ranks, options.store, Parts(bugs), options.device)
    else:
        with contextlib.suppress(KeyboardInterrupt):
            serve(options, Parts(bugs))


def serve(options: argparse.Namespace, parts: Parts) -> None:
    if options.what == "drive":
        _end_in_any_case(options.seconds + _MERCY)
    if options.ranks == 1:
        asyncio.run(run(options, choose_model(options.device, parts), parts))
        return
    from .parallel import Leader

    leader = Leader(options.ranks, parts, options.device)
    asyncio.run(run(options, leader, parts))
    leader.close()


async def run(options: argparse.Namespace, model, parts: Parts) -> None:
    engine = Engine(model, parts)
    server = await Server(engine, parts).start(options.port)
    port = server.sockets[0].getsockname()[1]
    print(f"{model.name}, http://127.0.0.1:{port}", flush=True)
    stepping = asyncio.ensure_future(engine.run())
    work = drive(Client(port), options.only.split(",")) if options.what == "drive" else asyncio.Event().wait()
    driving = asyncio.ensure_future(work)
    await asyncio.wait({stepping, driving}, timeout=options.seconds, return_when=asyncio.FIRST_COMPLETED)
    if options.ranks > 1 and options.what == "drive" and not driving.done():
        await asyncio.to_thread(give_up, model)
    for task in (stepping, driving):
        if task.done():
            task.result()
        task.cancel()
    server.close()


def _end_in_any_case(seconds: float) -> None:
    """Threads that wait for each other's locks do not hear that the time is up: a thread beside them does."""
    watch = threading.Timer(seconds, os._exit, (HUNG,))
    watch.daemon = True
    watch.start()


def give_up(leader) -> None:
    """A collective that never comes back holds its thread for ever: only the hard way out is left."""
    print("the ranks have lost each other: ending the hard way", flush=True)
    leader.kill()
    os._exit(HUNG)


if __name__ == "__main__":
    main()
