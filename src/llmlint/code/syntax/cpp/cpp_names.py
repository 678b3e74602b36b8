"""Qualified names taken apart."""


def split_scope(written: str) -> list[str]:
    """`a::b<c::d>::e` at its outer `::` only."""
    parts, depth, start, at = [], 0, 0, 0
    while at < len(written):
        character = written[at]
        depth += (character == "<") - (character == ">" and written[at - 1 : at] != "-")
        if depth == 0 and written.startswith("::", at):
            parts.append(written[start:at])
            at += 1
            start = at + 1
        at += 1
    return [part for part in (*parts, written[start:]) if part] or [written]
