"""Which names of a Python file stand for loggers: by what they are made of, whatever they are called."""

from __future__ import annotations

from llmlint.code.syntax import tree

_MAKERS = frozenset({"getLogger", "init_logger", "get_logger"})


def loggers_of(module: tree.Module) -> frozenset[str]:
    """`log = logging.getLogger(__name__)`, at the top of the file."""
    made = (node for node in module.body if isinstance(node, tree.Assign) and isinstance(node.value, tree.Call))
    return frozenset(
        target.id
        for node in made
        if isinstance(node.value, tree.Call) and tree.path_of(node.value.function).rpartition(".")[2] in _MAKERS
        for target in node.targets
        if isinstance(target, tree.Name)
    )
