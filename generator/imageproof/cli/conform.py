"""`imageproof conform`: starts the suite in a process of its own, out of reach of the user's pytest settings."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from imageproof.cli.held import BASELINE, GATE, RULES, STALE
from imageproof.errors import UsageError

SUITE = "imageproof_conformance"  # started by name: the generator does not import the suite
STATUS = "IMAGEPROOF_STATUS_FILE"  # tells the suite where to write its exit status
SUITE_FAILED = 5
GREETING = "imageproof: looking at the target; the plan comes before any picture"  # libraries take two seconds
NEEDED = ("httpx2", "PIL", "pytest", "rich", "schemathesis")  # what the extra brings

_EPILOG = """\b
Exit status: 0 nothing is broken, 1 a rule is broken, 2 wrong usage, 3 no verdict (unreachable, silent,
key, quota, no Images API), 4 a limit ended the run before all rules were judged, 5 the suite itself failed,
130 interrupted.

Without --tier, --max-images and --max-cost only refusals, lists and keys are tried, which costs nothing on a
server that refuses what it must, and never more than 12 pictures."""


_TIER = (
    "How much is asked for. Default: free; with a limit of pictures or money the larger of core and standard that fits."
)
_OVERLAY = "OpenAPI Overlay 1.0 on the contract that is judged by. Repeatable: each on the result of those before it."
_MAX_COST = "Never cost more, by the contract's list prices or by --price-per-image."
_PRICE = "What any picture costs, in the place of list prices."
_MAX_TIME = "Start no call after this many seconds, and wait for none longer; a paid call that is cut counts as spent."
_URL_AGE = "Fetch the links of answers once more when they are that old, as 60s. Default: at the end of the run."
_REQUIRE = "Fail unless these are offered: generations,edits,variations,models,stream."
_SUMMARY = "Summary in Markdown. GITHUB_STEP_SUMMARY, where it is set, gets it too."
_PROVIDER = "What a provider documents: a name of spec/providers, or a YAML file. URL may be left out where it has one."
_HEADER = "Header of every call; secrets in it are masked in all that is kept. Repeatable."
_RATE = "Calls a second. Default: 2, and no limit for targets on this machine."


@click.command("conform", epilog=_EPILOG, context_settings={"max_content_width": 110})
@click.argument("url", required=False)
@click.option("--provider", metavar="NAME", help=_PROVIDER)
@click.option("--base-path", metavar="PATH", help="Path of the API, in place of that of the URL or the provider.")
@click.option("--header", metavar="'NAME: VALUE'", multiple=True, help=_HEADER)
@click.option("--family", metavar="FAMILY", help="Family whose rules all models are held to that name none themselves.")
@click.option("--model", metavar="NAME[=FAMILY]", multiple=True, help="Model; FAMILY for an alias. Repeatable.")
@click.option("--overlay", metavar="FILE", multiple=True, help=_OVERLAY)
@click.option("--key-env", metavar="NAME", help="Environment variable with the key. Default: IMAGEPROOF_API_KEY.")
@click.option("--key-file", metavar="FILE", help="File with the key.")
@click.option("--no-key", is_flag=True, help="The server is open: send no key.")
@click.option("--tier", type=click.Choice(["free", "core", "standard", "full"]), help=_TIER)
@click.option("--max-images", type=click.IntRange(0), metavar="N", help="Never cost more than N pictures.")
@click.option("--max-cost", type=click.FloatRange(0), metavar="AMOUNT", help=_MAX_COST)
@click.option("--price-per-image", type=click.FloatRange(0), metavar="AMOUNT", help=_PRICE)
@click.option("--max-requests", type=click.IntRange(1), metavar="N", help="Never send more than N requests.")
@click.option("--max-time", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help=_MAX_TIME)
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Of one call. Default: 600."
)
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Calls at once. Default: 1, or 8 on this machine.")
@click.option("-n", "processes", metavar="N", hidden=True)
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help=_RATE)
@click.option("-k", "--only", metavar="EXPR", help="Only these rules, as in pytest: 'SIZE and not EDIT'.")
@click.option("--require", metavar="NAMES", help=_REQUIRE)
@click.option("--gate", type=click.Choice(["contract", "sdk", "both"]), help=f"{GATE} Default: contract.")
@click.option("--rules", metavar="SET", help=f"{RULES} Default: the baseline's, or the newest.")
@click.option("--baseline", type=click.Path(dir_okay=False), metavar="FILE", help=BASELINE)
@click.option("--stale", type=click.Choice(["fail", "warn"]), help=f"{STALE} Default: fail.")
@click.option("--heavy", is_flag=True, help="Try uploads of 10 MB and more and huge sizes too.")
@click.option("--moderation", metavar="TEXT", help="A prompt that the target's filter must stop: try that too.")
@click.option("--url-age", metavar="TIME", help=_URL_AGE)
@click.option("--out", type=click.Path(file_okay=False), metavar="DIR", help="Of the runs. Default: imageproof-runs.")
@click.option(
    "--json",
    "json",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="JSON report, once more; with --dry-run the plan.",
)
@click.option("--junit", type=click.Path(dir_okay=False), metavar="FILE", help="JUnit report, once more.")
@click.option("--summary", type=click.Path(dir_okay=False), metavar="FILE", help=_SUMMARY)
@click.option("--dry-run", is_flag=True, help="Show calls and pictures; ask for nothing but the list of models.")
def conform(url: str | None, only: str | None, processes: str | None, **options: Any) -> None:
    """Judge the Images API at URL: what it offers, which rules it breaks and whom that breaks."""
    if processes is not None:
        raise UsageError("-n would pay for every picture once a process; type --workers N")
    if not url and options["provider"] is None:
        raise UsageError("no target: type the URL of an Images API, for example https://host/v1, or --provider NAME")
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"the suite needs {', '.join(missing)}: pip install 'imageproof[suite]'")
    if sys.stderr.isatty():  # for who waits; the first line for programs is the plan, or the mistake
        click.echo(GREETING, err=True)
    sys.exit(start(arguments(url, options), only))


def arguments(url: str | None, options: Mapping[str, Any]) -> list[str]:
    """The plugin's arguments for our options; what was not given is left to the suite. The key is never among them."""
    out = [f"--imageproof-url={url}"] if url else []
    for name, value in options.items():
        flag = f"--imageproof-{name.replace('_', '-')}"
        if value is True:
            out.append(flag)
        elif isinstance(value, tuple):
            out += [f"{flag}={one}" for one in value]
        elif value is not None and value is not False:
            out.append(f"{flag}={value}")
    return out


def start(plugin_arguments: list[str], only: str | None = None) -> int:
    """Run the suite and hand its exit status on. An interrupt goes to it once, and it answers with what it has."""
    spec = importlib.util.find_spec(SUITE)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(f"{SUITE} is not installed: pip install 'imageproof[suite]'")
    package = Path(next(iter(spec.submodule_search_locations)))
    command = [sys.executable, "-m", "pytest", "-c", str(package / "pytest.ini"), f"--rootdir={package}"]
    command += ["-p", f"{SUITE}.plugin", *plugin_arguments, *([f"-k{only}"] if only is not None else [])]
    with tempfile.TemporaryDirectory(prefix="imageproof-") as scratch:
        process = subprocess.Popen([*command, "--pyargs", SUITE], env=_environment(scratch), process_group=0)
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: process.send_signal(signal.SIGINT))
        process.wait()
        return _status(Path(scratch) / "status")


def _status(path: Path) -> int:
    """What the suite wrote down when it concluded; without that it failed. pytest's own statuses mean other things."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return SUITE_FAILED


def _environment(scratch: str) -> dict[str, str]:
    """The user's environment without what would steer pytest; libraries keep their files in the scratch folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {
        **kept,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
        STATUS: f"{scratch}/status",
    }
