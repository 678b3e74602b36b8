"""The trees. Each maker fills a folder that has one known finding already, and knows of a folder outside."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path

Maker = Callable[[Path, Path, random.Random], None]

POOL = """class Pool:
    def __init__(self):
        self.blocks = {}

    def add(self, key, block):
        self.blocks[key] = block

    def restore_blocks(self, blocks):
        if blocks:
            raise ValueError("{blocks} are no blocks of this pool")
"""
FOUND = "pool.py:10"
SECRET = "nobody-may-see-this"

TEXTS = [
    "\x1b]0;title\x07\x1b[2J",
    "\x9b31m",
    "\u202eevil\u2066",
    "a\rb",
    "a\n::error::pwned",
    "::set-output name=a::pwned",
    "##[error]pwned",
    "##vso[task.setvariable]pwned",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "`<b>`",
    "](javascript:alert(1))",
    "@everyone #1 www.evil.example",
    "]]>",
    "\u2028\u2029\x85\x0b\x0c",
    "\U000e0041",
    "=cmd|'A0",
    "%0A::error::x",
    "$(touch ran)",
    "`touch ran`",
    "-rf",
    "--output=x",
    "a" * 200,
    "\u0301" * 60,
    "~",
    "..",
    "con",
    "*?[",
]
"""Texts that a terminal, a runner, a page, a shell or a command line might obey."""

_CODE_OF_TREES = (
    "msgspec.py",
    "sitecustomize.py",
    "usercustomize.py",
    "llmlint/__init__.py",
    "llmlint/__main__.py",
    "click.py",
    "x.pth",
    "conftest.py",
    "setup.py",
    "networkx/__init__.py",
    "json.py",
    "tree_sitter.py",
    "encodings/__init__.py",
)

_PATTERNS = (
    "[z-a]",
    "!",
    "[",
    "\\",
    "*a" * 30 + "b",
    "**/a/" * 30 + "b",
    "[" * 10_000,
    "/",
    "//",
    "[[:foo:]]",
    "[]-a]",
    "\x00",
    "a{1,9}",
)

_SETTINGS = (
    'baseline = "\\u0000"',
    "max-file-mb = inf",
    "max-file-mb = nan",
    "max-file-mb = 1e-9",
    "jobs = -5",
    f"jobs = {10**23}",
    "exclude = 5",
    'min-confidence = "\\u001b[31m"',
    "[" * 100_000,
    ".".join("a" * 5000) + " = 1",
    "a = " + "[" * 50_000,
    'select = ["LLM999", ""]',
    'cache-dir = "\\u0000"',
    "vocabulary = 3",
    'baseline = ""',
    'baseline = "."',
    "\ufeffjobs = 1",
)

_SOURCES = {
    "surrogate.py": 'class A:\n    x: "A\\udfff"\n',
    "deep.cpp": "int f() { return " + "a::" * 3000 + "b; }",
    "calls.cpp": "int f() { return " + "g(" * 3000 + "1" + ")" * 3000 + "; }",
    "brackets.py": "x = " + "(" * 5000 + ")" * 5000 + "\n",
    "blocks.cu": "void f() { " + "{" * 3000 + "}" * 3000 + " }",
    "line.py": "x = [" + "1, " * 300_000 + "]\n",
    "number.py": "x = " + "9" * 50_000 + "\n",
    "nul.py": "x = 1\0\n",
    "macro.h": "#define A A A\n" + "A " * 20_000,
    "cookie.py": "# -*- coding: rot13 -*-\nvzcbeg bf\n",
    "chain.py": "class C0: pass\n" + "".join(f"class C{n}(C{n - 1}): pass\n" for n in range(1, 800)),
    "strings.py": 's = f"{' * 60 + "x" + '}"' * 60 + "\n",
    "decorators.py": "@d\n" * 3000 + "def f(): pass\n",
    "lambdas.py": "x = " + "lambda: " * 900 + "0\n",
    "templates.hpp": "template <" * 400 + "class T" + ">" * 400 + " struct A {};",
}


def code(tree: Path, outside: Path, rng: random.Random) -> None:
    """Modules, packages and files of settings that a Python or a tool started there might run."""
    for name in _CODE_OF_TREES:
        file = tree / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"import os; open({str(outside / 'ran')!r}, 'w').close()\n")
    (tree / ".pylintrc").write_text(f"[MAIN]\ninit-hook=open({str(outside / 'ran')!r}, 'w')\n")
    (tree / ".pre-commit-config.yaml").write_text("repos: []\n")


def git(tree: Path, outside: Path, rng: random.Random) -> None:
    """A repository whose own settings name programs."""
    ran = outside / "ran"
    lines = (
        f'[core]\n\tfsmonitor = "touch {ran}"\n\tsshCommand = touch {ran}\n\thooksPath = hooks\n\tpager = touch {ran}\n'
    )
    lines += f'[filter "x"]\n\tclean = touch {ran}\n\tsmudge = touch {ran}\n[diff "x"]\n\ttextconv = touch {ran}\n'
    (tree / ".git" / "config").write_text(lines)
    (tree / ".gitattributes").write_text("* filter=x diff=x\n")


def names(tree: Path, outside: Path, rng: random.Random) -> None:
    """Files and folders whose names are more than names."""
    for text in rng.sample(TEXTS, 12):
        name = text.replace("/", "")[:100]
        if name in ("..", "."):
            continue
        with_finding = tree / f"{name}.py"
        with_finding.write_text(POOL)
        (tree / f"{name}d").mkdir(exist_ok=True)
        (tree / f"{name}d" / "inner.py").write_text(POOL)
    os.close(os.open(os.fsencode(tree) + b"/\xff\xfe.py", os.O_CREAT | os.O_WRONLY))


def comments(tree: Path, outside: Path, rng: random.Random) -> None:
    """Texts in comments, strings, names of functions and reasons of suppressions."""
    for number, text in enumerate(rng.sample(TEXTS, 12)):
        source = f"{POOL}# {text} llmlint: ignore[{text}] {text}\nx = {text!r}  # llmlint: ignore {text}\n"
        (tree / f"said_{number}.py").write_bytes(source.encode("utf-8", "surrogatepass"))
        (tree / f"said_{number}.cpp").write_text(f"/* llmlint: ignore[{text}\n::error::x] {text} */\nint x;\n")


def patterns(tree: Path, outside: Path, rng: random.Random) -> None:
    """What stands in ignore files and among the paths to exclude."""
    chosen = [*rng.sample(_PATTERNS, 4), "".join(rng.choices("*?[]!\\/a-z{}()|.^$+ ", k=40))]
    (tree / ".gitignore").write_text("\n".join(chosen))
    (tree / ("a" * 200 + ".py")).write_text("")
    (tree / "llmlint.toml").write_text(f"exclude = {json.dumps([one for one in chosen if chr(0) not in one])}\n")


def settings(tree: Path, outside: Path, rng: random.Random) -> None:
    """One line of settings that means too much or nothing."""
    (tree / "llmlint.toml").write_text(rng.choice(_SETTINGS) + "\n")


def outside_by_settings(tree: Path, outside: Path, rng: random.Random) -> None:
    """Settings that name places elsewhere."""
    where = rng.choice([os.path.relpath(outside, tree), str(outside)])
    name = rng.choice(["victim.txt", "victim.py", "new"])
    lines = [f'cache-dir = "{where}"', f'baseline = "{where}/{name}"', f'output = "json:{where}/{name}"']
    (tree / "llmlint.toml").write_text(rng.choice(lines) + "\n")


def endless(tree: Path, outside: Path, rng: random.Random) -> None:
    """Pipes, devices, sockets and loops of links where files are expected."""
    (tree / "llmlint.toml").unlink(missing_ok=True)
    (tree / ".git" / "info").mkdir(exist_ok=True)
    places = [
        ".gitignore",
        ".git/info/exclude",
        "llmlint.toml",
        "pyproject.toml",
        "a.py",
        "b.cu",
        "known.json",
        ".git/HEAD",
    ]
    for name in rng.sample(places, 3):
        file = tree / name
        rng.choice([_pipe, _device, _loop, _socket])(file)
    if not (tree / "llmlint.toml").exists() and not (tree / "llmlint.toml").is_symlink():
        (tree / "llmlint.toml").write_text(f'baseline = "{rng.choice(["known.json", "/dev/zero", "/dev/stdin"])}"\n')


def links(tree: Path, outside: Path, rng: random.Random) -> None:
    """Links that lead out: files, folders, the cache of former versions, what commands write."""
    (tree / "linked.py").symlink_to(outside / "victim.py")
    (tree / "folder").symlink_to(outside)
    (tree / "up").symlink_to("..")
    (tree / "self").symlink_to(".")
    (tree / "known.json").symlink_to(outside / rng.choice(["victim.txt", "new"]))
    (tree / "out").symlink_to(outside)
    (tree / ".gitignore").symlink_to(outside / "victim.txt")


def caches(tree: Path, outside: Path, rng: random.Random) -> None:
    """A cache that the tree brings: links, another program's database, rubbish."""
    folder = tree / ".llmlint_cache"
    if rng.random() < 0.3:
        folder.symlink_to(outside)
        return
    folder.mkdir()
    (folder / "cache-1.sqlite3").symlink_to(outside / "victim.txt")
    (folder / ".gitignore").symlink_to(outside / "new")
    (folder / "pylint.lock").symlink_to(outside / "victim.txt")
    (folder / "cache-2.sqlite3").write_bytes(rng.randbytes(9000))


