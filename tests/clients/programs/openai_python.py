"""PyPI's `openai`: OPERATION and its arguments as JSON come from the command line, as `clients.yaml` says."""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import openai
from clients.programs.told import Told

told = Told()
operation, given = sys.argv[1], json.loads(sys.argv[2])


def opened(value: Any) -> Any:
    return [Path(name) for name in value] if isinstance(value, list) else Path(value).open("rb")


with openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"]) as client:
    call = client.images.edit if operation == "edit" else client.images.generate
    files = {name: opened(given[name]) for name in ("image", "mask") if name in given}
    try:
        answer: Any = call(**given | files)
        for one in answer if given.get("stream") else answer.data:
            told.picture(base64.b64decode(one.b64_json), getattr(one, "type", ""))
    except openai.BadRequestError as error:
        told.error(error, openai.BadRequestError)
told.say()
