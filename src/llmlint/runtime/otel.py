"""A run's numbers for OpenTelemetry, by its SDK and over OTLP; needs the extra `otel`.

Names are those of Prometheus less the `_total` that collectors put there themselves, so one board serves both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from llmlint.dynamic.read import read_run
from llmlint.runtime.metrics import METRICS, PREFIX, Sample, samples_of

PATH = "/v1/metrics"
EVERY_MS = 10_000


def exporting(folder: Path, endpoint: str) -> Callable[[], None]:
    """Begins to send; what it returns sends the last numbers and ends it."""
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
    except ImportError as error:
        raise ImportError(f"OpenTelemetry takes `pip install llmlint-serving[otel]`: {error}") from None
    url = endpoint if endpoint.rstrip("/").endswith(PATH) else endpoint.rstrip("/") + PATH
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=url), export_interval_millis=EVERY_MS)
    provider = MeterProvider([reader], resource=Resource.create({"service.name": "llmlint"}))
    numbers = _Numbers(folder)
    meter = provider.get_meter("llmlint")
    for name, (kind, said) in METRICS.items():
        make = meter.create_observable_counter if kind == "counter" else meter.create_observable_gauge
        make(f"{PREFIX}{name}".removesuffix("_total"), callbacks=[numbers.of(name)], description=said)
    return provider.shutdown


class _Numbers:
    """Every metric asks for itself: the run is read once for all that ask at the same time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read_at = 0.0
        self.samples: list[Sample] = []

    def of(self, name: str) -> Callable[[Any], Iterable[Any]]:
        from opentelemetry.metrics import Observation

        return lambda _: [
            Observation(sample.value, dict(sample.labels)) for sample in self._now() if sample.name == name
        ]

    def _now(self) -> list[Sample]:
        if time.monotonic() - self.read_at > 1:
            self.samples = samples_of([read_run(str(self.folder))])
            self.read_at = time.monotonic()
        return self.samples
