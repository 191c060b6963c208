"""`imageproof recheck`: a recorded run judged again, or traffic that a browser or proxy recorded."""

from __future__ import annotations

import importlib
from typing import Any

import click

from imageproof.cli.held import BASELINE, GATE, RULES, STALE

_EPILOG = """\b
PATH is the folder of a run below imageproof-runs, its transcript.jsonl, or a HAR file. No socket is opened.
Exit status: that of the verdict, as of `conform`; 2 when PATH cannot be read as one of these."""

_OVERLAY = "OpenAPI Overlay 1.0 on the contract that is judged by, instead of those of the run. Repeatable."
_KEPT = "Default: that of the run."
_MODEL = "Of a HAR: the family whose rules an alias is held to. Repeatable."


@click.command("recheck", epilog=_EPILOG, context_settings={"max_content_width": 110})
@click.argument("path", metavar="PATH")
@click.option("--overlay", metavar="FILE", multiple=True, help=_OVERLAY)
@click.option("--model", metavar="NAME=FAMILY", multiple=True, help=_MODEL)
@click.option("-k", "--only", metavar="EXPR", default="", help="Only these rules, as in pytest: 'SIZE and not EDIT'.")
@click.option(
    "--out", type=click.Path(file_okay=False), metavar="DIR", help="Of the reports. Default: imageproof-runs."
)
@click.option("--gate", type=click.Choice(["contract", "sdk", "both"]), help=f"{GATE} {_KEPT}")
@click.option("--rules", metavar="SET", help=f"{RULES} {_KEPT}")
@click.option("--baseline", type=click.Path(dir_okay=False), metavar="FILE", help=f"{BASELINE} {_KEPT}")
@click.option("--stale", type=click.Choice(["fail", "warn"]), help=f"{STALE} {_KEPT}")
@click.option("--json", type=click.Path(dir_okay=False), metavar="FILE", help="JSON report, once more.")
@click.option("--junit", type=click.Path(dir_okay=False), metavar="FILE", help="JUnit report, once more.")
@click.option("--summary", type=click.Path(dir_okay=False), metavar="FILE", help="Summary in Markdown.")
def recheck(**options: Any) -> int:
    """Judge a recorded run again, by today's requirements, or the traffic in a HAR. Nothing is sent."""
    suite = importlib.import_module("imageproof_conformance.recheck")  # by name: the generator does not import it
    status: int = suite.guarded(suite.Asked(**options))
    return status
