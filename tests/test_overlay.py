"""One overlay moves clients, strict document, provider and test plan: the example that README names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from vectors.bodies import picture

from imageproof.contract.document import Document, load
from imageproof.contract.families import family_of
from imageproof.contract.locate import spec_file
from imageproof.contract.narrow import narrow
from imageproof.contract.overlay import overlaid
from imageproof.contract.requirements import requirements
from imageproof.contract.violations import violations
from imageproof.contract.yaml_text import read_yaml
from imageproof.emit.render import render
from imageproof.emit.targets.openapi import pages
from imageproof_conformance.plan import plan
from imageproof_reference.config import Config
from imageproof_reference.serving import running

pytestmark = pytest.mark.xdist_group("overlay")
ACME = str(spec_file("overlays/acme.yaml"))
MODEL = "acme-draw-1"
KEY = "sk-overlay"
EXTRAS = {"seed", "watermark"}
BODIES = (
    ("createImage", "application/json"),
    ("createImageEdit", "multipart/form-data"),
    ("createImageEdit", "application/json"),
)


@pytest.fixture(scope="module")
def acme() -> Document:
    return overlaid(load(), [ACME])


def imageproof(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imageproof", *args]
    environ = {**os.environ, "IMAGEPROOF_API_KEY": KEY}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_the_client_follows(tmp_path: Path) -> None:
    made = imageproof(
        "generate", "--overlay", ACME, "--target", "python", "--out", "out", "--name", "acme", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    script = (
        "import inspect, json, typing, acme, acme.models as models\n"
        "client = acme.Client(api_key='k', base_url='http://localhost')\n"
        "names = [list(inspect.signature(one).parameters) for one in (client.images.generate, client.images.edit)]\n"
        "values = [value for part in typing.get_args(models.GenerateModel) for value in typing.get_args(part)]\n"
        "print(json.dumps([names, values]))\n"
    )
    command = [sys.executable, "-c", script]
    shown = subprocess.run(command, cwd=tmp_path / "out" / "python", check=True, capture_output=True, text=True).stdout
    signatures, values = json.loads(shown)
    assert all(set(names) >= EXTRAS for names in signatures)
    assert {MODEL, "acme-draw-1-fast", "gpt-image-2"} <= set(values)


def test_the_capability_table_follows(acme: Document) -> None:
    """A row for each parameter: foreign to every family but the last one, which is the overlay's."""
    table = render("docs", {"document": acme}, "")["capabilities.md"]
    assert "`acme-draw-1`, `acme-draw-1-fast`" in table
    for operation, others in (("createImage", 8), ("createImageEdit", 7)):
        for name in EXTRAS:
            row = next(line for line in table.splitlines() if line.startswith(f'| <a id="{operation}.{name}">'))
            *_, last, mine, _rules, _ = row.split("|")
            assert row.count("not a parameter") == others and "not a parameter" in last
            assert "not a parameter" not in mine


def test_narrow_has_the_parameters_for_these_models_alone(acme: Document) -> None:
    for operation, media_type in BODIES:
        mine, other = (_properties(narrow(acme, model), operation, media_type) for model in (MODEL, "gpt-image-2"))
        assert set(mine) >= EXTRAS and not EXTRAS & set(other)
        assert "integer" in mine["seed"]["type"] and "boolean" in mine["watermark"]["type"]
    assert "2048x2048" in _properties(narrow(acme, MODEL), "createImage", "application/json")["size"]["enum"]
    validate(narrow(acme, MODEL))
    validate(acme.data)


def _properties(document: dict[str, Any], operation: str, media_type: str) -> dict[str, Any]:
    path = {"createImage": "/images/generations", "createImageEdit": "/images/edits"}[operation]
    body = document["paths"][path]["post"]["requestBody"]["content"][media_type]["schema"]
    found: dict[str, Any] = body["properties"]
    return found


