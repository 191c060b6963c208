"""The wheel as a user has it: built, installed into a clean environment, run in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.xdist_group("wheel")


def run(*command: str | Path, cwd: Path, expect: int = 0) -> subprocess.CompletedProcess[str]:
    """A command without this process's Python settings; its output is shown when the status is another one."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "COV"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == expect, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT, cwd=ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the base install alone; its bin folder."""
    home = tmp_path_factory.mktemp("venv")
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home)
    install(home / "bin", wheel)
    return home / "bin"


def install(into: Path, what: str | Path) -> None:
    """Install into an environment by the pip of this one: a second pip takes longer than what is installed."""
    pip = (sys.executable, "-m", "pip", "--python", into / "python", "install", "--quiet", "--no-compile")
    run(*pip, what, cwd=into)


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {
        "imageproof",
        "imageproof_conformance",
        "imageproof_reference",
    }
    spec = {f"imageproof/spec/{file.relative_to(ROOT / 'spec').as_posix()}" for file in (ROOT / "spec").rglob("*.*")}
    assert spec <= set(names)
    for package in ("imageproof", "imageproof_conformance", "imageproof_reference"):
        assert f"{package}/py.typed" in names
    assert any(name.endswith(".jinja") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if "__pycache__" in name or ".hypothesis" in name]


def test_cli_in_an_empty_folder(clean: Path, tmp_path: Path) -> None:
    assert run(clean / "imageproof", "--version", cwd=tmp_path).stdout.startswith("imageproof ")
    assert "generate" in run(clean / "python", "-m", "imageproof", "--help", cwd=tmp_path).stdout
    refused = run(clean / "imageproof", "generate", cwd=tmp_path, expect=2)
    assert "--out" in refused.stderr and "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


def test_generate_from_the_wheel(clean: Path, tmp_path: Path) -> None:
    """Packaged templates and packaged spec give what the checkout gives; --check agrees, and sees an edit."""
    command = ("generate", "--target", "python,typescript", "--out", "clients", "--name", "imageproof_client")
    run(clean / "imageproof", *command, cwd=tmp_path)
    package = ROOT / "generated" / "typescript"
    for file in [package / "package.json", *package.glob("src/*.js"), *package.glob("types/*.d.ts")]:
        assert (tmp_path / "clients" / "typescript" / file.relative_to(package)).read_bytes() == file.read_bytes()
    models = tmp_path / "clients" / "python" / "imageproof_client" / "models.py"
    assert models.read_bytes() == (ROOT / "generated" / "python" / "imageproof_client" / "models.py").read_bytes()
    run(clean / "imageproof", *command, "--check", cwd=tmp_path)
    models.write_text(models.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")
    found = run(clean / "imageproof", *command, "--check", cwd=tmp_path, expect=1)
    assert "-# edited" in found.stdout + found.stderr


def test_generate_from_anybodys_document(clean: Path, tmp_path: Path) -> None:
    (tmp_path / "api.yaml").write_bytes((ROOT / "spec" / "openapi.yaml").read_bytes())
    command = ("generate", "--spec", "api.yaml", "--target", "python", "--out", "mine", "--name", "my_images")
    run(clean / "imageproof", *command, cwd=tmp_path)
    assert (tmp_path / "mine" / "python" / "my_images" / "__init__.py").is_file()
    run(clean / "imageproof", *command, "--check", cwd=tmp_path)


@pytest.mark.parametrize(("command", "extra"), [("conform", "suite"), ("serve", "serve"), ("demo", "all")])
def test_a_missing_extra_is_named(clean: Path, tmp_path: Path, command: str, extra: str) -> None:
    arguments = ["http://127.0.0.1:9/v1"] if command == "conform" else []
    refused = run(clean / "imageproof", command, *arguments, cwd=tmp_path, expect=2)
    assert f"imageproof[{extra}]" in refused.stderr and "Traceback" not in refused.stderr


def test_suite_and_demo_from_the_wheel(clean: Path, wheel: Path, tmp_path: Path) -> None:
    """With its extras the wheel judges, and shows itself, in an empty folder."""
    install(clean, f"{wheel}[all]")
    shown = run(clean / "imageproof", "demo", "--keep", tmp_path / "kept", cwd=tmp_path).stdout
    assert "without a fault: nothing broken" in shown and shown.count(": caught") == 3
    assert "BROKEN GEN-SIZE-PIXELS" in shown and "sent: POST" in shown and "got:  200" in shown
    assert shown.rstrip().endswith("imageproof conform https://your-host/v1")
    assert len(list((tmp_path / "kept" / "runs").rglob("report.json"))) == 4
    refused = run(clean / "imageproof", "conform", "http://127.0.0.1:9/v1", "--no-key", cwd=tmp_path, expect=3)
    assert "Traceback" not in refused.stdout + refused.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"imageproof-runs", "kept"}
