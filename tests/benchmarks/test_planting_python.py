"""What each mutator of Python makes of correct code: the lines that go, and the lines that come."""

from __future__ import annotations

import difflib
from textwrap import dedent

import pytest

from benchmarks.mutants.planting import PYTHON
from benchmarks.mutants.sites import PythonFile, parses, sites


def planted(name: str, text: str) -> list[list[str]]:
    """Of each site of the mutator the lines that differ."""
    text = dedent(text)
    found = list(sites(PythonFile(text), "engine.py", [mutator for mutator in PYTHON if mutator.name == name]))
    assert all(parses(site.planted(text)) for site in found)
    return [
        [
            f"{line[0]} {line[2:].strip()}"
            for line in difflib.ndiff(text.split("\n"), site.planted(text).split("\n"))
            if line[0] in "+-" and line[2:].strip()
        ]
        for site in found
    ]


CASES = {
    "unhandled-message": (
        """
        def serve(socket):
            while True:
                try:
                    name, text = socket.recv_multipart()
                except Exception as error:
                    log(error)
                    continue
                answer(name, text)
        """,
        ["- except Exception as error:", "+ except ConnectionError as error:"],
    ),
    "lost-status": (
        """
        def load(engine, name):
            try:
                return engine.load(name)
            except HTTPException:
                raise
            except Exception as error:
                raise HTTPException(500, str(error))
        """,
        ["- except HTTPException:", "- raise"],
    ),
    "drifted-override": (
        """
        class Base:
            def run(self, batch, step):
                return self.forward(batch, step)

        class Model(Base):
            def forward(self, batch, step):
                return batch
        """,
        ["- def forward(self, batch, step):", "+ def forward(self, batch, *, step):"],
    ),
    "truth-of-a-number": (
        """
        def sample(params):
            if params.temperature is not None:
                return params.temperature
            return params.name if params.name is not None else ""
        """,
        ["- if params.temperature is not None:", "+ if params.temperature:"],
    ),
    "unbounded-buffer": (
        """
        class Runner:
            def step(self, batch):
                self.times.append(batch.time)

            def report(self):
                self.times.clear()
        """,
        ["- self.times.clear()", "+ pass"],
    ),
    "missed-container": (
        """
        class Scheduler:
            def add(self, request):
                self.waiting.append(request)

            def is_idle(self):
                return not self.running and not self.waiting
        """,
        ["- return not self.running and not self.waiting", "+ return (not self.running)"],
    ),
    "unasked-entry": (
        """
        class Hub:
            def finish(self, rid):
                del self.states[rid]

            def handle(self, message):
                state = self.states.get(message.rid)
                if state is None:
                    return
                state.event.set()
        """,
        [
            "- state = self.states.get(message.rid)",
            "- if state is None:",
            "- return",
            "+ state = self.states[message.rid]",
        ],
    ),
    "forgotten-finally": (
        """
        class Gate:
            async def send(self, message):
                self.sending += 1
                try:
                    await self.socket.send(message)
                finally:
                    self.sending -= 1
        """,
        [
            "- try:",
            "- await self.socket.send(message)",
            "+ await self.socket.send(message)",
            "- finally:",
            "- self.sending -= 1",
            "+ self.sending -= 1",
        ],
    ),
    "drained-too-early": (
        """
        class Worker:
            def sync(self):
                if self.device.is_busy():
                    return
                changes = self.journal.flush()
                self.apply(changes)
        """,
        ["+ changes = self.journal.flush()", "- changes = self.journal.flush()"],
    ),
    "forgotten-stream-end": (
        """
        class Front:
            async def stream(self, rid, outputs):
                try:
                    async for piece in outputs:
                        yield piece
                finally:
                    self.hub.release(rid)
        """,
        [
            "- try:",
            "- async for piece in outputs:",
            "+ async for piece in outputs:",
            "- yield piece",
            "+ yield piece",
            "- finally:",
            "- self.hub.release(rid)",
            "+ self.hub.release(rid)",
        ],
    ),
    "lost-task": (
        """
        import asyncio

        class Connector:
            def start(self):
                self.task = asyncio.create_task(self.receive())
        """,
        ["- self.task = asyncio.create_task(self.receive())", "+ asyncio.create_task(self.receive())"],
    ),
    "unasked-future": (
        """
        class Client:
            def receive(self, future, result):
                if not future.done():
                    future.set_result(result)
        """,
        ["- if not future.done():", "- future.set_result(result)", "+ future.set_result(result)"],
    ),
    "live-iteration": (
        """
        class Registry:
            def sweep(self, alive):
                for node in list(self.tasks):
                    if node not in alive:
                        self.tasks.pop(node)
        """,
        ["- for node in list(self.tasks):", "+ for node in self.tasks:"],
    ),
    "unanswered-error": (
        """
        class Worker:
            def serve(self):
                while True:
                    request, future = self.inbox.get()
                    try:
                        future.set_result(request.run())
                    except Exception as error:
                        logger.exception("failed")
                        future.set_exception(error)
        """,
        ["- future.set_exception(error)"],
    ),
    "late-change": (
        """
        class Manager:
            async def update(self, weights):
                if self.updating:
                    raise RuntimeError
                self.updating = True
                await self.broadcast(weights)
        """,
        ["- await self.broadcast(weights)", "+ await self.broadcast(weights)"],
    ),
    "parted-lock": (
        """
        class Sessions:
            def open(self, key):
                with self.lock:
                    if key in self.sessions:
                        return
                    self.sessions[key] = self.made(key)
        """,
        ["+ with self.lock:"],
    ),
    "dropped-wrapped-result": (
        """
        class Model:
            def load_weights(self, weights):
                return self.model.load_weights(weights)
        """,
        ["- return self.model.load_weights(weights)", "+ self.model.load_weights(weights)"],
    ),
    "unraised-error": (
        """
        def start(url):
            if url is None:
                raise ValueError("no url")
        """,
        ['- raise ValueError("no url")', '+ ValueError("no url")'],
    ),
    "asserted-tuple": (
        """
        def start(url):
            assert url, "no url"
        """,
        ['- assert url, "no url"', "+ assert (url, 'no url')"],
    ),
    "same-id": (
        """
        def submit(engine, prompts, request_id):
            for index, prompt in enumerate(prompts):
                engine.add(prompt, request_id=f"{request_id}-{index}")
        """,
        [
            '- engine.add(prompt, request_id=f"{request_id}-{index}")',
            "+ engine.add(prompt, request_id=request_id)",
        ],
    ),
    "unheard-machine": (
        """
        def update(matcher, tokens):
            for token in tokens:
                if not matcher.accept_token(token):
                    break
        """,
        ["- if not matcher.accept_token(token):", "- break", "+ matcher.accept_token(token)"],
    ),
    "float-between": (
        """
        def read(text):
            return int(text)
        """,
        ["- return int(text)", "+ return int(float(text))"],
    ),
    "earlier-variable": (
        """
        def abort(self, groups, aborted):
            for group in groups:
                group.stop()
            for request in aborted:
                request.stop()
                self.free(request)
        """,
        ["- self.free(request)", "+ self.free(group)"],
    ),
    "kept-name": (
        """
        def shape(self, weights_a, weights_b):
            self.rank_a = weights_a.rank if weights_a else 1
            self.rank_b = weights_b.rank if weights_b else 1
        """,
        [
            "- self.rank_b = weights_b.rank if weights_b else 1",
            "+ self.rank_b = weights_b.rank if weights_a else 1",
        ],
    ),
    "counted-mark": (
        """
        def tag(text):
            at = text.find("<")
            if at == -1:
                return ""
            return text[at:]
        """,
        ["- if at == -1:", '- return ""'],
    ),
    "unguarded-division": (
        """
        class Cache:
            def rate(self):
                return self.hits / self.queries if self.queries else 0.0
        """,
        ["- return self.hits / self.queries if self.queries else 0.0", "+ return (self.hits / self.queries)"],
    ),
    "turned-guard": (
        """
        class Runner:
            def remember(self, graph):
                if self.pool is None:
                    self.pool = graph.pool()
        """,
        ["- if self.pool is None:", "+ if self.pool is not None:"],
    ),
    "wider-guard": (
        """
        def row(rows, at, names):
            if at >= len(names):
                return None
            if at >= len(rows):
                raise IndexError(at)
            return rows[at]
        """,
        ["- if at >= len(rows):", "+ if at > len(rows):"],
    ),
    "unfilled-text": (
        """
        SPAN = "{start} to {stop}"

        def told(start, stop, text):
            return text.format(start=start, stop=stop) + SPAN.format(start=start, stop=stop)
        """,
        [
            "- return text.format(start=start, stop=stop) + SPAN.format(start=start, stop=stop)",
            "+ return text.format(start=start, stop=stop) + SPAN.format(start=start)",
        ],
    ),
    "untested-answer": (
        """
        def find(sessions, key):
            for session in sessions:
                if session.key == key:
                    return session
            return None

        def close(sessions, key):
            session = find(sessions, key)
            if session is None:
                return
            session.close()
        """,
        ["- if session is None:", "- return"],
    ),
    "parsed-and-trusted": (
        """
        def compile(text):
            try:
                return json.loads(text)["rules"]
            except (json.JSONDecodeError, KeyError):
                return None
        """,
        ["- except (json.JSONDecodeError, KeyError):", "+ except json.JSONDecodeError:"],
    ),
    "unhandled-input": (
        """
        async def complete(request):
            body = await request.json()
            return body.get("prompt")
        """,
        ['- return body.get("prompt")', "+ return body['prompt']"],
    ),
    "unbounded-parameter": (
        """
        class ChatRequest(BaseModel):
            n: int = Field(1, ge=1, le=128)
        """,
        ["- n: int = Field(1, ge=1, le=128)", "+ n: int = Field(1, ge=1)"],
    ),
    "asserted-request": (
        """
        def check(request):
            if request.n < 1:
                raise ValueError("n is too small")
        """,
        ["- if request.n < 1:", '- raise ValueError("n is too small")', "+ assert not (request.n < 1)"],
    ),
    "broken-event": (
        """
        def events(pieces):
            for piece in pieces:
                yield f"data: {piece}\\n\\n"
        """,
        ['- yield f"data: {piece}\\n\\n"', '+ yield f"data: {piece}\\n"'],
    ),
    "uncounted-depth": (
        """
        def walk(node, depth):
            if depth > 64:
                raise ValueError
            return [walk(child, depth + 1) for child in node]
        """,
        ["- if depth > 64:", "- raise ValueError"],
    ),
    "waiting-recording": (
        """
        def record(graph, model):
            with torch.cuda.graph(graph):
                model()
            torch.cuda.synchronize()
        """,
        ["- torch.cuda.synchronize()", "+ torch.cuda.synchronize()"],
    ),
    "unawaited-event": (
        """
        class Outputs:
            def push(self):
                self.copied.record()

            def pop(self):
                self.copied.synchronize()
                return self.ids
        """,
        ["- self.copied.synchronize()"],
    ),
    "sync-for-known": (
        """
        def build(lengths, device):
            lens = torch.tensor(lengths, device=device)
            return lens, max(lengths)
        """,
        ["- return lens, max(lengths)", "+ return lens, lens.max().item()"],
    ),
    "quadratic-queue": (
        """
        class Admission:
            def __init__(self):
                self.waiting = deque()

            def offer(self, ticket):
                self.waiting.append(ticket)

            def admit(self):
                return self.waiting.popleft()
        """,
        [
            "- self.waiting = deque()",
            "+ self.waiting = []",
            "- return self.waiting.popleft()",
            "+ return self.waiting.pop(0)",
        ],
    ),
    "fresh-memory": (
        """
        class Masks:
            def __init__(self, most, device):
                self.device = device
                self.mask = torch.zeros(most, device=self.device)

            def build(self, count):
                return self.mask[:count]
        """,
        ["- return self.mask[:count]", "+ return torch.zeros(count, device=self.device)"],
    ),
    "kept-memory": (
        """
        class Worker:
            def sleep(self):
                self.pool.unmap()
                torch.cuda.empty_cache()
        """,
        ["- torch.cuda.empty_cache()"],
    ),
    "early-leave": (
        """
        def step(self, group, batch):
            dist.all_reduce(self.count, group=group)
            if not batch:
                return
            self.run(batch)
        """,
        ["- dist.all_reduce(self.count, group=group)", "+ dist.all_reduce(self.count, group=group)"],
    ),
    "own-decision": (
        """
        def step(self, stop):
            dist.broadcast(stop, src=0)
            if stop:
                self.running.clear()
        """,
        ["- dist.broadcast(stop, src=0)"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_mutator_plants_its_bug_and_nothing_else(name: str) -> None:
    text, lines = CASES[name]
    (only,) = planted(name, text)
    assert sorted(only) == sorted(lines)


def test_of_what_is_given_back_beside_a_removal_one_place_forgets_it() -> None:
    text = """
    class Arena:
        def put(self, name, row):
            self.rows[name] = row

        def evict(self, name):
            row = self.rows.pop(name)
            self.spare.append(row)

        def expire(self, name):
            row = self.rows.pop(name)
            self.spare.append(row)
    """
    assert planted("dropped-entry", text) == [["- self.spare.append(row)"]] * 2


def test_a_record_of_six_fields_loses_one_at_each_site() -> None:
    fields = [f"field_{number}" for number in range(6)]
    text = "def merge(self, other):\n" + "".join(f"    self.{name} = other.{name}\n" for name in fields)
    assert planted("uncopied-field", text) == [[f"- self.{name} = other.{name}"] for name in fields]
    assert planted("uncopied-field", text.replace("    self.field_5 = other.field_5\n", "")) == []


def test_a_parameter_that_is_used_nowhere_else_is_not_passed_on() -> None:
    text = """
    def __init__(self, config, quant, prefix):
        self.encoder = Encoder(
            config=config,
            quant=quant,
            prefix=prefix,
        )
        self.config = config
    """
    assert planted("ended-parameter", text) == [["- quant=quant,"], ["- prefix=prefix,"]]


def test_an_answer_goes_unheard_where_the_file_asks_for_it_three_times() -> None:
    asking = "def f{0}(pool):\n    if not pool.reserve({0}):\n        return\n    pool.use({0})\n"
    text = "".join(asking.format(number) for number in range(3))
    assert [sorted(lines)[0] for lines in planted("unheard-result", text)] == [f"+ pool.reserve({n})" for n in range(3)]
    assert planted("unheard-result", asking.format(0)) == []
    assert planted("unheard-result", text.replace("reserve", "is_free")) == []


SPARED = {
    "forgotten-finally": ("self.sending += 1", "self.began = now()"),
    "unasked-entry": ("del self.states[rid]", "self.states[rid].close()"),
    "drained-too-early": ("self.device.is_busy()", "not self.journal"),
    "live-iteration": ("self.tasks.pop(node)", "node.stop()"),
    "late-change": ("if self.updating:", "if self.closed:"),
    "parted-lock": ("if key in self.sessions:", "if key is None:"),
    "missed-container": ("def is_idle", "def is_open"),
    "counted-mark": ('text.find("<")', "text.start()"),
    "early-leave": ("if not batch:", "if not self.count and group:"),
    "own-decision": ("if stop:", "if self.stop:"),
}


@pytest.mark.parametrize("name", SPARED)
def test_code_without_what_makes_it_a_bug_is_left_alone(name: str) -> None:
    text, _ = CASES[name]
    old, new = SPARED[name]
    assert old in text
    assert planted(name, text.replace(old, new)) == []
