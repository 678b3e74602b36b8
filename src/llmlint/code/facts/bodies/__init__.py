"""One function's body, read once in source order into regions and effects.

`reading.py` holds the reader and its two tables; what each kind of statement and expression does is registered in them.
Each expression is visited exactly once: `path` visits it, records what it does, and answers its access path ("" when it
has none).
"""

from llmlint.code.facts.bodies import body_expressions, body_statements
from llmlint.code.facts.bodies.body_reading import BodyReader
from llmlint.code.facts.bodies.scope import Scope

__all__ = ["BodyReader", "Scope", "body_expressions", "body_statements"]
