"""How sure a rule is follows from what the program says, not from the rule alone."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources


def how_sure(rule: str, files: dict[str, str]) -> str:
    """Of the one finding of a rule in these files, whatever readers have said of the rule."""
    (told,) = check_sources({name: text.encode() for name, text in files.items()}, [rule])
    return told.confidence


POOL = """
class Chunk:
    def __init__(self, pool):
        self.pool = pool
{ending}

class Pool:
    def allocate(self, size) -> "Chunk | None":
        return Chunk(self)

    def release(self, chunk):
        self.free.append(chunk)


class Loader:
    def __init__(self):
        self.pool = Pool()

    def load(self, key):
        chunk = self.pool.allocate(3)
        if key not in self.known:
            return None
        self.pool.release(chunk)
        return key
"""
DELETED = """
    def __del__(self):
        self.pool.release(self)
"""


@pytest.mark.parametrize(("ending", "confidence"), [("", "high"), (DELETED, "low")])
def test_a_thing_that_gives_itself_back_when_it_goes_is_hardly_leaked(ending: str, confidence: str) -> None:
    assert how_sure("LLM103", {"pool.py": POOL.format(ending=ending)}) == confidence


MODEL = """
#include <vector>

struct result {{
    std::vector<int> labels;
}};

struct model {{
    bool predict(int image, result * out) {{
        if (image < 0) {{
            return false;
        }}
        out->labels.push_back(image);
        return true;
    }}
}};

void draw(const result & r);

int a(model & m, result * r) {{ return m.predict(1, r) ? 1 : 0; }}
int b(model & m, result * r) {{ return m.predict(2, r) ? 2 : 0; }}
int c(model & m, result * r) {{ return m.predict(3, r) ? 3 : 0; }}
int d(model & m, result * r) {{ return m.predict(4, r) ? 4 : 0; }}
int e(model & m, result * r) {{ return m.predict(5, r) ? 5 : 0; }}

void show(model & m, result & known) {{
    {show}
}}
"""


@pytest.mark.parametrize(
    ("show", "confidence"),
    [
        ("result r; m.predict(6, &r); draw(r);", "low"),
        ("auto r = new result(); m.predict(6, r); draw(*r); delete r;", "low"),
        ("result r; m.predict(6, &r);", "medium"),
        ("result r; read_into(r); m.predict(6, &r); draw(r);", "medium"),
        ("m.predict(6, &known); draw(known);", "medium"),
    ],
)
def test_what_a_call_fills_and_its_caller_uses_may_tell_that_it_failed(show: str, confidence: str) -> None:
    assert how_sure("LLM911", {"model.cpp": MODEL.format(show=show)}) == confidence


CONVERTER = """
#include <unordered_map>

struct tensor {{
    int rows;
}};

struct converter {{
    std::unordered_map<int, tensor *> known;
    std::unordered_map<int, int>      ranks;

    bool make_all(int most) {{
        for (int id = 0; id < most; id++) {{
            known.emplace(id, new tensor());
        }}
        return most > 0;
    }}

    bool is_small(int most) {{
        ranks[most] = 1;
        return most < 4;
    }}

    tensor * tensor_of(int id) {{
        auto at = known.find(id);
        if (at == known.end()) {{
            return nullptr;
        }}
        return at->second;
    }}

    int a(int id) {{ tensor * t = tensor_of(id); return t ? t->rows : 0; }}
    int b(int id) {{ tensor * t = tensor_of(id); return t ? t->rows : 0; }}
    int c(int id) {{ tensor * t = tensor_of(id); return t ? t->rows : 0; }}
    int d(int id) {{ tensor * t = tensor_of(id); return t ? t->rows : 0; }}

    int rows(int id, converter & other) {{
        {rows}
    }}
}};
"""


@pytest.mark.parametrize(
    ("rows", "confidence"),
    [
        ("if (make_all(id)) { return this->tensor_of(0)->rows; } return 0;", "low"),
        ("if (!make_all(id)) { return 0; } tensor * t = tensor_of(0); return t->rows;", "low"),
        ("bool all = make_all(id);\n        if (all) { return tensor_of(0)->rows; } return 0;", "low"),
        ("bool all = make_all(id);\n        return all ? 1 : tensor_of(0)->rows;", "medium"),
        ("if (is_small(id)) { return tensor_of(0)->rows; } return 0;", "medium"),
        ("if (other.make_all(id)) { return tensor_of(0)->rows; } return 0;", "medium"),
        ("int r = tensor_of(0)->rows;\n        if (make_all(id)) { return r; } return 0;", "medium"),
    ],
)
def test_a_map_that_a_test_before_has_filled_hardly_lacks_what_is_looked_up(rows: str, confidence: str) -> None:
    inside = CONVERTER.format(rows=rows)
    head, _, body = inside.partition("int rows(int id, converter & other) {")
    declared = f"{head}int rows(int id, converter & other);\n}};\n"
    apart = f'#include "converter.h"\nint converter::rows(int id, converter & other) {{{body.rpartition("};")[0]}'
    assert how_sure("LLM945", {"converter.h": declared, "rows.cpp": apart}) == confidence


SERVER = """
import multiprocessing
import subprocess

