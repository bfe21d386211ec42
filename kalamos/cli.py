"""The command line: parse, call one library function, print.

Heavy modules are imported inside the commands, so that ``kalamos --help`` answers at once. Exit codes: 0 done,
1 failed, 2 wrong usage.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

import kalamos
from kalamos.errors import KalamosError
from kalamos.machinery.crash import unforeseen

_PATH = click.Path(path_type=Path)
_EXISTING = click.Path(exists=True, path_type=Path)


_LOUDNESS = "kalamos.loudness"
_LEVELS = {"quiet": logging.ERROR, "": logging.NOTSET, "verbose": logging.INFO}


def _set_loudness(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value:
        return
    if ctx.meta.get(_LOUDNESS, param.name) != param.name:
        raise click.UsageError("--quiet and --verbose cannot be had together", ctx)
    ctx.meta[_LOUDNESS] = param.name


def _is(loudness: str) -> bool:
    ctx = click.get_current_context(silent=True)
    return ctx is not None and ctx.meta.get(_LOUDNESS) == loudness


def _note(line: str) -> None:
    """Tell on standard error what is no error; --quiet keeps it away."""
    if not _is("quiet"):
        click.echo(line, err=True)


def _fail(what: str) -> NoReturn:
    """Say on standard error why a command ends with exit code 1, whatever it printed of the rest."""
    click.secho(f"kalamos: {what}", fg="red", err=True)
    sys.exit(1)


def _tell(items: Iterable[Any], failed: Callable[[Any], bool]) -> None:
    """Print a line an item: results to standard output, failures to standard error."""
    for item in items:
        if failed(item):
            click.secho(f"kalamos: {item.line()}", fg="red", err=True)
        else:
            click.echo(item.line())


def _loudness_option(name: str, about: str) -> click.Option:
    options = (f"--{name}", f"-{name[0]}")
    return click.Option(options, is_flag=True, is_eager=True, expose_value=False, callback=_set_loudness, help=about)


class _Loud(click.Command):
    """A command with ``--quiet`` and ``--verbose``, which mean the same everywhere."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, helping = super().get_params(ctx)
        return [
            *own,
            _loudness_option("quiet", "Standard error holds errors and nothing else."),
            _loudness_option("verbose", "Standard error tells progress in lines, the cost, and where an error arose."),
            helping,
        ]


class _Command(_Loud):
    """A command that sets how much is said, and says what it cost."""

    def invoke(self, ctx: click.Context) -> Any:
        logging.getLogger("kalamos").setLevel(_LEVELS[ctx.meta.get(_LOUDNESS, "")])
        began, before = time.monotonic(), sum(os.times()[:4])
        try:
            return super().invoke(ctx)
        finally:
            if _is("verbose"):
                spent = sum(os.times()[:4]) - before
                _note(f"kalamos {ctx.info_name}: {time.monotonic() - began:.1f} s, {spent:.1f} s of processor time")


class _Group(_Loud, click.Group):
    """Turns errors into one line and exit code 1; those that nobody foresaw leave their trace in a log file."""

    command_class = _Command

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a file name may be no text that the terminal can show
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KalamosError as error:
            if ctx.meta.get(_LOUDNESS) == "verbose":
                traceback.print_exception(error)
            message = str(error)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            message = unforeseen(error)
        _fail(message)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(kalamos.__version__, prog_name="kalamos")
def main() -> None:
    """Recover how a pen moved from an image of handwriting; convert corpora, score recovery.

    \b
    Start here:
      kalamos demo                              the whole of it on the built-in corpus
      kalamos convert unipen SRC DEST           an online corpus to images and ink
      kalamos bench latin-characters --model M  a place on the leaderboard
      kalamos recover scan.png                  a scan to ink
    """


