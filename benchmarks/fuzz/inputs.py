"""What fuzzers feed: real text cut, joined and bent, or made by a small grammar. Equal numbers give equal inputs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

_PIECES = [
    "\0", "\r", "\r\n", "\x0c", "\t", "\\", '"', "'", '"""', "\ufeff", "\u2028", "\u202e", "\x1b[31m", "(", ")", "[",
    "]",
    "{", "}", "<", ">", "::", "->", "*", "**", "&", "&&", "#", "//", "/*", "*/", "@", "=", ":=", ";", ",", ".", "\n\n",
    "class ", "def ", "async ", "await ", "lambda ", "yield ", "return ", "if ", "else:", "for x in ", "while ", "try:",
    "except* E:", "finally:", "with a as b:", "match x:", "case [1, *_]:", "struct ", "template<", "namespace a {",
    "switch (x) {", "goto a;", "#define A(x) x##x\n", "#if 0\n", "__global__ ", "<<<1, 2>>>", "co_await ", "operator",
    "self.", "super().__init__()", "# llmlint: ignore[LLM801] x", "// llmlint: ignore[x]", "\\udfff", "0x", "1e999",
    "'\\ud800'", "f'{x!r:{y}}'", "R\"a(", "u8", "\N{SNOWMAN}", "\U0001f600",
]  # fmt: skip


def mutated(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """One seed with one to eight wounds."""
    data = rng.choice(seeds)
    for _ in range(rng.randint(1, 8)):
        data = rng.choice(_WOUNDS)(rng, data, seeds)
    return data[:100_000]


def _cut(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(rng, data)
    return data[:start] + data[end:]


def _repeat(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    start, end = _stretch(rng, data)
    return data[:start] + data[start:end] * rng.choice((2, 3, 50)) + data[end:]


def _insert(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = rng.randint(0, len(data))
    times = rng.choice((1, 1, 1, 2, 30, 400))
    return data[:at] + rng.choice(_PIECES).encode() * times + data[at:]


def _flip(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    flipped = bytearray(data)
    for _number in range(rng.randint(1, 8) if data else 0):
        flipped[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(flipped)


def _splice(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def _swap_lines(rng: random.Random, data: bytes, _: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _stretch(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 2, 10, 100, 1000)))


_Wound = Callable[[random.Random, bytes, Sequence[bytes]], bytes]
_WOUNDS: tuple[_Wound, ...] = (_cut, _repeat, _insert, _insert, _flip, _splice, _swap_lines)


@cache
def sources(language: str) -> tuple[bytes, ...]:
    """The code blocks of all rule pages, and in Python the example engine."""
    fence = "```python\n" if language == "python" else "```cpp\n"
    pages = [page.read_text() for page in sorted((REPOSITORY / "rules").rglob("*.md"))]
    blocks = [part.partition("```")[0].encode() for page in pages for part in page.split(fence)[1:]]
    if language == "python":
        blocks += [file.read_bytes() for file in sorted((REPOSITORY / "examples").rglob("*.py"))]
    return tuple(blocks)


_KEYS = (
    "select extend-select ignore min-confidence severity per-path exclude max-file-mb jobs baseline root vocabulary x"
)
_VALUES = """"a" 1 -1 1e999 inf nan true [] [1] ["LLM801"] ["*"] {} {a=1} {LLM801="P0"} "high" "\\u0000" [[]]
["!"] ["[z-a]"] [{paths=["a"]}] [{paths=1}] {words=["a"]} 99999999999999999999 "\\ud800" '''a''' \"\"\"b""".split()


def settings_text(rng: random.Random) -> bytes:
    lines = [f"{rng.choice(_KEYS.split())} = {rng.choice(_VALUES)}" for _ in range(rng.randint(1, 6))]
    lines += rng.choices(
        ["[tool.llmlint]", "[[per-path]]", "a." * rng.randint(1, 300) + "b = 1", "[" * 50, "#", "\r"], k=1
    )
    rng.shuffle(lines)
    text = "\n".join(lines).encode()
    return mutated(rng, [text]) if rng.random() < 0.5 else text


def patterns_text(rng: random.Random) -> list[str]:
    pieces = [
        "a",
        "b",
        "*",
        "**",
        "/",
        "?",
        "[",
        "]",
        "!",
        "\\",
        "[!a]",
        "[a-z]",
        "[z-a]",
        "[[:alpha:]]",
        "#",
        " ",
        "\r",
    ]
    return ["".join(rng.choices(pieces, k=rng.choice((1, 3, 8, 40, 200)))) for _ in range(rng.randint(1, 5))]


def path_text(rng: random.Random) -> str:
    return "".join(rng.choices("ab/.", k=rng.choice((1, 5, 40, 250))))
