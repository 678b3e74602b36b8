"""Which answers a call cannot get, by what it hands over; and which it may get all the same."""

import pytest

from llmlint.scan import check_sources

CALLED = """
def resolved(path: Path | None) -> Path | None:
    if path is None:
        return None
    return path if path.is_absolute() else Path.cwd() / path


def layer(known, name, create=False):
    if name in known:
        return known[name]
    elif not create:
        return None
    return Layer(name)


def streams(kind):
    if kind == "cuda":
        return torch.cuda
    if kind == "npu":
        return torch.npu
    return None


def trimmed(path):
    path = path.strip()
    if path is None:
        return None
    return path


"""


def is_told(head: str, *lines: str) -> bool:
    caller = f"def use({head}):\n" + "".join(f"    {line}\n" for line in (*lines, "made.go()"))
    return bool(check_sources({"case.py": (CALLED + caller).encode()}, ["LLM955"]))


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("path: Path", "made = resolved(path)"),
        ("path: Path", "made = resolved(path=path)"),
        ("known, name", "made = layer(known, name, create=True)"),
        ("known, name", "made = layer(known, name, True)"),
        ("", 'made = streams("npu")'),
    ],
)
def test_what_is_handed_over_rules_the_answer_out(head: str, line: str) -> None:
    assert not is_told(head, line)


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        ("path", ["made = resolved(path)"]),
        ("path: Path | None", ["made = resolved(path)"]),
        ("path: Optional[Path]", ["made = resolved(path)"]),
        ("path: Path = None", ["made = resolved(path)"]),
        ("path: Path", ["path = find()", "made = resolved(path)"]),
        ("paths: dict", ["made = resolved(*paths)"]),
        ("known, name", ["made = layer(known, name)"]),
        ("known, name, create", ["made = layer(known, name, create)"]),
        ("known, name, more", ["made = layer(known, name, **more)"]),
        ("kind: str", ["made = streams(kind)"]),
        ("", ['made = streams("xpu")']),
        ("path: str", ["made = trimmed(path)"]),
    ],
)
def test_what_may_be_none_rules_nothing_out(head: str, lines: list[str]) -> None:
    assert is_told(head, *lines)
