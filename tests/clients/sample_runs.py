"""The samples of the sources as commands: the rows of `samples/samples.yaml`, and the tools that they are for."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from imageproof.contract.document import load
from imageproof.contract.locate import CHECKOUT

SAMPLES = Path(__file__).with_name("samples")
PAGES: dict[str, dict[str, Any]] = yaml.safe_load((SAMPLES / "samples.yaml").read_text(encoding="utf-8"))

# The literal key of some samples, and what the variables that others read are set to.
KEY = "YOUR_API_KEY"
VARIABLES = dict.fromkeys(("OPENAI_API_KEY", "NEWAPI_API_KEY", "YOUR_API_KEY"), KEY)


@dataclass(frozen=True)
class Refused:
    """A refusal: its parameter and message, and what the client says, where that is not the message."""

    message: str
    param: str | None = None
    says: str = ""


@dataclass(frozen=True)
class Run:
    """One row of `samples.yaml`, whose head says what the fields mean."""

    source: str
    sample: str
    line: int
    tool: str
    mend: Mapping[str, str] = field(default_factory=dict)
    answer: int = 0
    served: Mapping[str, int] = field(default_factory=dict)
    refused: Refused | None = None
    fails: str = ""
    because: Sequence[str] = ()

    def __str__(self) -> str:
        return f"{self.source} {self.line} {self.tool}" + f", {len(self.mend)} mended" * bool(self.mend)

    @property
    def operation(self) -> str:
        """The operationId, with which the name of the file begins."""
        return self.sample.partition(".")[0].partition("-")[0]

    def text(self, origin: str) -> str:
        """The sample, mended where it is to be, with the provider as its host."""
        text = (SAMPLES / self.source / self.sample).read_text(encoding="utf-8")
        for old, new in self.mend.items():
            assert old in text, f"{self.sample} has nothing to mend: {old!r}"
            text = text.replace(old, new)
        return text.replace(PAGES[self.source].get("host", origin), origin)


def _run(source: str, row: Mapping[str, Any]) -> Run:
    told = {name: value for name, value in row.items() if name not in ("with", "refused")}
    refused = Refused(**row["refused"]) if "refused" in row else None
    return Run(source, tool=row["with"], refused=refused, **told)


RUNS = [_run(source, row) for source, page in PAGES.items() for row in page["runs"]]


@dataclass(frozen=True)
class Command:
    """What is run. `variables` come on top of the keys."""

    words: Sequence[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""


def command(run: Run, origin: str, folder: Path) -> Command:
    """The command of a run against the provider at `origin`, in a folder of its own. Skips by the name of its tool
    where that is not there."""
    return TOOLS[run.tool][0](run, origin, folder)


def agent(run: Run) -> str:
    """How the User-Agent of the tool begins."""
    return TOOLS[run.tool][1]


def _bash(run: Run, origin: str, folder: Path) -> Command:
    return Command([program("bash"), "-c", run.text(origin)])


def _curl(run: Run, origin: str, folder: Path) -> Command:
    program("curl")
    return _bash(run, origin, folder)


def _json(run: Run, origin: str, folder: Path) -> Command:
    """A body as JSON, also one that is written as YAML."""
    content = json.dumps(yaml.safe_load(run.text(origin)), ensure_ascii=False)
    return _body(run, origin, ["-H", "Content-Type: application/json", "--data-binary", content])


def _form(run: Run, origin: str, folder: Path) -> Command:
    """A mapping as a form: a part each, a file where the value is @ and a name."""
    values = yaml.safe_load(run.text(origin)).items()
    texts = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in values]
    parts = [("-F" if text.startswith("@") else "--form-string", f"{name}={text}") for name, text in texts]
    return _body(run, origin, [word for part in parts for word in part])


def _body(run: Run, origin: str, body: Sequence[str]) -> Command:
    url = f"{origin}/v1{load().operations()[run.operation].path}"
    return Command([program("curl"), url, "-H", f"Authorization: Bearer {KEY}", *body])


def _python_3(run: Run, origin: str, folder: Path) -> Command:
    return Command([sys.executable, "-c", run.text(origin)], {"OPENAI_BASE_URL": f"{origin}/v1"})


def _python_0(run: Run, origin: str, folder: Path) -> Command:
    python = os.environ.get("IMAGEPROOF_OPENAI_0_PYTHON", "")
    if not Path(python).is_file():
        pytest.skip("needs openai 0.28: IMAGEPROOF_OPENAI_0_PYTHON names a Python with .ci/openai-0/requirements.txt")
    return Command([python, "-c", run.text(origin)], {"OPENAI_API_BASE": f"{origin}/v1"})


def _node_7(run: Run, origin: str, folder: Path) -> Command:
    return _node("openai", {"OPENAI_BASE_URL": f"{origin}/v1"}, run.text(origin), folder)


def _node_3(run: Run, origin: str, folder: Path) -> Command:
    """The host of this package is a constant in it."""
    host = f'require("openai/dist/base").BASE_PATH = "{origin}/v1"\n'
    return _node("openai-3", {}, host + run.text(origin), folder)


def _node(package: str, variables: Mapping[str, str], text: str, folder: Path) -> Command:
    """A program typed into Node's prompt: `require`, a bare `await` and an `fs` that nobody required all work there,
    but in no file."""
    node = program("node")
    link = folder / "node_modules" / "openai"
    link.parent.mkdir()
    link.symlink_to((modules(package) / package).resolve())
    return Command([node, "--interactive"], variables, text)


def modules(*packages: str) -> Path:
    """The `node_modules` that has these packages of npm. Skips by the name of one that is not there."""
    named = Path(os.environ.get("IMAGEPROOF_NODE_BIN", ".")).parent
    homes = [named, *(CHECKOUT / folder / "node_modules" for folder in (".", ".ci/node"))]
    for package in packages:
        homes = [home for home in homes if (home / package / "package.json").is_file()]
        if not homes:
            pytest.skip(f"npm's {package} is not installed; npm install --prefix .ci/node does it")
    return homes[0].resolve()


def program(name: str) -> str:
    """Where a program is, of the machine or of npm. Skips by its name where it is not."""
    homes = (None, os.environ.get("IMAGEPROOF_NODE_BIN", ""), os.fspath(CHECKOUT / ".ci/node/node_modules/.bin"))
    found = next(filter(None, (shutil.which(name, path=home) for home in homes)), None)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


# tool -> (how it is run, how its User-Agent begins)
TOOLS: Mapping[str, tuple[Callable[[Run, str, Path], Command], str]] = {
    "bash": (_bash, ""),
    "curl": (_curl, "curl/"),
    "json": (_json, "curl/"),
    "form": (_form, "curl/"),
    "python 0.28": (_python_0, "OpenAI/v1 PythonBindings/0.28."),
    "python 3": (_python_3, "OpenAI/Python 3."),
    "node 3": (_node_3, "OpenAI/NodeJS/3."),
    "node 7": (_node_7, "OpenAI/JS 7."),
}
