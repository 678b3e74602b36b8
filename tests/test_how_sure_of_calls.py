"""How sure a rule is of a call and of what is made of its result."""

from __future__ import annotations

import pytest

from tests.test_how_sure import how_sure

LANDS = """
def index_of(model, {first}, revision=None):
    return model, revision


class Loader:
    def load(self, model, revision):
        return index_of(model, revision)


{made}
"""


@pytest.mark.parametrize(
    ("first", "made", "confidence"),
    [
        ("folder=None", "loader = Loader()", "medium"),
        ("folder", "loader = Loader()", "low"),
        ("folder=None", "", "low"),
    ],
)
def test_an_argument_beside_its_place_is_sure_where_nothing_had_to_be_given(
    first: str, made: str, confidence: str
) -> None:
    assert how_sure("LLM907", {"loader.py": LANDS.format(first=first, made=made)}) == confidence


@pytest.mark.parametrize(("decorator", "confidence"), [("@no_grad", "high"), ("@tl.kernel", "low")])
def test_what_a_decorator_translates_need_not_run_as_python(decorator: str, confidence: str) -> None:
    source = f"""
from tl import no_grad
import tl


def rows(count):
    for row in range(count):
        yield row


{decorator}
def step(count):
    rows(count)
"""
    assert how_sure("LLM903", {"step.py": source}) == confidence


@pytest.mark.parametrize(
    ("test", "confidence"),
    [
        ('backend == "unfused"', "medium"),
        ('backend == Backend.unfused or backend == "unfused"', "low"),
    ],
)
def test_who_compares_with_the_member_too_may_be_handed_either(test: str, confidence: str) -> None:
    source = f"""
from enum import Enum


class Backend(Enum):
    fused = 1
    unfused = 2


def choose(backend: Backend):
    if {test}:
        return "plain"
    return "fast"
"""
    assert how_sure("LLM903", {"backend.py": source}) == confidence


@pytest.mark.parametrize(
    ("made", "confidence"),
    [
        ("np.random.default_rng(args.seed)", "medium"),
        ("torch.Generator(device).manual_seed(args.seed)", "low"),
    ],
)
def test_a_generator_of_torch_begins_alike_without_a_seed(made: str, confidence: str) -> None:
    source = f"""
import argparse

import numpy as np
import torch

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=None)
args = parser.parse_args()


def generator_of(device):
    return {made} if args.seed else None


generator = generator_of("cpu")
"""
    assert how_sure("LLM915", {"sample.py": source}) == confidence


@pytest.mark.parametrize(
    ("call", "confidence"),
    [("_ask(text)", "low"), ("_ask(text, temperature=0.2)", "medium"), ("_ask(text, **options)", "medium")],
)
def test_a_helper_that_no_call_tells_a_temperature_has_none_to_lose(call: str, confidence: str) -> None:
    source = f"""
def _ask(text, temperature=None):
    return send(text, temperature or 0.7)


def judge(text, options):
    return {call}
"""
    assert how_sure("LLM915", {"judge.py": source}) == confidence


@pytest.mark.parametrize(("given", "confidence"), [("", "high"), (", local_files_only=True", "low")])
def test_what_was_fetched_before_is_at_hand(given: str, confidence: str) -> None:
    source = f"""
from fastapi import FastAPI
import huggingface_hub

app = FastAPI()


@app.get("/model")
async def model():
    return huggingface_hub.hf_hub_download("org/model", "config.json"{given})
"""
    assert how_sure("LLM202", {"serve.py": source}) == confidence


VIDEO = """
import torch


class VideoModel(torch.nn.Module):
    def encode(self, video, scale):
        return video * scale

    def sample(self, video):
        return self.encode(video)
"""


@pytest.mark.parametrize(
    ("user", "confidence"),
    [
        ("from video import VideoModel\n\n\nprint(VideoModel().encode(1, 2))\n", "low"),
        ("from video import VideoModel\n\n\nprint(VideoModel().sample(1))\n", "high"),
        ("from video import VideoModel\n\n\nsampler = VideoModel().sample\n", "high"),
        ("from video import VideoModel\n\n\nprint(getattr(VideoModel(), 'sample')(1))\n", "high"),
        ("print(1)\n", "high"),
    ],
)
def test_who_comes_to_a_call_that_always_fails_would_have_mended_it(user: str, confidence: str) -> None:
    """Of a method that nobody is known to call, though others use its class; a file by itself says nothing of it."""
    assert how_sure("LLM901", {"video.py": VIDEO, "user.py": user}) == confidence
