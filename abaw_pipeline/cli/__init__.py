"""The command line: one verb a rule, plus what people type. Verbs are imported only when they are called."""

from __future__ import annotations

import importlib
import io
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import click

from abaw_pipeline import __version__
from abaw_pipeline.runtime.storage import EXIT_CODE, CannotWrite, fault_of

VERBS = {
    "demo": "Write the built-in corpus, which needs no licence, in the layout of any data set that is read.",
    "predict": "Predict raw recordings with a trained ensemble.",
    "lint": "Check a submission file against the organisers' format and sample file.",
    "score": "Score predictions of any track against labels, from files alone.",
    "check": "Check the settings and say what a run would contain.",
    "doctor": "Examine data sets before anything is computed: what is wrong with which clip, and what becomes of it.",
    "plan": "Say what a run would do, how long it would take and what it would keep.",
    "status": "Say how far each stage is, what is under way and what stopped.",
    "features": "List the features, their weights and how many clips have them; show one clip's.",
    "why": "Say why something is stale, up to date or missing, and what would run.",
    "adopt": "Let changed code count as unchanged where a check of values proves it harmless.",
    "folds": "Write the folds of an experiment to a CSV file that may be edited and brought back.",
    "weights": "List weights, present or missing, their licences and sources; 'weights fetch NAME' gets them.",
    "schema": "Print the JSON schema of config.yaml, for editors.",
    "summary": "Say where the results are, how good they look, and what was skipped.",
    "clean": "List what no setting refers to any more in the results, ask, and remove it.",
    "listing": "Rule: note which raw files a data set has.",
    "index": "Rule: list a data set's clips, labels and samples.",
    "media": "Rule: picture clock, face crops and sound of one shard of clips.",
    "transcribe": "Rule: what a speech recogniser hears in one shard of clips.",
    "extract": "Rule: one feature of one shard of clips.",
    "join": "Rule: join a feature's shards into one manifest.",
    "train": "Rule: train one fold and seed of an experiment.",
    "infer": "Rule: predict clips with one trained model.",
    "ensemble": "Rule: fuse the predictions of an ensemble's members.",
    "submit": "Rule: write a submission file and the zip that is sent.",
    "curves": "Rule: one CSV and one plot per clip of an ensemble.",
    "report": "Rule: write the report page.",
}


@dataclass(frozen=True)
class Run:
    """The settings file a verb works on; read when first asked for, so that verbs without one need none."""

    file: Path
    overrides: tuple[str, ...] = ()

    @cached_property
    def config(self):  # type: ignore[no-untyped-def]  # the schema is imported only where it is needed
        from abaw_pipeline.settings_file import load

        return load(self.file, self.overrides)

    @property
    def results(self) -> Path:
        return Path(self.config.results)

    def device(self, what: str, threads: int | None = None, share: bool = False, kind: str | None = None):  # type: ignore[no-untyped-def]
        """A function that gives the device to compute on, and waits for one, when a job with work first asks for it.

        The device is held until the verb ends.

        Args:
            what: the job in a few words, told to whoever waits for its GPU.
            threads: CPU threads; as many as there are cores where ``None``.
            share: with other small jobs, where the settings allow it.
            kind: as ``device`` in the settings, which it stands in for.
        """
        from functools import cache

        context = click.get_current_context()

        @cache
        def choose():  # type: ignore[no-untyped-def]
            from abaw_pipeline.runtime.lease import leased

            chosen = context.with_resource(leased(kind or self.config.device, self.config.gpus, what, share))
            from abaw_pipeline.runtime.device import use_threads

            use_threads(threads)
            return chosen

        return choose

    def layout(self, dataset: str):  # type: ignore[no-untyped-def]
        from abaw_pipeline.runtime.paths import Layout
        from abaw_pipeline.strict import nearest

        if dataset not in self.config.datasets:
            raise ValueError(f"{self.file}: no data set '{dataset}'{nearest(dataset, self.config.datasets)}")
        return Layout(self.results, dataset)


class _Lazy(click.Group):
    """Shows every verb, imports one."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        return importlib.import_module(f"abaw_pipeline.cli.{name}").command

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(self, context, arguments):  # type: ignore[no-untyped-def]
        from abaw_pipeline.strict import nearest

        if arguments and arguments[0] not in VERBS and not arguments[0].startswith("-"):
            raise ValueError(f"no command '{arguments[0]}'{nearest(arguments[0], VERBS)}")
        return super().resolve_command(context, arguments)


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="abaw")
@click.option(
    "--config", "file", type=click.Path(path_type=Path), default="config.yaml", show_default=True, help="Settings file."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override one setting, e.g. media.faces.detector=yunet; may be repeated.",
)
@click.pass_context
def group(context: click.Context, file: Path, overrides: tuple[str, ...]) -> None:
    """Affective behaviour analysis in the wild: from recordings to submission files."""
    context.obj = Run(file, overrides)


def main(arguments: list[str] | None = None) -> None:
    """Run the program; user errors become one line on standard error and exit code 2, a full disk one and 74."""
    try:
        group.main(args=arguments, prog_name="abaw", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "abaw"
        _stop(f"{error.format_message()} (see '{command} --help')", 2)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        sys.exit(130)
    except ValueError as error:
        _stop(error, 2)
    except CannotWrite as error:
        _stop(error, EXIT_CODE)
    except PermissionError as error:
        _stop(f"{error.filename}: {error.strerror}", 2)
    except OSError as error:  # met outside the writing of a file, as when the log is full
        fault = fault_of(error, Path(error.filename or "/dev/stdout").resolve())
        if fault is None:
            raise
        _stop(fault, EXIT_CODE)


def _stop(reason: object, code: int) -> NoReturn:
    """One line on standard error, and the exit code."""
    try:
        click.echo(f"abaw: {reason}", err=True)
        sys.stdout.flush()
    except OSError:  # the log is on a full disk: the exit code says what is left to be said
        sys.stdout = sys.stderr = io.StringIO()
    sys.exit(code)
