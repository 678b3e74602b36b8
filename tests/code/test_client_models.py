"""What a client fills, and who answers for an error on the way up to the route."""

from __future__ import annotations

import pytest

from llmlint.code.domain.answers import is_answered, takes, way_to_client
from llmlint.code.domain.client_models import client_field, client_models
from tests.code.linking import call, function, link

MODELS = """
from pydantic import BaseModel

class Base(BaseModel):
    n: int | None = 1

class ChatRequest(Base):
    prompt: str

class Settings(BaseModel):
    workers: int = 1
"""
ROUTES = """
from fastapi import APIRouter, Request
from models import ChatRequest, Settings

router = APIRouter()

@router.post("/chat")
async def chat(data: ChatRequest, request: Request):
    return run(data, Settings())

def run(data: ChatRequest, settings: Settings):
    return range(data.n), range(settings.workers), data.prompt
"""


def test_a_route_takes_what_a_client_fills() -> None:
    program = link({"models.py": MODELS, "routes.py": ROUTES})
    assert [model.name for model in client_models(program)] == ["ChatRequest"]


def test_a_field_is_known_wherever_the_model_goes_and_where_it_is_inherited() -> None:
    program = link({"models.py": MODELS, "routes.py": ROUTES})
    run = function(program, "run")
    field = client_field(program, run, "data.n")
    assert field is not None
    assert (field.model.name, field.owner.name, field.field.annotation) == ("ChatRequest", "Base", "int | None")
    assert [step.path for step in field.steps] == ["routes.py", "models.py"]
    assert client_field(program, run, "settings.workers") is None
    assert client_field(program, run, "data.unknown") is None


@pytest.mark.parametrize(
    ("caught", "raised", "taken"),
    [
        ("", "KeyError", True),
        ("Exception", "KeyError", True),
        ("LookupError", "KeyError", True),
        ("ValueError", "KeyError", False),
        ("ValueError", "JSONDecodeError", True),
        ("TypeError", "JSONDecodeError", False),
    ],
)
def test_what_a_handler_takes(caught: str, raised: str, taken: bool) -> None:
    assert takes(caught, raised) is taken


@pytest.mark.parametrize(
    ("handler", "answered"),
    [
        ("except ValueError:\n        return None", True),
        ("except (KeyError, ValueError) as error:\n        return str(error)", True),
        ("except ValueError:\n        log()\n        raise", False),
        ("except KeyError:\n        return None", False),
    ],
)
def test_a_handler_that_passes_the_error_on_is_no_answer(handler: str, answered: bool) -> None:
    program = link({"a.py": f"def f(x):\n    try:\n        parse(x)\n    {handler}\n"})
    f = function(program, "f")
    assert is_answered(f, call(f, "parse"), "ValueError") is answered


@pytest.mark.parametrize(("inner", "way"), [("return below(x)", ["below", "above"]), ("pass", [])])
def test_the_way_up_to_the_route_is_told_call_by_call(inner: str, way: list[str]) -> None:
    route = f"@app.post('/x')\nasync def above(x):\n    {inner}\n"
    program = link({"a.py": f"{route}\ndef below(x):\n    parse(x)\n"})
    below = function(program, "below")
    found = way_to_client(program, below, call(below, "parse"), "ValueError")
    assert [step.function.name for step in found] == way