def _names(kind: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Complete the names of a kind in a shell; what looks like a path is completed as one."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        del ctx, param
        if incomplete.startswith((".", "/", "~")) or "/" in incomplete:
            return [CompletionItem(incomplete, type="file")]
        from kalamos.commands.list import names

        return [CompletionItem(name) for name in names(kind) if name.startswith(incomplete)]

    return complete


workers_option = click.option(
    "--workers", "-j", type=click.IntRange(1), default=1, show_default=True, help="Local worker processes."
)
scheduler_option = click.option("--scheduler", metavar="ADDRESS", help="A Dask scheduler (tcp://host:port) instead.")
seed_option = click.option("--seed", default=0, show_default=True, help="Seed of everything that is sampled.")
style_option = click.option(
    "--style", default="clean", show_default=True, shell_complete=_names("styles"), help="A preset, or a TOML file."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
root_option = click.option(
    "--corpus-root",
    "--root",
    "root",
    type=_PATH,
    envvar="KALAMOS_CORPUS_ROOT",
    help="The corpus folder, or a folder of all corpora; default: what KALAMOS_CORPORA names.",
)
results_option = click.option("--out", type=_PATH, default=Path("runs"), show_default=True, help="Folder for results.")
cache_option = click.option("--cache", type=_PATH, help="Folder for prepared tasks; default: the user's cache folder.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that are there already.")
columns_option = click.option(
    "--columns", metavar="x=..,y=..,t=..", help="For tables and JSON: which column or key is x, y, t, stroke, pen ..."
)
metrics_option = click.option("--metrics", multiple=True, metavar="A,B", help="Only these metrics, in this order.")
all_metrics_option = click.option("--all-metrics", is_flag=True, help="Every metric, not the main ones.")
no_intervals_option = click.option("--no-intervals", is_flag=True, help="Leave the 95 % intervals out.")
limit_option = click.option("--limit", type=click.IntRange(1), help="Only so many samples; the result says so.")


@main.command()
@click.argument("corpus", shell_complete=_names("corpora"))
@click.argument("src", type=_PATH)
@click.argument("dest", type=_PATH)
@style_option
@click.option("--no-images", is_flag=True, help="Ink alone.")
@click.option("--option", "-o", "options", multiple=True, metavar="NAME=VALUE", help="A choice of the corpus (repeat).")
@columns_option
@click.option("--shards", type=click.IntRange(1), default=32, show_default=True, help="Into how many files.")
@click.option("--strict", is_flag=True, help="Stop at the first piece that cannot be read.")
@click.option(
    "--file-timeout",
    "file_timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds of processor time that a file may take without giving a sample; it is refused beyond.",
)
@seed_option
@workers_option
@scheduler_option
@json_option
def convert(
    corpus: str,
    src: Path,
    dest: Path,
    style: str,
    no_images: bool,
    options: tuple[str, ...],
    columns: str | None,
    shards: int,
    strict: bool,
    file_timeout_s: float,
    seed: int,
    workers: int,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Convert the online CORPUS at SRC to Parquet files of ink and images in DEST.

    A run that was cut short is continued by the same command. What could not be read stands in DEST/report.json.
    `kalamos list corpora` shows the names; `auto` takes any file or folder and finds out each format, and the built-in
    corpus `synthetic` takes any SRC, for example `-`. For any other `-` stands for its folder below the one that
    KALAMOS_CORPORA names.
    """
    from kalamos.datasets.convert import Conversion
    from kalamos.datasets.convert import convert as run
    from kalamos.datasets.shared_root import WITHOUT_FOLDER, find_corpus

    chosen = None if no_images else _style(style)
    if src == Path("-") and corpus not in WITHOUT_FOLDER:
        src = find_corpus(corpus, None)
    options = (*options, f"columns={columns}") if columns else options
    conversion = Conversion(corpus, src, _pairs(options), chosen, seed, shards, strict, file_timeout_s)
    with _progress("converting") as progress:
        report = run(conversion, dest, workers=workers, scheduler=scheduler, progress=progress)
    if as_json:
        click.echo(json.dumps({"samples": report.samples, "counts": report.counts, "refused": report.reasons()}))
    else:
        _print_conversion(report, dest)
    if not report.samples:
        raise KalamosError(
            f"no sample was written: all of {src} was refused, or holds none; see {dest / 'report.json'}"
        )


def _print_conversion(report: Any, dest: Path) -> None:
    click.echo(f"{report.samples} samples in {dest}; " + ", ".join(f"{k} {v}" for k, v in report.counts.items()))
    if report.is_unlabelled:
        click.echo("no sample has a label: tasks that read labels cannot use this corpus")
    for name, number in report.expected.items():
        click.echo(f"announced by the files: {number} x {name}")
    for what, number in report.recognised.items():
        click.echo(f"recognised: {number} x {what}")
    for rule, number in report.mendings.items():
        click.echo(f"mended: {number} x {rule}")
    click.echo(f"refused: {len(report.refusals)}" + (f" (each in {dest / 'report.json'})" if report.refusals else ""))
    for reason, number in report.reasons().most_common(12):
        click.echo(f"  {number} x {reason}")


@main.command()
@click.argument("corpus", shell_complete=_names("corpora"))
@click.argument("dest", type=_PATH, required=False)
def get(corpus: str, dest: Path | None) -> None:
    """Download the open CORPUS into DEST, or say how to obtain it.

    Without DEST it goes where every command finds it: below the folder that KALAMOS_CORPORA names.
    """
    from kalamos.datasets.obtain import obtain
    from kalamos.datasets.shared_root import place_of

    click.echo(obtain(corpus, dest or place_of(corpus)))


@main.command()
@click.argument("src", type=_EXISTING)
@click.argument("dest", type=_PATH)
@style_option
@seed_option
@limit_option
@overwrite_option
def render(src: Path, dest: Path, style: str, seed: int, limit: int | None, overwrite: bool) -> None:
    """Render the ink in SRC (any online format, or Parquet) to PNG files in the folder DEST."""
    from kalamos.commands.export import export as run

    count, report = run(src, dest, "png", style=_style(style), seed=seed, limit=limit, overwrite=overwrite)
    click.echo(f"{count} images in {dest}")
    _print_refusals(report)


@main.command()
@click.argument("src", type=_EXISTING)
@click.argument("dest", type=_PATH)
@click.option(
    "--to",
    required=True,
    type=click.Choice(["inkml", "unipen", "svg", "json", "stroke3", "xopp", "rm", "png"]),
    help="The format to write.",
)
@style_option
@seed_option
@columns_option
@limit_option
@overwrite_option
def export(
    src: Path, dest: Path, to: str, style: str, seed: int, columns: str | None, limit: int | None, overwrite: bool
) -> None:
    """Write the ink in SRC (a file or folder in any online format, or Parquet) to the file DEST in another format.

    For png, DEST is a folder. What a format cannot hold is left out: `docs/formats.md` says what comes back.
    """
    from kalamos.commands.export import export as run

    chosen = _style(style), _columns(columns)
    count, report = run(src, dest, to, style=chosen[0], seed=seed, limit=limit, columns=chosen[1], overwrite=overwrite)
    click.echo(f"{count} samples in {dest}")
    _print_refusals(report)


@main.command()
@click.argument("task", shell_complete=_names("tasks"))
@click.option(
    "--model",
    "-m",
    "models",
    multiple=True,
    metavar="NAME",
    shell_complete=_names("models"),
    help="A model (repeat); default: all built in.",
)
@root_option
@results_option
@cache_option
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=20.0,
    show_default=True,
    help="Seconds that one image may take.",
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.FloatRange(1),
    metavar="MB",
    help="Megabytes that a model and all its processes may hold; default: half of the machine's.",
)
@click.option("--no-controls", is_flag=True, help="Leave the control rows out.")
@click.option("--quick", is_flag=True, help="A first look: 100 samples; the result says so.")
@limit_option
@workers_option
@scheduler_option
@json_option
def bench(
    task: str,
    models: tuple[str, ...],
    root: Path | None,
    out: Path,
    cache: Path | None,
    timeout_s: float,
    memory_mb: float | None,
    no_controls: bool,
    quick: bool,
    limit: int | None,
    workers: int,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Predict and score models on TASK, and print the leaderboard.

    A model is a name of `kalamos list models`, `package.module:Class` or `path/to/file.py:Class`.
    """
    from kalamos.benchmark.run import IncompleteError
    from kalamos.benchmark.run import bench as run
    from kalamos.machinery.compiling import say_when_compiling

    say_when_compiling()
    try:
        with _progress("benchmark") as progress:
            results = run(
                task,
                models,
                root,
                out,
                cache=cache,
                timeout_s=timeout_s,
                memory_mb=memory_mb,
                controls=not no_controls,
                limit=100 if quick else limit,
                workers=workers,
                scheduler=scheduler,
                progress=progress,
            )
    except IncompleteError as error:
        if error.results:
            _print_board(error.results, as_json)
        raise
    _print_board(results, as_json)


@main.command()
@click.argument("predictions", type=_EXISTING)
@click.option("--task", required=True, shell_complete=_names("tasks"), help="The task that the predictions answer.")
@click.option("--name", help="The entry's name on the leaderboard; default: what the file says.")
@root_option
@results_option
@cache_option
@limit_option
@workers_option
@json_option
def score(
    predictions: Path,
    task: str,
    name: str | None,
    root: Path | None,
    out: Path,
    cache: Path | None,
    limit: int | None,
    workers: int,
    as_json: bool,
) -> None:
    """Score PREDICTIONS made elsewhere: a predictions.parquet, or a folder of InkML, one file a sample."""
    from kalamos.benchmark.run import score_predictions
    from kalamos.machinery.compiling import say_when_compiling

    say_when_compiling()
    with _progress("scoring") as progress:
        result = score_predictions(
            predictions, task, root, out, name=name, cache=cache, limit=limit, workers=workers, progress=progress
        )
    _print_board([result], as_json)


@main.command("task-images")
@click.argument("task", shell_complete=_names("tasks"))
@click.argument("folder", type=_PATH)
@click.option("--scale", type=click.IntRange(1, 16), default=1, show_default=True, help="So many times as large.")
@root_option
@cache_option
@limit_option
@overwrite_option
def task_images(
    task: str, folder: Path, scale: int, root: Path | None, cache: Path | None, limit: int | None, overwrite: bool
) -> None:
    """Write the images of TASK into FOLDER for a system elsewhere, with a prompt each for vision-language models.

    The names of the images say nothing. Bring the answers back with `kalamos import-predictions`.
    """
    from kalamos.commands.brought import give_images

    with _progress("images") as progress:
        made = give_images(
            task, folder, root, scale=scale, cache=cache, limit=limit, overwrite=overwrite, progress=progress
        )
    click.echo(f"{len(made.frames)} images and requests.jsonl in {folder}; task-images.json is for the way back")


@main.command("import-predictions")
@click.argument("kind", type=click.Choice(["inksight", "trace", "vision-language"]))
@click.argument("src", type=_EXISTING)
@click.option("--images", type=_EXISTING, required=True, help="The folder that `kalamos task-images` wrote.")
@click.option("--by", required=True, metavar="NAME", help="Who brings these predictions.")
@click.option("--name", required=True, help="The entry's name on the leaderboard.")
@click.option("--out", type=_PATH, default=Path("predictions.parquet"), show_default=True, help="The file to write.")
@overwrite_option
@json_option
def import_predictions(
    kind: str, src: Path, images: Path, by: str, name: str, out: Path, overwrite: bool, as_json: bool
) -> None:
    """Read answers of a system that cannot be installed here (KIND) from SRC, and write them as predictions.

    \b
    inksight         a folder of its InkML in one mode, or JSON lines {"image": NAME, "output": TEXT with ink tokens}
    trace            all_data.npy of its evaluation, or a folder of NAME.npy
    vision-language  JSON lines {"image": NAME, "output": TEXT}, to the prompts of `kalamos task-images`

    Nothing is repaired; what is no answer is counted. The draft of a card is written beside.
    """
    from dataclasses import asdict

    from kalamos.benchmark.brought.bring import bring

    brought, paths = bring(kind, src, images, out, by=by, name=name, overwrite=overwrite)
    if as_json:
        click.echo(json.dumps(asdict(brought), ensure_ascii=False))
        return
    click.echo(f"{brought.answered} answers in {paths[0]}, brought by {by}; {paths[1]} is the draft of its card")
    for why, number in brought.failed.items():
        click.echo(f"failed: {number} x {why}")
    if brought.unanswered:
        click.echo(f"without an answer: {brought.unanswered}")
    for why, number in brought.put_aside.items():
        click.echo(f"put aside: {number} x {why}")


@main.command("verify-submission")
@click.argument("folder", type=_EXISTING)
@root_option
@results_option
@click.option("--tasks", type=_EXISTING, help="A folder of tasks of your own, NAME.toml.")
@click.option(
    "--changed-since", "since", metavar="COMMIT", help="Only entries committed since; nothing else may change."
)
@cache_option
@workers_option
@json_option
def verify_submission(
    folder: Path,
    root: Path | None,
    out: Path,
    tasks: Path | None,
    since: str | None,
    cache: Path | None,
    workers: int,
    as_json: bool,
) -> None:
    """Verify the entry in FOLDER, or all entries below it, and write their rows.

    An entry is a folder with card.toml (who ran it, with what, trained on what) and predictions.parquet, or
    predictions/ with a file of InkML a sample. Its answers are scored anew; numbers that it brings are not read. The
    exit code is 1 where something is wrong, and that entry gets no row.
    """
    from kalamos.commands.verify import as_json as report
    from kalamos.commands.verify import is_wrong, verify_folder
    from kalamos.machinery.compiling import say_when_compiling

    say_when_compiling()
    with _progress("verifying") as progress:
        done = verify_folder(
            folder, root=root, out=out, tasks=tasks, cache=cache, since=since, workers=workers, progress=progress
        )
    if as_json:
        click.echo(report(done))
    else:
        for one in done:
            click.echo(one.text())
        rows = [one.result for one in done if one.result is not None]
        if rows:
            _print_board(rows, as_json=False)
        elif not done:
            click.echo("no entry was changed")
    if wrong := [str(one.folder) for one in done if is_wrong([one])]:
        _fail(f"{len(wrong)} of {len(done)} cannot stand on a board: {', '.join(wrong)}")


@main.command()
@click.argument("entries", metavar="[ENTRY]...", nargs=-1)
@click.option("--task", required=True, shell_complete=_names("tasks"), help="The task to attack.")
@click.option("--from", "base", default="", metavar="NAME", help="The honest entry that the attacks are made from.")
@root_option
@results_option
@cache_option
@click.option("--check", is_flag=True, help="Exit with 1 where a game is found.")
@limit_option
@workers_option
@json_option
def attack(
    entries: tuple[str, ...],
    task: str,
    base: str,
    root: Path | None,
    out: Path,
    cache: Path | None,
    check: bool,
    limit: int | None,
    workers: int,
    as_json: bool,
) -> None:
    """Score adversarial entries on a task and say which ranked metrics they win against the honest ones in --out.

    An ENTRY is predictions (a Parquet file, or a folder of InkML) or a model (`path/to/file.py:Class`). It gets a row
    apart from the ranking. A game is found where it is ahead of an honest entry in lcss or of all of them in any ranked
    metric; with --from, where it gains over that entry. Without an ENTRY the cheats that Kalamos knows are made from
    every honest entry, or that of --from, and a table says what each gains.
    """
    from kalamos.benchmark import attack as attacking
    from kalamos.machinery.compiling import say_when_compiling

    say_when_compiling()
    with _progress("attacking") as progress:
        board = attacking.beside_honest(
            task, root, out, base=base, cache=cache, limit=limit, workers=workers, progress=progress
        )
        if entries:
            done = attacking.attack(entries, board)
        else:
            gains = attacking.known_cheats(board)
    if not entries:
        click.echo(json.dumps(gains) if as_json else attacking.cheats_text(gains))
        return
    click.echo(attacking.as_json(done) if as_json else "\n\n".join(one.text() for one in done))
    if check and (games := sorted({game for one in done for game in one.games})):
        _fail(f"a game was found in {', '.join(games)}")


@main.command()
@click.argument("results", type=_EXISTING, nargs=-1, required=True)
@click.option("--html", type=_PATH, help="Write the page with replays.")
@click.option("--markdown", type=_PATH, help="Write the tables as Markdown.")
@click.option("--latex", type=_PATH, help="Write the tables as LaTeX (booktabs), as wide as a column.")
@click.option("--csv", "csv_path", type=_PATH, help="Write the tables as CSV.")
@click.option("--figures", type=_PATH, metavar="FOLDER", help="Write figures as PDF (kalamos[plots]).")
@click.option("--every-eval-ever", "records", type=_PATH, metavar="FOLDER", help="Write a record a model and task.")
@click.option("--hub", "hub_folder", type=_PATH, metavar="FOLDER", help="Write a card for the hub a model.")
@click.option("--organization", default="unknown", help="For --every-eval-ever: who gives the results away.")
@click.option("--tasks-of", default="", metavar="OWNER", help="For --hub: who has the tasks as data sets there.")
@metrics_option
@all_metrics_option
@click.option("--entries", multiple=True, metavar="X,Y", help="Only these rows, controls too.")
@click.option("--no-controls", is_flag=True, help="Leave controls and attacks out.")
@no_intervals_option
@overwrite_option
@json_option
def leaderboard(
    results: tuple[Path, ...],
    html: Path | None,
    markdown: Path | None,
    latex: Path | None,
    csv_path: Path | None,
    figures: Path | None,
    records: Path | None,
    hub_folder: Path | None,
    organization: str,
    tasks_of: str,
    metrics: tuple[str, ...],
    all_metrics: bool,
    entries: tuple[str, ...],
    no_controls: bool,
    no_intervals: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make the leaderboard of the RESULTS folders: on the terminal, or as a file.

    What is chosen is chosen for every output. Rows stay in the order of lcss, and what is marked as tied stays
    corrected over all entries of the RESULTS, shown or not.
    """
    from kalamos.benchmark.board import table as board
    from kalamos.benchmark.board.latex import to_latex
    from kalamos.benchmark.board.selection import Selection, known_entries, names_in
    from kalamos.machinery.files import Outputs, write_text

    outputs = Outputs(overwrite=overwrite)
    for named in filter(None, (html, markdown, latex, csv_path)):
        outputs.claim(named.parent, named.name)
    found = board.find_results(results)
    selection = Selection(
        _metrics(metrics, all_metrics),
        names_in(entries, known_entries(found), "entry"),
        controls=not no_controls,
        intervals=not no_intervals,
    )
    for path, make in [(markdown, board.to_markdown), (latex, to_latex), (csv_path, board.to_csv)]:
        if path is not None:
            write_text(path, make(found, all_metrics=all_metrics, selection=selection))
            _note(f"wrote {path}")
    if html is not None:
        from kalamos.benchmark.board.page import write_page

        write_page(found, html, selection=selection)
        _note(f"wrote {html}")
    if figures is not None:
        from kalamos.benchmark.board.figures import write_figures

        for path in write_figures(found, figures, selection=selection, overwrite=overwrite):
            _note(f"wrote {path}")
    if records is not None:
        from kalamos.benchmark.exchange.every_eval_ever import write_records

        shown = [result for result in found if selection.shows(result)]
        paths = write_records(shown, records, organization=organization, metrics=selection.metrics, overwrite=overwrite)
        _note(f"wrote {len(paths)} records below {records}")
    if hub_folder is not None:
        from kalamos.benchmark.exchange.hub import write_model_folders

        shown = [result for result in found if selection.shows(result)]
        for path in write_model_folders(
            shown, hub_folder, tasks_of=tasks_of, metrics=selection.metrics, overwrite=overwrite
        ):
            _note(f"wrote {path}")
    if as_json:
        click.echo(board.to_json(found, selection=selection))
    else:
        board.print_terminal(found, all_metrics=all_metrics, selection=selection)


def _metrics(named: tuple[str, ...], all_metrics: bool) -> tuple[str, ...]:
    """Return the metrics that were named; those are not all of them."""
    from kalamos.benchmark.board.selection import names_in
    from kalamos.benchmark.recognised import TABLE

    if named and all_metrics:
        raise click.UsageError("--metrics and --all-metrics cannot be had together")
    return names_in(named, TABLE, "metric")


@main.command()
@click.argument("first")
@click.argument("second")
@click.argument("results", type=_EXISTING, nargs=-1, required=True)
@metrics_option
@all_metrics_option
@no_intervals_option
@json_option
def compare(
    first: str,
    second: str,
    results: tuple[Path, ...],
    metrics: tuple[str, ...],
    all_metrics: bool,
    no_intervals: bool,
    as_json: bool,
) -> None:
    """Say which of two entries, FIRST or SECOND, is better at what, and whether the data can tell.

    A table, then the paragraph. p-values are corrected over the metrics that are compared.
    """
    from kalamos.benchmark.board import comparison
    from kalamos.benchmark.board.table import find_results

    chosen = _metrics(metrics, all_metrics)
    found = comparison.contests(find_results(results), first, second, metrics=chosen, all_metrics=all_metrics)
    if as_json:
        click.echo(comparison.as_json(found, intervals=not no_intervals))
        return
    click.echo("\n\n".join(comparison.as_text(contest, intervals=not no_intervals) for contest in found))


@main.command()
@click.argument("what", metavar="RESULTS|TASK...", nargs=-1, required=True, shell_complete=_names("tasks"))
@metrics_option
@all_metrics_option
@click.option("--bibtex", type=_PATH, help="Write the BibTeX entries to a file.")
@overwrite_option
@json_option
def cite(
    what: tuple[str, ...],
    metrics: tuple[str, ...],
    all_metrics: bool,
    bibtex: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Say what a table of RESULTS folders or TASKs has to cite: tasks, corpora, metrics, Kalamos.

    As text, and as BibTeX. Only what the corpora's cards and the metrics' rows say: `kalamos get CORPUS` and
    `docs/metrics.md` show them.
    """
    from kalamos.commands import cite as citing
    from kalamos.machinery.files import Outputs, write_text

    if bibtex is not None:
        Outputs(overwrite=overwrite).claim(bibtex.parent, bibtex.name)
    works = citing.works(what, metrics=_metrics(metrics, all_metrics), all_metrics=all_metrics)
    if bibtex is not None:
        write_text(bibtex, citing.as_bibtex(works))
        _note(f"wrote {bibtex}")
    if as_json:
        click.echo(citing.as_json(works))
        return
    click.echo(citing.as_text(works))
    if bibtex is None:
        click.echo(f"\n{citing.as_bibtex(works)}", nl=False)


@main.command()
@click.argument("images", type=_EXISTING, nargs=-1, required=True)
@click.option("--model", "-m", shell_complete=_names("models"), help="The model; default: the best that is installed.")
@click.option("--out", type=_PATH, help="Folder for the results; default: beside each image.")
@click.option(
    "--to",
    "kinds",
    multiple=True,
    type=click.Choice(["inkml", "strokes", "svg", "pagexml", "xopp", "rm", "replay", "gif", "parquet"]),
    help="What to write (repeat); default inkml and replay. strokes: centre lines as SVG; xopp: Xournal++; "
    "rm: reMarkable; parquet: all pages in one.",
)
@click.option(
    "--level",
    type=click.Choice(["page", "line", "word", "character"]),
    default="word",
    show_default=True,
    help="Into which pieces an image is cut.",
)
@click.option("--script", help="ISO 15924 code of the script, where you know it (Arab, Latn, Deva, ...).")
@click.option("--rules/--keep-rules", default=True, help="Take printed rulings out (default), or trace them.")
@click.option("--print", "printed", is_flag=True, help="Keep printed text as if it were written.")
@click.option(
    "--n-best",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Paths a piece, the chosen one among them, where the model can tell; InkML holds them all.",
)
@click.option(
    "--file-timeout",
    "file_timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=600.0,
    show_default=True,
    help="Seconds of processor time that a page may take; it is given up beyond.",
)
@overwrite_option
@json_option
def recover(
    images: tuple[Path, ...],
    model: str | None,
    out: Path | None,
    kinds: tuple[str, ...],
    level: Any,
    script: str | None,
    rules: bool,
    printed: bool,
    n_best: int,
    file_timeout_s: float,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Recover the pen movement from IMAGES (files, or folders with all below them) and write it.

    Pictures, multi-page TIFF, PDF and HEIC are read. The exit code is 1 only where a file gave no ink; what is not to
    be trusted is marked by a warning.
    """
    from kalamos.commands.recover import recover_files
    from kalamos.machinery.compiling import say_when_compiling
    from kalamos.scripts import checked_script

    say_when_compiling()
    with _progress("recovering") as progress:
        done = recover_files(
            images,
            model=model,
            out=out,
            kinds=kinds or ("inkml", "replay"),
            level=level,
            script=checked_script(script) if script else None,
            rules=rules,
            printed=printed,
            n_best=n_best,
            file_timeout_s=file_timeout_s,
            overwrite=overwrite,
            progress=progress,
        )
    if as_json:
        click.echo(json.dumps([item.as_dict() for item in done]))
    _tell([item for item in done if item.error or not as_json], failed=lambda item: bool(item.error))
    if any(item.error for item in done):
        sys.exit(1)


@main.command()
@click.argument("scan", type=_EXISTING)
@click.argument("ink", type=_EXISTING)
@click.option("--out", type=_PATH, help="Folder for the results; default: beside each scan.")
@click.option("--page", type=click.IntRange(1), help="The page of the scan, where it has several.")
@click.option("--key", help="Which recording of the file the scan shows, where it holds several.")
@click.option("--joined", is_flag=True, help="The scan shows all recordings of the file.")
@click.option("--box", type=float, nargs=4, metavar="X0 Y0 X1 Y1", help="Where on the scan the writing is, pixels.")
@click.option("--any-turn", is_flag=True, help="The scan may lie in any direction (default: turned by 20 degrees).")
@click.option("--rules/--keep-rules", default=True, help="Take printed rulings out (default), or keep them.")
@click.option("--picture", is_flag=True, help="Draw both over each other also where they fit.")
@click.option("--doubtful", is_flag=True, help="Write the ink also where it is in doubt.")
@overwrite_option
@json_option
def align(
    scan: Path,
    ink: Path,
    out: Path | None,
    page: int | None,
    key: str | None,
    joined: bool,
    box: tuple[float, float, float, float] | None,
    any_turn: bool,
    rules: bool,
    picture: bool,
    doubtful: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Lay a recording (INK, any format) on the SCAN of the same writing; or all pairs of two folders, by their stems.

    What fits is written as NAME.aligned.inkml: the recording in the scan's pixels, its times kept. What does not is
    refused with NAME.aligned.png, a picture of both: recorded lines off the ink red, ink without a recording orange.
    The exit code is 1 where something was refused.
    """
    from kalamos.commands.align import How, align_files
    from kalamos.machinery.compiling import say_when_compiling

    say_when_compiling()
    how = How(out, page, key, joined, box, any_turn, rules, picture, doubtful, overwrite)
    with _progress("aligning") as progress:
        done = align_files(scan, ink, how, progress=progress)
    refused = [item for item in done if item.error or not item.inked]
    if as_json:
        click.echo(json.dumps([item.as_dict() for item in done]))
    _tell(refused if as_json else done, failed=lambda item: item in refused)
    if len(done) > 1 and not as_json:
        kinds = ("fits", "in doubt", "does not fit", "")
        told = [f"{sum(item.verdict == kind for item in done)} {kind or 'not compared'}" for kind in kinds]
        click.echo(f"{len(done)} pairs: {', '.join(told)}")
    if refused:
        sys.exit(1)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
@click.option(
    "--model",
    "-m",
    shell_complete=_names("models"),
    help="The model that recovers what has no ink yet; default: the best that is installed.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: any that is free.")
@click.option("--open/--no-open", "opened", default=True, help="Open the page in the browser (default).")
def studio(folder: Path, model: str | None, port: int, opened: bool) -> None:
    """Look at the recovered ink of the pictures in FOLDER and put it right, on a page in the browser.

    The page is for this machine alone. Pictures that have no ink yet are recovered in the background; what you put
    right is saved as NAME.corrected.inkml beside NAME, and is the corpus `corrected`.
    """
    from kalamos.registry import load_object

    try:
        serve = load_object("kalamos.studio.serve:serve")
    except ModuleNotFoundError as error:
        raise KalamosError(f"the studio needs {error.name}: pip install 'kalamos[studio]'") from error
    serve(folder, model=model, port=port, opened=opened, say=click.echo)


@main.command()
@click.argument("file", type=_EXISTING)
@click.option("--png", type=_PATH, help="Draw it to a PNG file.")
@columns_option
@limit_option
@overwrite_option
@json_option
def inspect(
    file: Path, png: Path | None, columns: str | None, limit: int | None, overwrite: bool, as_json: bool
) -> None:
    """Say what is in FILE: format, samples, strokes, points, channels, rate, labels, oddities."""
    from kalamos.commands.inspect import inspect_file

    found = inspect_file(file, limit or 1000, columns=_columns(columns))
    if png is not None:
        found.draw_png(png, overwrite=overwrite)
    click.echo(json.dumps(found.as_dict()) if as_json else found.text())


@main.command()
@click.argument("file", type=_EXISTING)
@click.option("--key", help="Which sample; default: the first.")
@click.option("--svg", type=_PATH, help="Write an animated SVG.")
@click.option("--gif", type=_PATH, help="Write an animated GIF.")
@columns_option
@overwrite_option
def show(file: Path, key: str | None, svg: Path | None, gif: Path | None, columns: str | None, overwrite: bool) -> None:
    """Replay a sample of FILE: in the terminal, or as an animated SVG or GIF."""
    from kalamos.commands.inspect import show_sample

    click.echo(show_sample(file, key, svg, gif, columns=_columns(columns), overwrite=overwrite))


@main.command()
@click.option(
    "--out", type=_PATH, default=Path("demo-results"), show_default=True, help="Folder for everything it makes."
)
@limit_option
@click.option("--workers", "-j", type=click.IntRange(1), default=2, show_default=True, help="Local worker processes.")
def demo(out: Path, limit: int | None, workers: int) -> None:
    """Show the whole of Kalamos on the built-in corpus: render, recover, score, leaderboard page."""
    from kalamos.benchmark.board import table as board
    from kalamos.benchmark.board.page import write_page
    from kalamos.benchmark.run import bench as run
    from kalamos.recoverer import SHOWN, loadable_models

    models = [name for name in loadable_models() if name in SHOWN]
    with _progress("demo") as progress:
        run(
            "synthetic-3scripts",
            models,
            Path(),
            out,
            cache=out / "tasks",
            limit=limit,
            workers=workers,
            progress=progress,
        )
    results = board.find_results([out])
    write_page(results, out / "leaderboard.html")
    _print_board(results, as_json=False)
    click.echo(f"\nThe page with replays: {(out / 'leaderboard.html').resolve()}")


@main.command()
@click.argument("source", type=_EXISTING)
@click.option("--out", type=_PATH, required=True, help="Folder for checkpoints, curves and weights.")
@click.option("--fresh", is_flag=True, help="Begin anew instead of going on from the folder's checkpoint.")
@click.option(
    "--from", "start", help="Go on from a model's weights (kalamos, or a folder) with your own ink in SOURCE."
)
@click.option("--packed", type=_EXISTING, help="Inks that python -m kalamos.training.packed made of the recipe.")
@click.option("--device", default="cpu", show_default=True, help="Device of torch: cpu, cuda, cuda:1.")
@click.option("--workers", type=click.IntRange(0), help="Processes that render, in place of the recipe's number.")
def train(
    source: Path, out: Path, fresh: bool, start: str | None, packed: Path | None, device: str, workers: int | None
) -> None:
    """Train a model by the recipe SOURCE, or with --from by the ink in SOURCE; goes on from its checkpoint."""
    from kalamos.registry import load_object

    try:
        run = load_object("kalamos.training.loop:train")
    except ModuleNotFoundError as error:
        raise KalamosError(f"training needs {error.name}: pip install 'kalamos[models]'") from error
    recipe, inks = source, None
    if start is not None:
        if packed is not None:
            raise click.UsageError("--packed holds the inks of a recipe; with --from the ink is your own")
        recipe, inks = load_object("kalamos.training.fine_tuning:fine_tuning")(start, source)
    elif packed is not None:
        sources = load_object("kalamos.training.recipe:Recipe").read(source).source
        inks = load_object("kalamos.training.packed:unpack")(sources, packed)
    with _progress("training") as progress:
        best = run(recipe, out, resume=not fresh, inks=inks, device=device, workers=workers, progress=progress)
    click.echo(f"weights in {best}; curves and checkpoint in {out}")


@main.command()
@click.argument("corpus", shell_complete=_names("corpora"))
@click.argument("root", type=_EXISTING)
@click.option("--option", "-o", "options", multiple=True, metavar="NAME=VALUE", help="A choice of the corpus (repeat).")
@click.option("--against", multiple=True, metavar="CORPUS=FOLDER", help="Look for the same ink there too (repeat).")
@click.option("--check", is_flag=True, help="Exit with 1 where a person or an ink stands on two sides.")
@json_option
def audit(
    corpus: str, root: Path, options: tuple[str, ...], against: tuple[str, ...], check: bool, as_json: bool
) -> None:
    """Say what the splits of a CORPUS at ROOT are worth: writers, effective writers, persons and ink on two sides.

    CORPUS `auto` audits any folder of your own.
    """
    from kalamos.commands.audit import as_json as report
    from kalamos.commands.audit import as_text
    from kalamos.datasets.audit import audit as run

    others = [(name, Path(folder)) for name, folder in _pairs(against)]
    found = run(corpus, root, dict(_pairs(options)), others)
    click.echo(json.dumps(report(found), ensure_ascii=False) if as_json else "\n".join(as_text(found)))
    if check and not found.is_clean:
        _fail(f"a person or an ink of {corpus} stands on two sides")


@main.command()
@click.argument("task", shell_complete=_names("tasks"))
@click.argument("folder", type=_PATH)
@overwrite_option
def croissant(task: str, folder: Path, overwrite: bool) -> None:
    """Write what TASK is into FOLDER for machines: Croissant 1.1, a card for the hub, the pins as a table.

    Nothing of the corpus but keys, so that the folder may be published. `kalamos convert` writes croissant.json itself.
    """
    from kalamos.commands.describe import describe_task

    for path in describe_task(task, folder, overwrite=overwrite):
        click.echo(path)


@main.command()
@click.argument("folder", type=_EXISTING)
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--send", is_flag=True, help="Send it; without this nothing leaves this machine.")
@click.option("--public", is_flag=True, help="A new repository may be seen by everybody; else only by its owner.")
@click.option("--licence", default="", metavar="SPDX", help="Under which you give away files of your own.")
def push(folder: Path, repository: str, send: bool, public: bool, licence: str) -> None:
    """Say what of FOLDER would go to a repository of the Hugging Face hub; with --send, send it.

    FOLDER is a conversion, or what `kalamos croissant` or `kalamos leaderboard --hub` wrote. What the licence of a
    corpus does not let anyone pass on is never sent. The token is that of `hf auth login`, or HF_TOKEN.
    """
    from kalamos.commands.push import parcel
    from kalamos.commands.push import send as send_parcel

    packed = parcel(folder, repository, licence)
    click.echo(packed.text())
    if not send:
        click.echo("nothing was sent; --send sends it" + ("" if public else ", to a private repository if it is new"))
        return
    click.echo(f"sent: {send_parcel(packed, public=public)}")


@main.command()
@click.argument("kind", type=click.Choice(["plug-in", "results-repository"]))
@click.argument("name")
@click.argument("folder", type=_PATH, required=False)
def new(kind: str, name: str, folder: Path | None) -> None:
    """Write a new KIND called NAME into FOLDER (default: ./NAME), ready to use.

    \b
    plug-in             a recovery model with its tests, named in the entry-point group kalamos.recoverers
    results-repository  a git repository for entries that others send, with the workflow that makes the board
    """
    from kalamos.commands.new import KINDS, NEXT

    folder = folder or Path(name)
    for path in KINDS[kind](name, folder):
        click.echo(path)
    _note(f"next: {NEXT[kind].format(folder=folder, name=name)}")


@main.command("warm-up")
def warm_up() -> None:
    """Compile all kernels once, so that later commands start at once."""
    from kalamos.commands.warm_up import warm_up as run

    click.echo(f"compiled in {run(_note):.0f} s")


@main.command(name="list")
@click.argument("kind", type=click.Choice(["corpora", "formats", "models", "metrics", "tasks", "styles"]))
@json_option
def list_command(kind: str, as_json: bool) -> None:
    """List what there is of a KIND, with a line on each."""
    from kalamos.commands.list import listed

    entries = listed(kind)
    if as_json:
        click.echo(json.dumps([{"name": name, "about": about} for name, about in entries], ensure_ascii=False))
        return
    width = max(len(name) for name, _ in entries)
    for name, about in entries:
        click.echo(f"{name:<{width}}  {about}")


def _print_refusals(report: Any) -> None:
    shown = len(report.refusals) if _is("verbose") else 12
    for refusal in report.refusals[:shown]:
        _note(f"  refused: {refusal.source} {refusal.where}: {refusal.reason}")
    if len(report.refusals) > shown:
        _note(f"  and {len(report.refusals) - shown} more")


def _style(name: str) -> Any:
    from kalamos.renderers import read_style

    return read_style(name)


def _columns(text: str | None) -> dict[str, str] | None:
    if text is None:
        return None
    from kalamos.formats.columns import parse_columns

    return parse_columns(text)


def _pairs(options: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    for option in options:
        if "=" not in option:
            raise click.BadParameter(f"{option!r} is not NAME=VALUE", param_hint="--option")
    return tuple(sorted((name, value) for name, _, value in (option.partition("=") for option in options)))


def _print_board(results: Any, as_json: bool, all_metrics: bool = False) -> None:
    from kalamos.benchmark.board import table as board

    if as_json:
        click.echo(board.to_json(results))
        return
    board.print_terminal(results, all_metrics=all_metrics)


@contextmanager
def _progress(what: str) -> Iterator[Any]:
    """Give a function ``(done, total)`` that moves a bar on a terminal; with --verbose it writes a line a tenth."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console, in_lines = Console(stderr=True), _is("verbose")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal or in_lines or _is("quiet")
    told = ""
    with Progress(*columns, console=console, disable=hidden, transient=True) as bar:
        line = bar.add_task(what, total=None)

        def advance(done: int, total: int, label: str = what) -> None:
            nonlocal told
            bar.update(line, completed=done, total=total, description=label)
            tenth = f"{label}: {10 * (10 * done // max(total, 1))} %"
            if in_lines and tenth != told:
                told = tenth
                _note(f"{tenth} ({done} of {total})")

        yield advance


if __name__ == "__main__":
    main()