import requests


class LocalServer:
    def start(self, command):
        self.process = {start}(command)

    def tokenize(self, text):
        return requests.post(f"http://127.0.0.1:{{self.port}}/tokenize", json=text)
"""


@pytest.mark.parametrize(("start", "confidence"), [("subprocess.Popen", "low"), ("Parser", "medium")])
def test_who_starts_the_server_itself_sees_its_end(start: str, confidence: str) -> None:
    assert how_sure("LLM204", {"serving.py": SERVER.format(start=start)}) == confidence


SHELL = """
class Shell:
    def materialize(self, module, device, non_blocking=False):
        return placed(module, device)


def placed(module, device, non_blocking=False):
    return module.to(device, non_blocking=non_blocking)
"""
STAGE = """
def prepare(shell, module, device):
    return shell.materialize({given})
"""


@pytest.mark.parametrize(
    ("path", "given", "confidence"),
    [
        ("engine/stage.py", "module, device", "low"),
        ("engine/stage.py", "module, device=device, non_blocking=True", "medium"),
        ("engine/stage.py", "module, device, True", "medium"),
        ("engine/stage.py", "**module", "medium"),
        ("examples/stage.py", "module, device", "medium"),
    ],
)
def test_a_parameter_that_nobody_gives_does_little_harm(path: str, given: str, confidence: str) -> None:
    """Also where only the name tells which calls there are; an example tells nothing of what others ask for."""
    files = {"engine/shell.py": SHELL, "engine/loop.py": "from engine import stage\n", path: STAGE.format(given=given)}
    assert how_sure("LLM908", files) == confidence


ROWS = """
class Rows:
    def __init__(self, size):
        self.names = [None] * size
        self.length = [0] * size
        self.heat = [1.0] * size
        self.seen = [False] * size

    def fill(self, row, request):
        self.names[row] = request.name
        self.length[row] = len(request.prompt)
        self.heat[row] = request.heat
        self.seen[row] = {value}

    def move(self, source, target):
        self.names[target] = self.names[source]
        self.length[target] = self.length[source]
        self.heat[target] = self.heat[source]

    def warmest(self):
        return {answer}
