"""The scheduler of seeded.py without the bugs: llmlint has nothing to say about it."""

from datetime import timedelta

import torch
import torch.distributed as dist


class BlockManager:
    def __init__(self, num_blocks):
        self.free_blocks = list(range(num_blocks))
        self.tables = {}

    def allocate(self, request_id, count):
        blocks = [self.free_blocks.pop() for _ in range(count)]
        self.tables[request_id] = blocks
        return blocks

    def free(self, request_id):
        self.free_blocks.extend(self.tables.pop(request_id, ()))

    def restore_block_allocations(self, saved):
        taken = {block for blocks in saved.values() for block in blocks}
        self.free_blocks = [block for block in self.free_blocks if block not in taken]
        self.tables = dict(saved)


class Scheduler:
    def __init__(self, num_blocks):
        self.blocks = BlockManager(num_blocks)
        self.waiting = []
        self.running = []
        self.requests = {}
        self.finished_req_ids = {}

    def add_request(self, request):
        self.requests[request.request_id] = request
        self.waiting.append(request)

    def schedule(self):
        while self.waiting:
            request = self.waiting.pop(0)
            self.blocks.allocate(request.request_id, request.num_blocks)
            self.running.append(request)
        return list(self.running)

    def finish(self, request, client):
        self.running.remove(request)
        self.blocks.free(request.request_id)
        self.requests.pop(request.request_id, None)
        self.finished_req_ids[client] = request.request_id

    def take_finished(self, client):
        return self.finished_req_ids.pop(client, None)

    def restore_checkpoint_state(self, checkpoint):
        self.waiting.clear()
        self.running.clear()
        self.requests.clear()
        self.finished_req_ids.clear()
        self.blocks.restore_block_allocations(checkpoint.blocks)


class Transfers:
    def __init__(self, ranks, timeout_s):
        self.group = dist.new_group(ranks, timeout=timedelta(seconds=timeout_s))
        self.ongoing = {}

    def start(self, request_id, handle):
        self.ongoing[request_id] = handle

    def finish(self, request_id):
        self.ongoing.pop(request_id)

    def poll(self):
        done = torch.tensor(sum(handle.is_done() for handle in self.ongoing.values()))
        dist.all_reduce(done, op=dist.ReduceOp.MIN, group=self.group)
        return int(done)
