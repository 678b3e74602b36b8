"""Grammars compiled to a tree of the characters that may follow."""

# Seeded: nothing bounds it.
_grammar_cache = {}


def compile_grammar(grammar: str) -> dict:
    """`grammar` is a list of alternatives between bars; the tree is shared by all requests that name it."""
    if grammar not in _grammar_cache:
        _grammar_cache[grammar] = _tree(grammar.split("|"))
    return _grammar_cache[grammar]


def _tree(alternatives: list[str]) -> dict:
    root: dict = {}
    for alternative in alternatives:
        node = root
        for character in alternative:
            node = node.setdefault(ord(character), {})
        node[0] = {}
    return root
