"""How sure a finding about a client's data is: by whose route it is, and whether somebody has chosen the error."""

from __future__ import annotations

import pytest

from llmlint.scan import check_sources


def confidences(source: str) -> list[str]:
    findings = check_sources({"server.py": source.encode()}, ["LLM971"])
    return [finding.confidence for finding in findings]


@pytest.mark.parametrize(
    ("decorators", "expected"),
    [
        ('@app.post("/v1/completions")', "medium"),
        ('@app.post("/admin/corpus")', "low"),
        ('@app.post("/update_weights_from_disk")', "low"),
        ('@app.post("/corpus")\n@auth_level(AuthLevel.ADMIN_OPTIONAL)', "low"),
        ('@app.post("/administer_test")', "medium"),
    ],
)
def test_routes_for_who_runs_the_service(decorators: str, expected: str) -> None:
    source = f"{decorators}\nasync def serve(request: Request):\n    body = await request.json()\n    return body\n"
    assert confidences(source) == [expected]


def test_a_route_that_means_to_answer_for_errors_of_the_body() -> None:
    source = """
@app.post("/admin/corpus")
async def serve(request: Request):
    try:
        return Corpus(**(await request.json()))
    except TypeError as error:
        return refused(400, str(error))
"""
    assert confidences(source) == ["medium"]


@pytest.mark.parametrize(("handler", "expected"), [("raise", ["low"]), ("return refused(400)", [])])
def test_an_error_that_is_raised_again(handler: str, expected: list[str]) -> None:
    source = f"""
@app.post("/v1/completions")
async def serve(request: Request):
    return await handle("completions", request)

async def handle(kind, request: Request):
    try:
        body = await request.json()
        return await manager.complete(kind, body)
    except Exception:
        {handler}
"""
    assert confidences(source) == expected
