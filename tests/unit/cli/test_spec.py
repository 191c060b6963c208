"""`imageproof spec show`, `diff` and `reconcile`, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from openapi_spec_validator import validate

from imageproof.cli import main
from imageproof.contract.document import canonical, load
from imageproof.contract.locate import spec_file, spec_files


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["spec", *arguments])
    assert not isinstance(result.exception, Exception) or isinstance(result.exception, SystemExit), result.exception
    return result


def provider(tmp_path: Path, schema: Any, version: str = "3.0.3", **components: Any) -> str:
    """A document with one image operation of that request schema."""
    content = {"application/json": {"schema": schema}}
    document = {
        "openapi": version,
        "info": {"title": "x", "version": "1"},
        "paths": {"/v1/images/generations": {"post": {"requestBody": {"content": content}, "responses": {}}}},
        "components": {"schemas": components},
    }
    path = tmp_path / "provider.json"
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return str(path)


class TestShow:
    def test_the_canonical_file_as_it_is(self) -> None:
        assert run("show").stdout == spec_file("openapi.yaml").read_text(encoding="utf-8")

    @pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2", "my-alias=gpt-image-2"])
    def test_one_model_is_a_document_of_its_own(self, model: str) -> None:
        shown = yaml.safe_load(run("show", "--model", model).stdout)
        validate(shown)
        request = shown["paths"]["/images/generations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert request["properties"]["model"]["const"] == model.partition("=")[0]

    @pytest.mark.parametrize("operation", canonical().operations())
    def test_one_operation(self, operation: str) -> None:
        shown = yaml.safe_load(run("show", "--operation", operation).stdout)
        validate(shown)
        found = [node["operationId"] for item in shown["paths"].values() for node in item.values()]
        assert found == [operation]

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--model", "gpt-imag-1"), "no family names the model 'gpt-imag-1'"),
            (("--model", "x=nobody"), "no model family 'nobody'"),
            (("--operation", "drawImage"), "no operation 'drawImage'; known: createImage"),
            (("--model", "dall-e-3", "--operation", "createImageEdit"), "dall-e-3 has no createImageEdit"),
        ],
    )
    def test_what_is_not_there(self, arguments: tuple[str, ...], message: str) -> None:
        result = run("show", *arguments)
        assert result.exit_code == 2 and message in result.stderr


class TestDiff:
    def test_the_contract_against_itself(self) -> None:
        result = run("diff", str(spec_file("openapi.yaml")), "--fail-on", "any")
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "no differences")

    @pytest.mark.parametrize("source", spec_files("sources"))
    def test_the_transcriptions(self, source: str) -> None:
        result = run("diff", str(spec_files("sources")[source]), "--format", "json")
        report = json.loads(result.stdout)
        assert result.exit_code == bool(report["counts"]["breaking"])
        assert sum(report["counts"].values()) == len(report["differences"]) > 50
        document = load(spec_files("sources")[source])
        for one in report["differences"]:
            assert document.at(one["document_pointer"]) is not None or not one["document_pointer"]

    @pytest.mark.parametrize(
        ("schema", "fail_on", "status"),
        [
            ({"$ref": "#/components/schemas/R"}, "breaking", 1),
            ({"properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}, "breaking", 0),
            ({"properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}, "any", 1),
        ],
    )
    def test_exit_status(self, tmp_path: Path, schema: Any, fail_on: str, status: int) -> None:
        required = {"properties": {"seed": {"type": "integer"}}, "required": ["seed"]}
        path = provider(tmp_path, schema, R=required)
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        item = document["paths"]["/v1/images/generations"]
        item["post"]["responses"] = {"200": {"description": "x"}}
        document["paths"]["/v1/images/edits"] = {"post": {"responses": {"200": {"description": "x"}}}}
        Path(path).write_text(json.dumps(document), encoding="utf-8")
        assert run("diff", path, "--fail-on", fail_on).exit_code == status

    def test_text_names_pointers_lines_and_requirements(self, tmp_path: Path) -> None:
        path = provider(tmp_path, {"properties": {"prompt": {"type": "string"}, "n": {"type": "string"}}})
        text = run("diff", path).stdout
        line = next(index for index, one in enumerate(text.splitlines()) if "createImage json:n type" in one)
        told, where = text.splitlines()[line : line + 2]
        assert told.startswith("  createImage json:n type: integer -> string  [GEN-TYPES")
        assert "contract #/components/schemas/CreateImageRequest/properties/n " in where
        schema = "#/paths/~1v1~1images~1generations/post/requestBody/content/application~1json/schema"
        assert f"document {schema}/properties/n (line 18)" in where

    def test_one_model_asks_for_that_model(self, tmp_path: Path) -> None:
        sizes = {"type": "string", "enum": ["1024x1024", "1536x1024", "1024x1536", "auto"]}
        path = provider(tmp_path, {"properties": {"prompt": {"type": "string"}, "size": sizes}})
        assert "createImage json:size values" in run("diff", path).stdout
        assert "createImage json:size values" not in run("diff", path, "--model", "mine=gpt-image-1").stdout

    def test_markdown_escapes_what_it_quotes(self, tmp_path: Path) -> None:
        path = provider(tmp_path, {"properties": {"<script>|": {"type": "string"}}})
        told = run("diff", path, "--format", "markdown").stdout
        assert "<script>" not in told and "`createImage json:&lt;script>\\| member`" in told

    def test_nullable_left_in_31_is_read_and_told(self, tmp_path: Path) -> None:
        schema = {
            "properties": {"n": {"type": "integer", "nullable": True}, "size": {"nullable": True, "type": "string"}}
        }
        told = run("diff", provider(tmp_path, schema, "3.1.0")).stdout
        assert "nullable has no effect in OpenAPI 3.1; read as meant: null is allowed (and 1 places more)" in told
        assert "json:n null" not in told
        assert "note:" not in run("diff", provider(tmp_path, schema)).stdout

    def test_our_own_states(self, tmp_path: Path) -> None:
        text = spec_file("openapi.yaml").read_text(encoding="utf-8")
        new = tmp_path / "new.yaml"
        new.write_text(text.replace("          maximum: 10\n", "          maximum: 8\n", 1), encoding="utf-8")
        version = canonical().data["info"]["version"]
        moved = run("diff", str(new), "--from", version, "--fail-on", "any")
        assert (run("diff", "--from", version).exit_code, moved.exit_code) == (0, 1)
        assert "createImage json:n maximum: 10 -> 8  [GEN-N-RANGE" in moved.stdout
        other = run("diff", str(new), "--from", version, "--model", "dall-e-3", "--format", "json")
        assert len(json.loads(other.stdout)["differences"]) == 1

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (("--model", "nonsense"), "no family names the model 'nonsense'"),
            (("--prefix", "/v1"), "--prefix is for a provider's document"),
            ((str(spec_files("sources")["new-api"]),), "is no state of our contract"),
        ],
    )
    def test_options_that_states_do_not_take(self, arguments: tuple[str, ...], message: str) -> None:
        result = run("diff", "--from", "2026.11", *arguments)
        assert result.exit_code == 2 and message in result.stderr

    def test_nothing_to_compare(self) -> None:
        result = run("diff")
        assert result.exit_code == 2 and "compare what?" in result.stderr

    @pytest.mark.parametrize(
        ("schema", "message"),
        [
            ({"$ref": "#/components/schemas/Nobody"}, "$ref leads nowhere: #/components/schemas/Nobody"),
            ({"$ref": "#/components/schemas/Loop"}, "$ref leads in a circle"),
            ({"$ref": "more.yaml#/X"}, "$ref to another file is not read: more.yaml#/X"),
            ({"properties": 7}, "must be a mapping of names to schemas"),
        ],
    )
    def test_what_cannot_be_read(self, tmp_path: Path, schema: Any, message: str) -> None:
        path = provider(tmp_path, schema, Loop={"$ref": "#/components/schemas/Loop"})
        result = run("diff", path)
        assert (result.exit_code, result.stdout) == (2, "")
        assert message in result.stderr and result.stderr.startswith(f"{path}:")

    def test_what_is_broken_elsewhere_does_not_matter(self, tmp_path: Path) -> None:
        schema = {
            "properties": {"prompt": {"$ref": "#/components/schemas/Text"}, "tree": {"$ref": "#/components/schemas/T"}}
        }
        tree = {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/T"}}},
        }
        broken = {"type": "strng", "properties": [], "$ref": "#/nowhere"}
        path = provider(tmp_path, schema, Text={"type": "string"}, T=tree, Broken=broken)
        result = run("diff", path)
        assert result.exit_code == 1 and "createImage json:tree member" in result.stdout

    def test_thousands_of_schemas(self, tmp_path: Path) -> None:
        """Several megabytes, most of it not about images, some of it recursive."""
        filler: dict[str, Any] = {
            f"S{i}": {
                "description": "text " * 200,
                "properties": {"next": {"$ref": f"#/components/schemas/S{(i + 1) % 3000}"}},
            }
            for i in range(3000)
        }
        schema = {"properties": {"prompt": {"type": "string"}, "meta": {"$ref": "#/components/schemas/Node"}}}
        node = {"properties": {"up": {"$ref": "#/components/schemas/Node"}}}
        path = provider(tmp_path, schema, **filler, Node=node)
        assert Path(path).stat().st_size > 3_000_000
        assert "createImage json:meta member" in run("diff", path).stdout


class TestReconcile:
    def test_everything_is_decided(self) -> None:
        result = run("reconcile", "--check")
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith(tuple("123456789")) and "no problems" in result.stdout

    def test_one_source(self) -> None:
        told = run("reconcile", "--source", "scraped-reference").stdout
        assert "createImage json:stream type" in told and "line 69: the contract: boolean; the source: string" in told

    def test_the_summary_says_what_no_answer_can_satisfy(self) -> None:
        told = run("reconcile").stdout.split("scraped-reference: ")[1]
        assert "0 of 4 answers of the contract fit its schemas, so no real answer satisfies it" in told

    def test_no_such_source(self) -> None:
        result = run("reconcile", "--source", "seed-6")
        assert result.exit_code == 2 and "no source 'seed-6'; known: apifox-export" in result.stderr
