"""One edit of the spec moves client signature, allowed values, provider and test plan, without a code edit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from imageproof.contract.document import Document, load
from imageproof.contract.requirements import requirements
from imageproof_conformance.plan import plan
from imageproof_conformance.properties import negatives
from imageproof_reference.config import Config
from imageproof_reference.serving import running

OFFERED = frozenset({"createImage", "createImageEdit"})

EDITS = {
    # gpt-image-1 gets one more size ...
    "        size: {schema: {enum: [auto, 1024x1024, 1536x1024, 1024x1536]}, rule: GEN-SIZE-VALUES}": (
        "        size: {schema: {enum: [auto, 1024x1024, 1536x1024, 1024x1536, 640x480]}, rule: GEN-SIZE-VALUES}\n"
        "        mood: {schema: {enum: [calm, wild]}, rule: GEN-STYLE-VALUES}"
    ),
    # ... and createImage one more optional parameter.
    '        svg:\n          $ref: "#/components/schemas/SvgAuthor"\n': (
        '        mood:\n          type: [string, "null"]\n          description: How the picture feels.\n'
        "          x-rule: GEN-STYLE-VALUES\n"
        '        svg:\n          $ref: "#/components/schemas/SvgAuthor"\n'
    ),
}


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Document:
    text = Path(load().source).read_text(encoding="utf-8")
    for old, new in EDITS.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("spec") / "openapi.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_the_client_follows(edited: Document, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "imageproof", "generate", "--spec", edited.source, "--target", "python"]
    subprocess.run([*command, "--out", str(tmp_path / "out"), "--name", "edited_client"], check=True)
    script = (
        "import inspect, pathlib, edited_client\n"
        "print(inspect.signature(edited_client.Client(api_key='k', base_url='http://localhost').images.generate))\n"
        "print(pathlib.Path(edited_client.__file__).with_name('models.py').read_text())\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "out" / "python", check=True, capture_output=True, text=True
    ).stdout
    signature, _, models = shown.partition("\n")
    assert "mood" in signature and "style" in signature
    assert '"640x480"' in models and '"calm"' in models and '"wild"' in models


def test_the_provider_follows(edited: Document) -> None:
    for document, legal in ((edited, 200), (load(), 400)):
        with running(Config(document=document, key="sk-edit")) as url:
            body = {"model": "gpt-image-1", "prompt": "an otter", "size": "640x480"}
            answer = httpx2.post(f"{url}/images/generations", json=body, headers={"authorization": "Bearer sk-edit"})
            assert answer.status_code == legal
            wrong = {"model": "gpt-image-1", "prompt": "an otter", "mood": "sour"}
            answer = httpx2.post(f"{url}/images/generations", json=wrong, headers={"authorization": "Bearer sk-edit"})
            assert (answer.status_code == 400) is (document is edited)


def test_the_plan_follows(edited: Document) -> None:
    before = plan(load(), requirements(), "gpt-image-1", None, OFFERED, "core")
    after = plan(edited, requirements(), "gpt-image-1", None, OFFERED, "core")
    assert not [probe for probe in before.probes if "mood" in probe.asked]
    assert [probe for probe in after.probes if "mood" in probe.asked and probe.expect == "refused"]
    # The new size is the smallest, so the paid calls ask for it.
    assert "640x480" in {probe.asked.get("size") for probe in after.probes if probe.expect == "served"}
    assert "640x480" not in {probe.asked.get("size") for probe in before.probes if probe.expect == "served"}


def test_the_generated_negatives_follow(edited: Document) -> None:
    found = negatives(edited, "gpt-image-1", None, OFFERED).probes
    assert [probe for probe in found if "mood" in probe.asked]
