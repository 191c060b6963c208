"""As `blocking.py`, for code that waits."""

# mypy: ignore-errors

import asyncio
import base64
import importlib
import os
import sys
from pathlib import Path

SDK = importlib.import_module(sys.argv[1])
AsyncOpenAI = SDK.AsyncOpenAI
FOLDER = Path(sys.argv[2])
PICTURE = (FOLDER / "in.png").read_bytes()


async def main():
    async with AsyncOpenAI() as client:
        answers = await asyncio.gather(
            *(client.images.generate(model="gpt-image-1", prompt=f"fox {n}", quality="low") for n in range(3))
        )
        for number, answer in enumerate(answers):
            (FOLDER / f"async-{number}").write_bytes(base64.b64decode(answer.data[0].b64_json))
            print("generate", answer.size, answer.usage.total_tokens)
        stream = await client.images.generate(model="gpt-image-1", prompt="a fox", stream=True, partial_images=1)
        async for event in stream:
            print("event", event.type)
        edited = await client.images.edit(model="gpt-image-1", image=[PICTURE, PICTURE], prompt="snow")
        print("edit", len(edited.data))
        varied = await client.images.create_variation(model="dall-e-2", image=PICTURE, size="256x256")
        print("variation", varied.data[0].url is not None)
        print("models", len((await client.models.list()).data) > 3)

        async def key():
            return os.environ["OPENAI_API_KEY"]

        paid = await AsyncOpenAI(api_key=key).images.generate(model="gpt-image-1", prompt="a fox", quality="low")
        print("key", len(paid.data))
        raw = await client.images.with_raw_response.generate(model="gpt-image-1", prompt="a fox")
        print("raw", raw.status_code, len(raw.parse().data))
        async with client.images.with_streaming_response.generate(model="gpt-image-1", prompt="a fox") as response:
            print("streamed", response.status_code, len((await response.parse()).data))
        try:
            await client.with_options(max_retries=0).images.generate(model="gpt-image-1", prompt="a fox", n=0)
        except SDK.BadRequestError as error:
            print("error", error.status_code, error.param, error.code)


asyncio.run(main())