"""


@pytest.mark.parametrize(
    ("value", "answer", "confidence"),
    [
        ("request.again", "max(self.heat[i] for i in range(8) if self.seen[i])", "medium"),
        ("False", "max(self.heat[i] for i in range(8) if self.seen[i])", "low"),
        ("request.again", "max(self.heat)", "low"),
    ],
)
def test_an_array_that_tells_no_row_from_another_may_stay_behind(value: str, answer: str, confidence: str) -> None:
    assert how_sure("LLM921", {"rows.py": ROWS.format(value=value, answer=answer)}) == confidence


@pytest.mark.parametrize(
    ("beside", "confidence"), [("import parts.shapes", "medium"), ("from parts.graphs import Graph", "low")]
)
def test_a_library_may_be_called_as_a_folder_is(beside: str, confidence: str) -> None:
    """`import parts.graphs`, where the folder has no such module, means another `parts`."""
    user = f"{beside}\n\n\ndef use():\n    from parts import Compiled\n\n    return Compiled()\n\n\nuse()\n"
    files = {"engine/parts/__init__.py": "", "engine/parts/shapes.py": "", "engine/user.py": user, "main.py": ""}
    assert how_sure("LLM912", files) == confidence


@pytest.mark.parametrize(
    ("user", "confidence"), [("user.py", "medium"), ("kit/check.py", "low"), ("parts/check.py", "medium")]
)
def test_a_changed_path_may_lead_to_another_module_of_the_name(user: str, confidence: str) -> None:
    """Not below the package that the file itself is of: by then that is found."""
    change = "" if user == "user.py" else "import sys\n\nsys.path.insert(0, '/opt/made')\n"
    source = f"{change}\n\ndef use():\n    from parts import Compiled\n\n    return Compiled()\n\n\nuse()\n"
    main = f"import {user[:-3].replace('/', '.')}\nimport server\nserver.run()\n"
    assert how_sure("LLM912", {"parts/__init__.py": "", user: source, "main.py": main}) == confidence


@pytest.mark.parametrize(("before", "confidence"), [("", "low"), ("    value = load(name)\n", "high")])
def test_a_message_of_what_nobody_is_to_call_is_hardly_read(before: str, confidence: str) -> None:
    source = f"def merge(name):\n{before}    raise NotImplementedError('{{name}} has no merge')\n"
    assert how_sure("LLM910", {"parts.py": source}) == confidence


@pytest.mark.parametrize(
    ("before", "error", "confidence"),
    [
        ("", "ValueError", "high"),
        ("class Lost(ValueError):\n    pass\n\n\nclass LostError(Lost):\n    pass\n", "LostError", "high"),
        ("class LostError(Exception):\n    def __init__(self, text, line):\n        pass\n", "LostError", "low"),
        ("from parser import LostError", "LostError", "low"),
        ("from parser import ValueError", "ValueError", "low"),
        ("import parser", "parser.LostError", "low"),
        ("from parser import Lost\n\n\nclass LostError(Lost):\n    pass\n", "LostError", "low"),
    ],
)
def test_only_a_known_constructor_surely_keeps_values_beside_the_text(before: str, error: str, confidence: str) -> None:
    source = f"{before}\n\ndef merge(name):\n    if not name:\n        raise {error}('%s has no merge', name)\n"
    assert how_sure("LLM910", {"parts.py": source}) == confidence


@pytest.mark.parametrize(
    ("asked", "confidence"),
    [
        ("kind in ('number', 'double')", "high"),
        ("kind.startswith('num')", "high"),
        ("kind is float", "high"),
        ("kind in (int, float)", "high"),
        ("kind != 'number':\n        return text\n    if text", "high"),
        ("kind == 'limit'", "low"),
        ("float(text) > 1", "low"),
    ],
)
def test_the_digits_of_a_number_matter_where_somebody_declared_one(asked: str, confidence: str) -> None:
    source = (
        f"def read(text, kind):\n    if {asked}:\n        value = float(text)\n"
        "        return int(value) if value.is_integer() else value\n    return text\n"
    )
    assert how_sure("LLM401", {"parts.py": source}) == confidence


ROUNDS = """
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Runs(BaseModel):
    runs: int = 1


@app.post("/runs")
async def start(given: Runs, rows, most):
    count = 0
    for _ in range(given.runs):
        {body}
"""


@pytest.mark.parametrize(
    ("body", "confidence"),
    [
        ("for row in rows:\n            if count >= most:\n                return\n            count += 1", "low"),
        ("if count >= most:\n            return\n        if rows:\n            count += 1", "low"),
        ("for row in rows:\n            if count >= most:\n                break\n            count += 1", "medium"),
        ("if count >= most and rows:\n            return\n        count += 1", "medium"),
        ("if count <= most:\n            return\n        count += 1", "medium"),
        ("if count >= most:\n            rows.clear()\n        count += 1", "medium"),
    ],
)
def test_a_counter_that_not_every_round_raises_ends_some_loops(body: str, confidence: str) -> None:
    assert how_sure("LLM972", {"runs.py": ROUNDS.format(body=body)}) == confidence


@pytest.mark.parametrize(
    ("body", "more", "confidence"),
    [
        ("pass", "", "low"),
        ("return None", "", "high"),
        ("pass", "class Disk(Store):\n    pass\n", "high"),
        ("pass", "store = Store()\n", "high"),
    ],
)
def test_who_implements_an_interface_elsewhere_takes_what_it_likes(body: str, more: str, confidence: str) -> None:
    store = f"class Store:\n    def records(key):\n        {body}\n\n\n{more}"
    cache = (
        "class Cache:\n    def __init__(self, store: Store):\n        self.store = store\n\n    def take(self, key):\n"
    )
    use = f"from store import Store\n\n\n{cache}        return self.store.records(key=key)\n\n\nCache(None).take(1)\n"
    assert how_sure("LLM901", {"store.py": store, "use.py": use}) == confidence


@pytest.mark.parametrize(
    ("test", "confidence"),
    [
        ('if "audio" and "qkv" in key:\n        take(key)', "low"),
        ('if "audio" and "qkv" in key:\n        take(key)\n    elif "qkv" in key:\n        drop(key)', "high"),
        ('if "audio" or "qkv" in key:\n        take(key)', "high"),
        ('if "audio" and take(key):\n        drop(key)', "high"),
    ],
)
def test_half_of_a_search_may_do_where_nothing_else_is_looked_for(test: str, confidence: str) -> None:
    assert how_sure("LLM905", {"engine/keys.py": f"def sort(key, take, drop):\n    {test}\n"}) == confidence


LAYOUT = """
def bits_of(kind, name, width):
    if kind == "linear":
        width += 1
    elif kind == "table":
        width = 8
    else:
        {otherwise}
    {test}:
        return width
    return 0
