"""How long and how much, as people write it on a command line."""

from __future__ import annotations

import re
from typing import Any

import click

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


class Seconds(click.ParamType[float]):
    """`90`, `90s`, `5m` or `1h`."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no time: 90s, 5m, 1h", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


class Share(click.ParamType[float]):
    """`2%` of a core."""

    name = "PERCENT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", str(value).strip())
        if found is None or not 0 < float(found[1]) <= 100:
            self.fail(f"{value!r} is no share of a core: 2%", param, ctx)
        return float(found[1]) / 100
