"""The contract between a checker and a probe: plain data, there and back."""

import json

import msgspec
import pytest

from llmlint.runtime.block import Block, Target, Watch, read_block


def test_a_block_survives_json() -> None:
    block = Block(
        targets=(Target("Scheduler.abort", "leave", entity="request_ids[]", via="abort"),),
        watch=(Watch("requests", owner="Scheduler"),),
        needs={"ended": 5},
        options={"omitted": ["request.lora"]},
    )
    assert read_block(json.loads(json.dumps(block.plain()))) == block


def test_an_unknown_role_or_field_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="role"):
        read_block({"targets": [{"qualname": "f", "role": "evaluate"}]})
    with pytest.raises(msgspec.ValidationError, match="expression"):
        read_block({"targets": [{"qualname": "f", "role": "enter", "expression": "os.remove('x')"}]})
