"""A graph of names as text: DOT for Graphviz, Mermaid for Markdown, JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmlint.plain import one_line

if TYPE_CHECKING:
    import networkx as nx


def dot(graph: nx.DiGraph[str]) -> str:
    lines = ["digraph llmlint {", "  rankdir=LR;", '  node [shape=box, fontname="monospace"];']
    for name in sorted(graph):
        lines.append(f"  {_quoted(name)} [tooltip={_quoted(_place(graph.nodes[name]))}];")
    for source, target in sorted(graph.edges):
        told = graph.edges[source, target]
        tooltip = f" [tooltip={_quoted(_place(told))}]" if told else ""
        lines.append(f"  {_quoted(source)} -> {_quoted(target)}{tooltip};")
    return "\n".join([*lines, "}"]) + "\n"


def mermaid(graph: nx.DiGraph[str]) -> str:
    ids = {name: f"n{number}" for number, name in enumerate(sorted(graph))}
    lines = ["flowchart LR", *(f'  {number}["{_entities(name)}"]' for name, number in ids.items())]
    lines += [f"  {ids[source]} --> {ids[target]}" for source, target in sorted(graph.edges)]
    return "\n".join(lines) + "\n"


def as_json(graph: nx.DiGraph[str]) -> str:
    nodes = [{"name": name, **graph.nodes[name]} for name in sorted(graph)]
    edges = [{"from": source, "to": target, **graph.edges[source, target]} for source, target in sorted(graph.edges)]
    return json.dumps({"nodes": nodes, "edges": edges}, indent=2) + "\n"


FORMATS = {"dot": dot, "json": as_json, "mermaid": mermaid}


def _place(told: dict[str, object]) -> str:
    return ":".join(str(told[key]) for key in ("path", "line") if key in told)


def _quoted(text: str) -> str:
    escaped = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _entities(text: str) -> str:
    """Mermaid reads a label's signs as its own unless they are spelt so."""
    return "".join(sign if sign.isalnum() or sign in "._: ()/-" else f"#{ord(sign)};" for sign in text)
