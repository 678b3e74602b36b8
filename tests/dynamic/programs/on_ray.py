"""Tasks and an actor of Ray, whose code is in a module that is watched, and in the script itself, carried by value."""

from __future__ import annotations

import logging
import os

import engine
import ray


@ray.remote
def served(rounds: int) -> int:
    scheduler = engine.Scheduler()
    for number in range(rounds):
        scheduler.add(f"a{number}")
        scheduler.finish(f"a{number}")
        scheduler.add(f"b{number}")
        scheduler.abort([f"b{number}"])
    return len(scheduler.progress)


@ray.remote
class Engine:
    def __init__(self) -> None:
        self.scheduler = engine.Scheduler()

    def serve(self, number: int) -> int:
        self.scheduler.add(f"c{number}")
        self.scheduler.abort([f"c{number}"])
        return len(self.scheduler.progress)

    def fail(self) -> None:
        self.scheduler.finish("none")


def main() -> None:
    ray.init(num_cpus=2, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    print(ray.get([served.remote(rounds) for rounds in (60, 80)]))
    actor = Engine.remote()
    print(sum(ray.get([actor.serve.remote(number) for number in range(80)])))
    try:
        ray.get(actor.fail.remote())
    except KeyError as error:
        print(type(error).__mro__[1].__name__, error.args)
    carried = ray.remote(engine.format_id)
    print(ray.get(carried.remote(7)), os.path.basename(engine.format_id.__code__.co_filename))
    ray.shutdown()


if __name__ == "__main__":
    main()
