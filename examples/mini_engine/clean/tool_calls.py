"""Tool calls as they are streamed: the name at once, the arguments when they are whole."""

import json


def format_argument(value: int | float) -> str:
    return json.dumps(value)


class ToolCallStream:
    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""

    def feed(self, text: str) -> dict | None:
        """The next delta for the client, if this text completes one."""
        begins = not self.text
        self.text += text
        if begins:
            return {"tool_calls": [{"index": 0, "function": {"name": self.name, "arguments": ""}}]}
        if not text.endswith("}"):
            return None
        value = json.loads(self.text)["value"]
        arguments = f'{{"value": {format_argument(value)}}}'
        return {"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]}
