"""Who used how many tokens. The model's thread counts, and the server's reports."""

from threading import Lock


class Usage:
    def __init__(self) -> None:
        self.users_lock = Lock()
        self.total_lock = Lock()
        self.by_user: dict[str, int] = {}
        self.total = 0

    def record(self, user: str, tokens: int) -> None:
        with self.users_lock:
            self.by_user[user] = self.by_user.get(user, 0) + tokens
            with self.total_lock:
                self.total += tokens

    def report(self) -> dict:
        with self.users_lock:
            with self.total_lock:
                return {"total": self.total, "users": dict(self.by_user)}
