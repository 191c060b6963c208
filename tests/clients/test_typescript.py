"""The emitted TypeScript package: its types, and what becomes of it in a program and in a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from clients.sample_runs import modules, program
from clients.typescript_tools import complaints

from imageproof.contract.locate import CHECKOUT
from imageproof_reference.config import Config
from imageproof_reference.serving import running

PACKAGE = CHECKOUT / "generated" / "typescript"
PROGRAMS = Path(__file__).with_name("typescript")
KEY = "sk-of-typescript"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Base URL of the reference provider."""
    with running(Config(key=KEY, pause_seconds=0.001)) as url:
        yield url


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a program prints."""
    told = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    done = subprocess.run(
        command, cwd=cwd, env={**told, **environment}, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_types_and_rules_of_style(tmp_path: Path) -> None:
    assert complaints({"client": PACKAGE}, tmp_path / "room") == ""


def test_a_wrong_declaration_is_seen(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(PACKAGE, broken)
    runtime = broken / "types" / "runtime.d.ts"
    runtime.write_text(runtime.read_text("utf-8").replace("readonly stage: string", "readonly stage: number"), "utf-8")
    unused = broken / "src" / "values.js"
    unused.write_text(unused.read_text("utf-8") + "const nobody = 1;\n", "utf-8")
    said = complaints({"broken": broken}, tmp_path / "room")
    assert "agree.ts" in said and "'string' is not assignable to type 'number'" in said
    assert "no-unused-vars" in said


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean folder into which the package was installed as npm packs it."""
    npm, out = program("npm"), tmp_path_factory.mktemp("packed")
    run(npm, "pack", PACKAGE, "--pack-destination", str(out), "--silent", cwd=out)
    (archive,) = out.glob("*.tgz")
    room = out / "room"
    room.mkdir()
    (room / "package.json").write_text('{"private": true, "type": "module"}')
    run(npm, "install", archive, "--no-audit", "--no-fund", "--offline", "--loglevel=error", cwd=room)
    return room


def test_the_package_runs_from_a_clean_folder(packed: Path, provider: str) -> None:
    installed = json.loads((packed / "node_modules/imageproof-client/package.json").read_text("utf-8"))
    assert not installed.get("dependencies") and not installed.get("scripts")
    shutil.copy(PROGRAMS / "installed.mjs", packed)
    told = json.loads(run(program("node"), "installed.mjs", cwd=packed, OPENAI_BASE_URL=provider, OPENAI_API_KEY=KEY))
    assert told == {"saved": "fox.webp", "format": "webp", "width": 1024, "height": 1024, "edited": 1, "models": True}
    assert (packed / "fox.webp").read_bytes()[8:12] == b"WEBP"


def test_a_browser_generates_streams_and_shows_a_picture(packed: Path, provider: str, tmp_path: Path) -> None:
    """Bundled by esbuild, in Chromium without a window, from a page of another origin than the provider's."""
    home, chromium = modules("esbuild", "playwright-core"), program("chromium")
    (tmp_path / "node_modules").symlink_to(packed / "node_modules")
    shutil.copy(PROGRAMS / "page.js", tmp_path)
    bundle = ["page.js", "--bundle", "--format=iife", "--outfile=out.js"]
    run(home / "esbuild/bin/esbuild", *bundle, cwd=tmp_path)
    shutil.copy(PROGRAMS / "browse.mjs", tmp_path)
    environment = {"NODE_MODULES": str(home), "CHROMIUM": chromium, "BASE_URL": provider, "KEY": KEY}
    told = json.loads(run(program("node"), "browse.mjs", cwd=tmp_path, **environment))
    assert told["refused"].startswith("in a browser everyone can read the key")
    assert told["shown"] == {"width": 1024, "height": 1024}
    assert told["events"] == ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert told["edited"] == "png"
    assert told["linked"] == {"format": "png", "size": {"width": 256, "height": 256}}
    assert told["again"] == 1 and told["models"] > 5
    assert told["cut"] == ["APIUserAbortError", "enough"]
    assert told["status"] == 400 and told["param"] == "size" and told["id"].startswith("req_")
    assert told["path"] == "image: a path needs a file system, and here is none"
    assert told["said"] == []  # nothing on the console but what the page itself wants there


NAMES = sorted(file.name.removesuffix(".test.mjs") for file in PROGRAMS.glob("*.test.mjs"))
# An engine -> the command that runs tests, and which of them: elsewhere than in Node what needs nothing of its own.
ENGINES = {
    "node": (["node", "--test"], NAMES),
    "deno": (["deno", "test", "-A", "--no-check", "--quiet"], ["money", "signals"]),
    "bun": (["bun", "test"], ["money", "signals"]),
}


