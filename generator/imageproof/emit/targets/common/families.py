"""The rules of model families as a data file of the package: a line for each form, and for each family and call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from imageproof.api.ir import FamilyRules, FormRules, Rules


def table(rules: Rules, called: Mapping[str, str]) -> str:
    """The JSON text of the table. `called` is operation id -> the call's name in the client."""
    operations = {
        called[operation]: {"json" if number else "body": _form(one) for number, one in enumerate(forms)}
        for operation, forms in rules.forms.items()
    }
    families = {one.id: _family(one, called) for one in rules.families}
    return _lines({"operations": operations, "families": families}, 3) + "\n"


def _form(form: FormRules) -> dict[str, Any]:
    return {
        "json": form.json,
        "type_rule": form.type_rule,
        "required": form.required,
        "properties": form.properties,
    }


def _family(family: FamilyRules, called: Mapping[str, str]) -> dict[str, Any]:
    return {
        "models": family.models,
        "operations": {
            called[operation]: {"cells": cells, "rules": family.rules[operation]}
            for operation, cells in family.cells.items()
        },
    }


def _lines(value: Any, depth: int, indent: int = 0) -> str:
    """JSON with its outer `depth` levels over lines."""
    if not depth or not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    pad = " " * (indent + 1)
    inner = (
        f"{pad}{json.dumps(key, ensure_ascii=False)}: {_lines(one, depth - 1, indent + 1)}"
        for key, one in value.items()
    )
    return "{\n" + ",\n".join(inner) + "\n" + " " * indent + "}"
