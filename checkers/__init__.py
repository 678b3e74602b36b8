"""One rule, one file. A checker reads the code model and yields reports; it never opens a file and never parses.

A checker module defines `check_file(file: SourceFile)`, `check_program(program: Program)` or both, each yielding
`Report`s. The catalogue pairs `checkers/<chapter>/<rule_name>.py` with the page `rules/<chapter>/<rule-name>.md`.
"""