"""


@pytest.mark.parametrize(
    ("otherwise", "test", "confidence"),
    [
        ("raise ValueError(kind)", 'if kind == "linear" or "table"', "low"),
        ("raise ValueError(kind)", 'if kind == "linear" or "palette"', "high"),
        ("width = 4", 'if kind == "linear" or "table"', "high"),
        ("kind = name", 'assert kind == "linear" or "table"\n    if width', "high"),
        ("raise ValueError(kind)", 'if kind == "table" and width and ("table" and "wide" in name)', "high"),
        ("raise ValueError(kind)", 'if kind == "table":\n        if not ("table" and "wide" in name)', "low"),
    ],
)
def test_a_text_that_is_always_true_changes_little_where_the_branches_above_ask_for_it(
    otherwise: str, test: str, confidence: str
) -> None:
    code = LAYOUT.format(otherwise=otherwise, test=test)
    if "\n        if" in test:
        code = code.replace("        return width", "            return width")
    assert how_sure("LLM905", {"engine/layout.py": code}) == confidence


@pytest.mark.parametrize(
    ("code", "confidence"),
    [
        ("parser.add_argument('--eager', type=bool)\nprint(parser.parse_args().eager)", "medium"),
        ("parser.add_argument('--eager', type=bool, nargs='?')\nprint(parser.parse_args().eager)", "low"),
        ("parser.add_argument('--eager', type=bool, default='no')\nprint(parser.parse_args().eager)", "high"),
        ("def kind(tensor):\n    return str(tensor.dtype).lstrip('torch.')", "low"),
        ("import json\ndef read(line):\n    return json.loads(line.lstrip('data:'))", "low"),
        ("def read(line):\n    return line.lstrip('data:')", "medium"),
        ("try:\n    import fast\nexcept ImportError or ModuleNotFoundError:\n    fast = None", "low"),
        ("try:\n    import fast\nexcept ImportError or OSError:\n    fast = None", "high"),
        ("from datetime import datetime\ndef write(at=datetime.now().strftime('%H')):\n    print(at)", "low"),
        (
            "from datetime import datetime\nclass Task(BaseModel):\n    at: str = datetime.now().strftime('%H')",
            "medium",
        ),
        ("from datetime import datetime\ndef write(at=datetime.now()):\n    print(at)", "medium"),
    ],
)
def test_a_slip_is_as_sure_as_it_has_no_honest_reading(code: str, confidence: str) -> None:
    assert how_sure("LLM905", {"engine/slips.py": code + "\n"}) == confidence


SERVED = """
import requests
from fastapi import FastAPI

app = FastAPI()


def fetched(url):
    return requests.get(url, timeout=30).content


async def loaded(url):
    return fetched(url)


{route}
async def refresh(url):
    return await loaded(url)


{behind}
"""


@pytest.mark.parametrize(
    ("route", "behind", "confidence"),
    [
        ("@app.get('/weights')", "", "medium"),
        ("", "app.add_api_route('/weights', refresh)", "medium"),
        ("", "app.state.refresh = refresh", "low"),
    ],
)
def test_what_blocks_a_loop_is_sure_where_a_route_leads_to_it(route: str, behind: str, confidence: str) -> None:
    assert how_sure("LLM202", {"serve.py": SERVED.format(route=route, behind=behind)}) == confidence


@pytest.mark.parametrize(("kind", "count"), [("socket.SOCK_DGRAM", 0), ("socket.SOCK_STREAM", 1)])
def test_to_connect_a_datagram_socket_waits_for_nothing(kind: str, count: int) -> None:
    source = f"""
import socket


async def own_address():
    probe = socket.socket(socket.AF_INET, {kind})
    probe.connect(("192.0.2.1", 80))
    return probe.getsockname()[0]
"""
    assert len(check_sources({"address.py": source.encode()}, ["LLM202"])) == count
