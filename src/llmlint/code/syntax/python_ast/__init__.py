"""From the standard library's syntax tree to the code tree: one small function for each kind of `ast` node.

This runs over every line of every Python file, so the functions for what is most frequent look their children's readers
up in the table themselves, and all call the node kinds with positional arguments.
"""

from llmlint.code.syntax.python_ast.ast_reading import TooDeep
from llmlint.code.syntax.python_ast.ast_statements import module_of

__all__ = ["TooDeep", "module_of"]
