"""A scheduler whose requests and state are pydantic models: validators, computed fields, private attributes."""

from __future__ import annotations

import json
import os
import pickle
import sys
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    computed_field,
    field_serializer,
    field_validator,
    model_validator,
)

BUGS = set(os.environ.get("BUGS", "").split(","))


class Request(BaseModel):
    model_config = ConfigDict(validate_assignment=True)

    request_id: str
    tokens: list[int] = Field(default_factory=list)
    _steps: int = PrivateAttr(default=0)

    @field_validator("tokens")
    @classmethod
    def checked(cls, tokens: list[int]) -> list[int]:
        if any(token < 0 for token in tokens):
            raise ValueError("a token is below zero")
        return tokens

    @model_validator(mode="before")
    @classmethod
    def filled(cls, data: Any) -> Any:
        return {"tokens": [1], **data}

    @model_validator(mode="after")
    def named(self) -> Request:
        assert self.request_id
        return self

    def model_post_init(self, context: Any) -> None:
        self._steps = len(self.tokens)

    @field_serializer("tokens")
    def told(self, tokens: list[int]) -> str:
        return "-".join(map(str, tokens))

    @computed_field
    @property
    def length(self) -> int:
        return len(self.tokens) + self._steps


class Scheduler(BaseModel):
    running: dict[str, Request] = {}
    progress: dict[str, int] = {}

    def add(self, request: Request) -> None:
        self.running[request.request_id] = request
        self.progress[request.request_id] = 0

    def finish(self, request_id: str) -> None:
        del self.running[request_id], self.progress[request_id]

    def abort(self, request_id: str) -> None:
        del self.running[request_id]
        if "abort" not in BUGS:
            del self.progress[request_id]


def main() -> None:
    scheduler = Scheduler()
    for number in range(80):
        for kind in "ab":
            scheduler.add(Request(request_id=f"{kind}{number}", tokens=[number]))
        scheduler.finish(f"a{number}")
        scheduler.abort(f"b{number}")
    request = Request.model_validate_json('{"request_id": "c"}')
    print(request.model_dump_json(), request == pickle.loads(pickle.dumps(request)), request.model_copy() == request)
    print(json.dumps(Request.model_json_schema(mode="serialization"), sort_keys=True))
    print(scheduler.model_dump(exclude={"progress"}), sorted(Scheduler.model_fields), repr(scheduler)[:40])
    try:
        request.tokens = [-1]
    except ValidationError as error:
        print(error)
    sys.stdout.flush()
    Request(request_id="d", tokens=[-1])


if __name__ == "__main__":
    main()