REQUESTS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "legal": (MODEL, {"seed": 7, "watermark": False, "size": "2048x2048"}, []),
    "null": (MODEL, {"seed": None, "watermark": None}, []),
    "mistyped": (MODEL, {"seed": "seven"}, ["GEN-TYPES"]),
    "as text": (MODEL, {"watermark": "no"}, ["GEN-TYPES"]),
    "foreign": ("gpt-image-2", {"seed": 7}, ["GEN-PARAM-FAMILY"]),
    "foreign to dall-e": ("dall-e-3", {"watermark": True}, ["GEN-PARAM-FAMILY"]),
    "not theirs": (MODEL, {"style": "vivid"}, ["GEN-PARAM-FAMILY"]),
    "another size": (MODEL, {"size": "640x480"}, ["GEN-SIZE-VALUES"]),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_validator_and_strict_document_agree(name: str, acme: Document, strict: dict[str, Any]) -> None:
    model, asked, rules = REQUESTS[name]
    body = {"model": model, "prompt": "an otter", **asked}
    assert [one.rule for one in violations(acme, model, "createImage", body)] == rules
    schema = {"$ref": "#/components/schemas/CreateImageRequest", "components": strict["components"]}
    assert Draft202012Validator(schema).is_valid(body) is (rules == [])


@pytest.fixture(scope="module")
def strict(acme: Document) -> dict[str, Any]:
    (page,) = pages(acme, "")
    data, _ = read_yaml(page.text, "strict.yaml")
    validate(data)
    return dict(data)


def test_the_plan_follows(acme: Document) -> None:
    offered = frozenset({"createImage", "createImageEdit"})
    mine = plan(acme, requirements(), MODEL, None, offered, "standard").probes
    refused = {name for one in mine if one.expect == "refused" for name in EXTRAS & set(one.asked)}
    assert refused == EXTRAS  # mistyped
    assert all(set(one.asked) >= EXTRAS for one in mine if one.id.endswith("createImage/nulls"))
    others = plan(load(), requirements(), "gpt-image-1", None, offered, "standard").probes
    assert not [one for one in others if EXTRAS & set(one.asked)]


