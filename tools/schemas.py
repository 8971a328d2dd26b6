"""JSON schemas of all that convkit prints and keeps as JSON, made from its models: docs/schemas/*.json."""

import json
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from convkit.cli import records
from convkit.experiment import Comparison, Recovery
from convkit.experiment.runs import SavedRun

# The name in a record's field `schema`, what makes it, and its model.
PUBLISHED: dict[str, tuple[str, Any]] = {
    "convkit.recovery/1": ("`convkit learn-kernel --json`, and its `--save F.json`", Recovery),
    "convkit.comparison/1": ("`convkit compare --json`", Comparison),
    "convkit.run/1": ("each line of `convkit compare --save runs.jsonl`", SavedRun),
    "convkit.plan/1": ("`convkit compare --dry-run --json`", records.PlanRecord),
    "convkit.convolution/1": ("`convkit convolve --json` of one image", records.ConvolutionRecord),
    "convkit.convolutions/1": ("`convkit convolve --json` of several images", records.ConvolutionsRecord),
    "convkit.kernel/1": ("`convkit kernels NAME --json`", records.KernelRecord),
    "convkit.kernels/1": ("`convkit kernels --json`", records.KernelsRecord),
}


class _Plain(GenerateJsonSchema):
    """Sets come out sorted, so that the same models give the same bytes."""

    schema_dialect = "https://json-schema.org/draft/2020-12/schema"


def file_name(schema: str) -> str:
    """Return the file of a schema: recovery-1.json for convkit.recovery/1."""
    return schema.removeprefix("convkit.").replace("/", "-") + ".json"


def schema_of(name: str) -> dict[str, Any]:
    """Return the schema of what is printed; every field is always there."""
    made = TypeAdapter(PUBLISHED[name][1]).json_schema(mode="serialization", by_alias=True, schema_generator=_Plain)
    family, version = name.split("/")
    return {"$schema": _Plain.schema_dialect, "$id": f"urn:{family.replace('.', ':')}:{version}"} | made


def pages() -> dict[str, str]:
    """Return the files, and the page that lists them."""
    files = {f"docs/schemas/{file_name(name)}": json.dumps(schema_of(name), indent=2) + "\n" for name in PUBLISHED}
    rows = "\n".join(
        f"| `{name}` | {told} | [{file_name(name)}](../schemas/{file_name(name)}) |"
        for name, (told, _) in PUBLISHED.items()
    )
    files["docs/reference/json.md"] = f"""# JSON

Every record says in its field `schema` what it is. Within a version of a schema, fields may be added; none is taken
away, and none changes its meaning. There is no NaN: what is not determined, or not finite, is `null`.

| schema | printed by | file |
|---|---|---|
{rows}

The files are JSON Schema, draft 2020-12, made from the models that print the records. The tests run every command above
and hold what comes to them, without room for fields that the schema does not know.

```console
$ convkit convolve "1,2,3" --kernel 1,1 --json | python -c "import json, sys; print(sorted(json.load(sys.stdin)))"
['backend', 'clipped', 'convention', 'map', 'maximum', 'minimum', 'output', 'schema', 'seconds', 'shape', 'values']
```
"""
    return files
