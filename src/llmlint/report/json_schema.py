"""`python -m llmlint.report.json_schema > docs/finding.schema.json`: the schema of the JSON report."""

from __future__ import annotations

import json

from llmlint.report.json import json_schema

if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
