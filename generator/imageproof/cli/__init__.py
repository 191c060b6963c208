"""The command line: a group whose commands are imported only when they are called."""

from __future__ import annotations

import errno
import importlib
from dataclasses import dataclass
from typing import IO, Any

import click

from imageproof import __version__
from imageproof.errors import ImageproofError


@dataclass(frozen=True)
class Entry:
    """One command: its place as "module:attribute", a line of help, and the extra that it needs ("" for none)."""

    place: str
    help: str
    extra: str = ""


COMMANDS = {
    "conform": Entry("imageproof.cli.conform:conform", "Judge a live endpoint against the contract.", "suite"),
    "baseline": Entry(
        "imageproof.cli.baseline:baseline", "Write down for review which failures are expected.", "suite"
    ),
    "demo": Entry(
        "imageproof.cli.demo:demo", "See the whole at work on this machine: clients, provider, verdict.", "all"
    ),
    "generate": Entry("imageproof.cli.generate:generate", "Write typed clients and strict.yaml, or check them."),
    "explain": Entry("imageproof.cli.explain:explain", "Tell a requirement: who says so, what its breach breaks."),
    "recheck": Entry(
        "imageproof.cli.recheck:recheck", "Judge a recorded run again, or the traffic in a HAR; sends nothing.", "suite"
    ),
    "serve": Entry("imageproof.cli.serve:serve", "Run the reference provider.", "serve"),
    "spec": Entry("imageproof.cli.spec:spec", "Show the contract, diff documents, account for its sources."),
}
EPILOG = """\b
Examples:
  imageproof generate --target python --out clients
  imageproof generate --target python --out clients --check
  imageproof generate --spec api.yaml --name my_client --target python --out mine
  imageproof spec diff https://host/openapi.json
  imageproof serve --port 8080 --key sk-test
  IMAGEPROOF_API_KEY=sk-test imageproof conform http://127.0.0.1:8080/v1
"""


class Group(click.Group):
    """Commands by the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute = entry.place.split(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise missing(cmd_name, error) from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name].help) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> None:
        """Run a command, and exit with what it returns; 2 for a mistake of the user's, 130 when interrupted."""
        try:
            status = super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(130)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise _Told(f"cannot write what it says: {error.strerror}") from None
        except ImageproofError as error:
            raise _Told(str(error)) from None
        except ModuleNotFoundError as error:
            raise missing(ctx.invoked_subcommand or "", error) from None
        ctx.exit(status if isinstance(status, int) else 0)


class _Told(click.ClickException):
    """An error whose message says all there is to say."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(self.message, file=file, err=file is None)


def missing(command: str, error: ModuleNotFoundError) -> Exception:
    """What to raise when a command finds a package missing: which extra brings it; for one of ours, that error."""
    extra = COMMANDS[command].extra if command in COMMANDS else ""
    if not extra or (error.name or "").split(".")[0] == "imageproof":
        return error
    return _Told(f"{command} needs {error.name}, which is not installed: pip install 'imageproof[{extra}]'")


@click.group(cls=Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="imageproof", message="%(prog)s %(version)s")
def main() -> None:
    """One contract for every OpenAI-compatible Images API: spec, typed clients, and proof that a server keeps it."""
