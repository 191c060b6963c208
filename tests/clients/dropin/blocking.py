"""A script for the official SDK's images, which runs with either import: SDK names the package, FOLDER where files go.

What its documentation shows is here: a picture from a prompt, several, a stream with previews, an edit of one picture
and of several, a mask, a transparent background, links, errors, retries, timeouts, raw answers.
"""

# mypy: ignore-errors

import base64
import importlib
import io
import json
import os
import socket
import sys
from pathlib import Path

SDK = importlib.import_module(sys.argv[1])
OpenAI = SDK.OpenAI
FOLDER = Path(sys.argv[2])
PICTURE = (FOLDER / "in.png").read_bytes()
LISTENER = socket.create_server(("127.0.0.1", 0))  # takes connections, and says nothing
SILENT = f"http://127.0.0.1:{LISTENER.getsockname()[1]}/v1"


def kept(name, answer):
    for number, image in enumerate(answer.data):
        (FOLDER / f"{name}-{number}").write_bytes(base64.b64decode(image.b64_json))
    print(
        name, len(answer.data), answer.output_format, answer.size, answer.usage.total_tokens, bool(answer._request_id)
    )


with OpenAI() as client:
    kept("plain", client.images.generate(model="gpt-image-1", prompt="a fox", size="1024x1024", quality="low"))
    kept("several", client.images.generate(model="gpt-image-1.5", prompt="a fox", n=2, output_format="webp"))
    kept("clear", client.images.generate(model="gpt-image-1", prompt="a fox", background="transparent", n=None))

    stream = client.images.generate(model="gpt-image-1", prompt="a fox", stream=True, partial_images=2)
    for event in stream:
        if event.type == "image_generation.partial_image":
            print("partial", event.partial_image_index, len(event.b64_json) > 100)
        elif event.type == "image_generation.completed":
            print("completed", event.usage.total_tokens, event.size, event.quality, event.background)

    with (FOLDER / "in.png").open("rb") as file:
        kept("edit", client.images.edit(model="gpt-image-1", image=file, prompt="snow"))
    with (FOLDER / "in.png").open("rb") as one, (FOLDER / "in.png").open("rb") as other:
        kept("edits", client.images.edit(model="gpt-image-1", image=[one, other], prompt="snow"))
    named = ("mine.png", io.BytesIO(PICTURE), "image/png")
    kept(
        "masked",
        client.images.edit(model="gpt-image-1", image=named, mask=PICTURE, prompt="snow", input_fidelity="high"),
    )
    kept("path", client.images.edit(model="gpt-image-1", image=FOLDER / "in.png", prompt="snow", size="1536x1024"))
    for event in client.images.edit(model="gpt-image-1", image=[PICTURE], prompt="x", stream=True):
        print("edit event", event.type)

    links = client.images.generate(model="dall-e-3", prompt="a fox", response_format="url", style="natural")
    print("link", links.data[0].url.startswith("http"), links.data[0].b64_json, bool(links.data[0].revised_prompt))
    varied = client.images.create_variation(
        model="dall-e-2", image=PICTURE, n=2, size="256x256", response_format="b64_json"
    )
    print("variation", len(varied.data), varied.usage)

    print("models", "gpt-image-1" in [model.id for model in client.models.list().data])
    print("all models", len([model.id for model in client.models.list()]))
    print("model", client.models.retrieve("gpt-image-1").object)

    dumped = client.images.generate(model="gpt-image-1", prompt="a fox", quality="low")
    print("dumped", sorted(json.loads(dumped.model_dump_json())["data"][0]), dumped.model_dump()["data"][0]["url"])
    payer = OpenAI(api_key=lambda: os.environ["OPENAI_API_KEY"], organization="org-1", project="proj-1")
    print("payer", len(payer.images.generate(model="gpt-image-1", prompt="a fox", quality="low").data))

    raw = client.images.with_raw_response.generate(model="gpt-image-1", prompt="a fox", quality="low")
    print("raw", raw.status_code, raw.headers.get("content-type"), len(raw.parse().data))
    with client.images.with_streaming_response.generate(model="gpt-image-1", prompt="a fox") as response:
        print("streamed", response.status_code, len(response.parse().data))
    told = client.with_options(timeout=30, max_retries=0, default_headers={"x-mine": "1"})
    print("options", len(told.images.generate(model="gpt-image-1", prompt="a fox", extra_body={"user": "u"}).data))

    for name, call in {
        "bad size": lambda: client.images.generate(model="gpt-image-1", prompt="a fox", size="7x7"),
        "no model": lambda: client.models.retrieve("no-such-model"),
        "bad key": lambda: OpenAI(api_key="sk-wrong-key").images.generate(model="gpt-image-1", prompt="a fox"),
        "nobody": lambda: OpenAI(base_url="http://127.0.0.1:9/v1", max_retries=0).images.generate(prompt="a fox"),
        "late": lambda: OpenAI(base_url=SILENT, max_retries=0).images.generate(prompt="a fox", timeout=0.2),
    }.items():
        try:
            call()
        except SDK.APITimeoutError:
            print(name, "timeout")
        except SDK.APIConnectionError:
            print(name, "connection")
        except SDK.NotFoundError as error:
            print(name, "not found", error.status_code, error.code)
        except SDK.AuthenticationError as error:
            print(name, "authentication", error.status_code, error.code, error.type)
        except SDK.BadRequestError as error:
            print(name, "bad request", error.status_code, error.code, error.param, error.type, bool(error.request_id))
            print(error.response.status_code, error.response.json()["error"] == error.body)
        except SDK.APIStatusError as error:
            print(name, "status", error.status_code)
        except SDK.OpenAIError as error:
            print(name, "other", type(error).__name__)
print("environment", os.environ["OPENAI_BASE_URL"].endswith("/v1"))
