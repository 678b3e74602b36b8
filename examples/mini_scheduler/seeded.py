"""A small request scheduler with seeded bugs: what llmlint says about each is in the README beside it."""

import logging

import torch
import torch.distributed as dist

logger = logging.getLogger(__name__)


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

    # Seeded: the blocks are never taken out of the free list again.
    def restore_block_allocations(self, saved):
        for request_id, blocks in saved.items():
            logger.info("restoring %d blocks of %s", len(blocks), request_id)
        return True


class Scheduler:
    def __init__(self, num_blocks):
        self.blocks = BlockManager(num_blocks)
        self.waiting = []
        self.running = []
        self.requests = {}
        self.finished_req_ids = {}
        self.encoder_inputs = {}

    def add_request(self, request):
        self.requests[request.request_id] = request
        self.encoder_inputs[request.request_id] = request.images
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
        self.encoder_inputs.pop(request.request_id, None)
        self.finished_req_ids[client] = request.request_id

    def take_finished(self, client):
        return self.finished_req_ids.pop(client, None)

    # Seeded: the finished requests and the encoder's inputs outlive the checkpoint.
    def restore_checkpoint_state(self, checkpoint):
        self.waiting.clear()
        self.running.clear()
        self.requests.clear()
        self.blocks.restore_block_allocations(checkpoint.blocks)


class Transfers:
    def __init__(self, ranks):
        # Seeded: nothing bounds how long this group waits for a rank that has died.
        self.group = dist.new_group(ranks)
        self.ongoing = {}

    def start(self, request_id, handle):
        self.ongoing[request_id] = handle

    def finish(self, request_id):
        self.ongoing.pop(request_id)

    # Seeded: a rank with nothing under way leaves before the others meet.
    def poll(self):
        if not self.ongoing:
            return 0
        done = torch.tensor(sum(handle.is_done() for handle in self.ongoing.values()))
        dist.all_reduce(done, op=dist.ReduceOp.MIN, group=self.group)
        return int(done)
