"""PyPI's `openai`, its asynchronous client: OPERATION and its arguments as JSON come from the command line, as
`clients.yaml` says."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import openai
from clients.programs.told import Told


async def main(operation: str, given: dict[str, Any]) -> None:
    told = Told()
    async with openai.AsyncOpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"]) as client:
        call = client.images.edit if operation == "edit" else client.images.generate
        if "image" in given:
            given["image"] = [(name, Path(name).read_bytes(), "image/png") for name in given["image"]]
        if "mask" in given:
            given["mask"] = Path(given["mask"]).read_bytes()
        try:
            answer: Any = await call(**given)
            if given.get("stream"):
                async for event in answer:
                    told.picture(base64.b64decode(event.b64_json), event.type)
            else:
                for one in answer.data:
                    told.picture(base64.b64decode(one.b64_json))
        except openai.BadRequestError as error:
            told.error(error, openai.BadRequestError)
    told.say()


asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