@pytest.mark.parametrize(("engine", "name"), [(engine, one) for engine, (_, told) in ENGINES.items() for one in told])
def test_behaviour(engine: str, name: str, tmp_path: Path) -> None:
    """What no case of the one wire can say, by the engine's own test runner."""
    (command, *options), _ = ENGINES[engine]
    run(program(command), *options, PROGRAMS / f"{name}.test.mjs", cwd=tmp_path, GENERATED=str(CHECKOUT / "generated"))


BROWSER, NODE = ("DOM", "DOM.Iterable"), ("node",)


def compiled(
    room: Path, packed: Path, compiler: str, lib: Sequence[str], types: Sequence[str], **options: bool
) -> None:
    """Compiles what is in a folder as a user of the package would, with all declarations checked."""
    (room / "node_modules").mkdir()
    (room / "node_modules" / "imageproof-client").symlink_to(packed / "node_modules" / "imageproof-client")
    for name in ("@types", "undici-types") if types else ():
        (room / "node_modules" / name).symlink_to(modules("@types/node", "undici-types") / name)
    usual = {"strict": True, "noEmit": True, "target": "ES2022", "module": "Node16", "moduleResolution": "Node16"}
    told = {"compilerOptions": {**usual, "lib": ["ES2022", *lib], "types": types, **options}, "include": ["*.ts"]}
    (room / "tsconfig.json").write_text(json.dumps(told))
    (room / "package.json").write_text('{"private": true, "type": "module"}')
    run(program("node"), modules(compiler) / compiler / "bin/tsc", "-p", ".", cwd=room)


@pytest.mark.parametrize(
    ("compiler", "lib", "types"),
    [("typescript-4", BROWSER, ()), ("typescript", BROWSER, ()), ("typescript", (), NODE)],
    ids=["oldest, browser", "newest, browser", "newest, node"],
)
def test_programs_of_users_compile(
    compiler: str, lib: Sequence[str], types: Sequence[str], packed: Path, tmp_path: Path
) -> None:
    """With the oldest compiler that is promised and the newest; the types of Node want a newer one than the oldest."""
    shutil.copy(PROGRAMS / "consumer.ts", tmp_path)
    compiled(tmp_path, packed, compiler, lib, types)


def test_a_program_of_deno_finds_the_types(tmp_path: Path) -> None:
    """By the path of the module, without npm; and one that is wrong is told."""
    module = (PACKAGE / "src/index.js").as_uri()
    text = (PROGRAMS / "consumer.ts").read_text("utf-8").replace('"imageproof-client"', json.dumps(module))
    (tmp_path / "right.ts").write_text(text)
    (tmp_path / "wrong.ts").write_text(f"import {{ Client }} from {module!r};\nnew Client({{ timeout: 'long' }});\n")
    check = [program("deno"), "check", "--quiet"]
    run(*check, "right.ts", cwd=tmp_path)
    with pytest.raises(AssertionError, match="TS2322"):
        run(*check, "wrong.ts", cwd=tmp_path)


def test_the_examples_of_its_readme_and_of_ours_compile(packed: Path, tmp_path: Path) -> None:
    """Each alone: one that makes no client has `client`."""
    readmes = (packed / "node_modules/imageproof-client/README.md", CHECKOUT / "README.md")
    text = "".join(file.read_text("utf-8") for file in readmes)
    blocks = re.findall(r"^```ts\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 10
    own = 'import type { Client as Own } from "imageproof-client";\ndeclare const client: Own;\n'
    for number, block in enumerate(blocks):
        start = "export {};\n" if "const client =" in block else own
        (tmp_path / f"example_{number}.ts").write_text(start + block)
    compiled(tmp_path, packed, "typescript", BROWSER, NODE, noUncheckedIndexedAccess=True)


def test_a_script_for_the_official_sdk_runs_with_ours(provider: str, tmp_path: Path) -> None:
    """The same file, only the import changed, sees the same."""
    official = modules("openai") / "openai/index.mjs"
    told = {}
    for name, module in (("theirs", official), ("ours", PACKAGE / "src/index.js")):
        room = tmp_path / name
        room.mkdir()
        environment = {"SDK": str(module), "BASE_URL": provider, "KEY": KEY}
        told[name] = json.loads(run(program("node"), PROGRAMS / "dropin.mjs", cwd=room, **environment))
    assert told["ours"] == told["theirs"]
    assert told["ours"]["refused"]["kinds"] == ["APIError", "BadRequestError"]