def test_prices_and_defaults_follow(acme: Document) -> None:
    family = family_of(acme, "acme-draw-1-fast")
    assert family is not None and family.prices is not None and family_of(load(), MODEL) is None
    assert min(row.price for row in family.prices.rows) == 0.004
    assert family.defaults["watermark"] is True and family.returns.stream


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The URL of `imageproof serve --overlay`, a process of its own, and that it says how to judge it."""
    command = [sys.executable, "-m", "imageproof", "serve", "--port", "0", "--key", KEY, "--overlay", ACME]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url, paste = process.stdout.readline().split()[2], process.stdout.readline()
    assert paste.endswith(f"imageproof conform {url} --overlay {ACME}\n")
    yield url
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)


def test_the_provider_follows(served: str) -> None:
    with httpx2.Client(base_url=served, headers={"Authorization": f"Bearer {KEY}"}) as client:
        listed = [one["id"] for one in client.get("/models").json()["data"]]
        assert listed[-2:] == [MODEL, "acme-draw-1-fast"]
        for name, (model, asked, rules) in REQUESTS.items():
            size = {} if "size" in asked else {"size": "1024x1024"}
            body = {"model": model, "prompt": "an otter", "output_format": "png", **size, **asked}
            if model == MODEL:  # the others take some of these values and not others, which is no concern here
                answer = client.post("/images/generations", json=body)
                assert answer.status_code == (400 if rules else 200), (name, answer.text[:300])
        form = {"model": MODEL, "prompt": "an otter", "seed": "7", "watermark": "false", "size": "1024x1024"}
        image = {"image": ("a.png", picture().data, "image/png")}
        assert client.post("/images/edits", data=form, files=image).status_code == 200
        assert client.post("/images/edits", data={**form, "seed": "seven"}, files=image).status_code == 400


def test_without_the_overlay_nobody_knows_the_model() -> None:
    with running(Config(key=KEY)) as url:
        body = {"model": MODEL, "prompt": "an otter", "seed": 7}
        answer = httpx2.post(f"{url}/images/generations", json=body, headers={"Authorization": f"Bearer {KEY}"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_conform_plans_judges_and_reports_with_it(served: str, tmp_path: Path) -> None:
    base = ("conform", served, "--overlay", ACME, "--model", MODEL)
    planned = imageproof(*base, "--dry-run", "--tier", "core", "--max-images", "20", cwd=tmp_path)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "8 pictures planned" in planned.stdout and "note: overlays on the contract: acme.yaml" in planned.stdout
    judged = imageproof(*base, "--tier", "core", "--max-images", "20", "--json", "report.json", cwd=tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert report["pictures"]["planned"] == report["pictures"]["spent"] == 8
    assert report["models"] == [{"name": MODEL, "family": "acme-draw"}]
    assert [one["name"] for one in report["overlays"]] == ["acme.yaml"]
    assert f"next: imageproof conform {served} --overlay {ACME} --model {MODEL}" in judged.stdout


def test_a_provider_that_knows_no_seed_is_found_out(tmp_path: Path) -> None:
    """It ignores what it does not know, so a seed of another type is served."""
    aliased = overlaid(load(), [_alias(tmp_path)])
    with running(Config(document=aliased, key=KEY)) as url:
        args = ("conform", url, "--overlay", ACME, "--model", MODEL, "-k", "GEN-TYPES", "--max-images", "20")
        found = imageproof(*args, "--tier", "core", cwd=tmp_path)
    assert found.returncode == 0 and "warn" in found.stdout  # GEN-TYPES is a SHOULD
    assert "WARNING GEN-TYPES" in found.stdout and "seed" in found.stdout


def _alias(folder: Path) -> str:
    """An overlay with the model, and without its parameters."""
    path = folder / "alias.yaml"
    path.write_text(
        "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n- target: $.x-model-families\n  update:\n"
        f"    {{id: acme, like: gpt-image-1, models: [{MODEL}], status: {{state: current, source: s}}}}\n",
        encoding="utf-8",
    )
    return str(path)


BAD = """overlay: 1.0.0
info: {title: Two slips, version: "1"}
actions:
  - {target: $.nope, remove: true}
  - {target: $.no, remove: true}
"""


@pytest.mark.parametrize(
    "command",
    [("conform", "http://127.0.0.1:9/v1", "--dry-run"), ("serve", "--port", "0"), ("generate", "--out", "out")],
    ids=lambda command: command[0],
)
def test_a_bad_overlay_is_a_mistake_of_the_user(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD, encoding="utf-8")
    found = imageproof(*command, "--overlay", "bad.yaml", cwd=tmp_path)
    assert found.returncode == 2 and "Traceback" not in found.stderr
    lines = [line.removeprefix("error: ") for line in found.stderr.splitlines()]
    assert [line.split()[0] for line in lines] == ["bad.yaml:4:", "bad.yaml:5:"]
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_an_id_of_ones_own_is_kept_and_not_judged(tmp_path: Path) -> None:
    """Clients and provider go by it; the suite has no such requirement, and says nothing of it."""
    path = tmp_path / "own.yaml"
    cell = "{schema: {maximum: 99}, rule: ACME-SEED-RANGE}"
    path.write_text(
        "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n"
        f"- target: $.x-model-families[?@.id == 'acme-draw'].cells.createImage.seed\n  remove: true\n"
        f"- target: $.x-model-families[?@.id == 'acme-draw'].cells.createImage\n  update: {{seed: {cell}}}\n",
        encoding="utf-8",
    )
    document = overlaid(load(), [ACME, str(path)])
    body = {"model": MODEL, "prompt": "an otter", "seed": 100}
    assert [one.rule for one in violations(document, MODEL, "createImage", body)] == ["ACME-SEED-RANGE"]
    probes = plan(document, requirements(), MODEL, None, frozenset({"createImage"}), "standard").probes
    assert probes and not [one for one in probes if one.asked.get("seed") == 100]
