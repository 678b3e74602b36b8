"""Keeps an answer within its grammar, token by token."""


class Rejected(ValueError):
    """A token that the grammar does not allow here."""


class Matcher:
    def __init__(self, tree: dict) -> None:
        self.node = tree

    def allowed(self) -> list[int]:
        return list(self.node)

    def accept_token(self, token: int) -> bool:
        """Goes on with the token; False, and no step, where it is not allowed."""
        if token not in self.node:
            return False
        self.node = self.node[token]
        return True


def match_beginning(matcher: Matcher, tokens: list[int]) -> None:
    """Takes the matcher past what the client said that the answer begins with."""
    for token in tokens:
        if not matcher.accept_token(token):
            raise Rejected(f"{chr(token)!r} is not what the grammar allows")
