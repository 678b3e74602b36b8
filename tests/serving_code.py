"""Small serving code with bugs in it, for tests of the engine."""

ALL_SHOWN = 'min-confidence = "low"\n'
"""Settings for a tree of such code: how sure a rule may be moves with each reading of its findings
(`rules/earned.toml`), and what these tests are about does not hang on it."""

NOOP = """class Pool:
    def __init__(self):
        self.blocks = {}

    def add(self, key, block):
        self.blocks[key] = block

    def restore_blocks(self, blocks):
        logger.info("restoring %d blocks", len(blocks))
"""
"""One LLM802, in `Pool.restore_blocks`."""

UNSAID = """class Pool:
    def __init__(self):
        self.blocks = {}

    def block(self, key):
        if key not in self.blocks:
            raise KeyError("no block {key} here")
        return self.blocks[key]
"""
"""One LLM910, in `Pool.block`: for tests of what runs without settings of its own, of a rule that readings hold up."""

LEFT = """class Scheduler:
    def __init__(self):
        self.waiting = []
        self.running = []
        self.finished = set()

    def add(self, request):
        self.waiting.append(request)
        self.running.append(request)
        self.finished.add(request.request_id)

    def finish(self, request):
        self.waiting.remove(request)
        self.running.remove(request)
        self.finished.discard(request.request_id)

    def reset(self):
        self.waiting.clear()
        self.running.clear()
"""
"""One LLM801, in `Scheduler.reset`: `finished` is left."""

CLEAN = """def add(a, b):
    return a + b
"""