def sources(tree: Path, outside: Path, rng: random.Random) -> None:
    """Code that is deep, long, odd or torn."""
    for name, text in rng.sample(sorted(_SOURCES.items()), 6):
        (tree / name).write_text(text)
    (tree / "bytes.py").write_bytes(rng.randbytes(5000))
    whole = POOL.encode() * 5
    (tree / "torn.cpp").write_bytes(whole[: rng.randrange(len(whole))])


def line_ends(tree: Path, outside: Path, rng: random.Random) -> None:
    """Ends of lines, marks and signs that some count as ends, with a suppression that is not used to take out."""
    for number in range(6):
        end = rng.choice(["\r", "\r\n", "\n", "\x0c\n", "\u2028", "\x85"])
        text = rng.choice(["\ufeff", ""]) + POOL + "y = 1  # llmlint: ignore[LLM401] no\nz = 2\n"
        (tree / f"ends_{number}.py").write_bytes(
            text.replace("\n", end).encode(rng.choice(["utf-8", "utf-16", "utf-8"]))
        )


def rights(tree: Path, outside: Path, rng: random.Random) -> None:
    """Files and folders that may not be read or written, and ones that are open to all."""
    for number, mode in enumerate(rng.sample([0o000, 0o200, 0o400, 0o777, 0o4755], 4)):
        (tree / f"mode_{number}.py").write_text(POOL)
        (tree / f"mode_{number}.py").chmod(mode)
    (tree / "closed").mkdir(mode=0o000)


def many(tree: Path, outside: Path, rng: random.Random) -> None:
    """Two thousand small files in folders of folders."""
    folder = tree
    for number in range(2000):
        folder = folder / "d" if number % 100 == 0 else folder
        folder.mkdir(exist_ok=True)
        (folder / f"f{number}.py").write_text("")


MAKERS: dict[str, Maker] = {
    one.__name__: one
    for one in (
        code,
        git,
        names,
        comments,
        patterns,
        settings,
        outside_by_settings,
        endless,
        links,
        caches,
        sources,
        line_ends,
        rights,
        many,
    )
}


def make(name: str, folder: Path, number: int) -> tuple[Path, Path]:
    """Tree `number` of a maker, the same on every machine, and what lies outside of it."""
    tree, outside = folder / "tree", folder / "outside"
    (tree / ".git").mkdir(parents=True)
    (tree / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tree / "llmlint.toml").write_text("")
    (tree / "pool.py").write_text(POOL)
    outside.mkdir()
    (outside / "victim.txt").write_text(f"# {SECRET}\n")
    (outside / "victim.py").write_text(POOL.replace("Pool", "Outside").replace("are no blocks", SECRET))
    for maker in name.split("+"):
        MAKERS[maker](tree, outside, random.Random(f"{name}:{number}"))
    return tree, outside


def _pipe(file: Path) -> None:
    file.unlink(missing_ok=True)
    os.mkfifo(file)


def _device(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.symlink_to("/dev/zero")


def _loop(file: Path) -> None:
    file.unlink(missing_ok=True)
    file.symlink_to(file.name)


def _socket(file: Path) -> None:
    file.unlink(missing_ok=True)
    here = os.open(file.parent, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{file.name}")  # an address has a hundred letters at most
    finally:
        os.close(here)
