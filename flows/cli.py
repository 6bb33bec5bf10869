"""The command line: each command is a thin call of a flow or of storage."""

import errno
import os
import sys
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table
from rich.text import Text

from flows import captions_cli
from flows.stopping import stoppable, tell
from flows.terminal import describe_verified, page_path, progress_bars, quieten_prefect, report_path
from storage.compare import compare_versions
from storage.errors import InputError
from storage.manifest import Manifest
from storage.root import Root
from storage.verify import verify_version
from storage.versions import find_version, list_folders, list_names, only_name, read_if_sound

app = typer.Typer(
    help="Turns a noisy list of landmark image addresses into a clean, boxed, leak-free training set for retrieval.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(captions_cli.app, name="captions")
console, errors = Console(), Console(stderr=True)

ListArgument = Annotated[
    Path,
    typer.Argument(
        metavar="LIST", help="CSV or Parquet of id,url,landmark_id; lines URL CLASS_ID; or a folder of class folders."
    ),
]
Md5Option = Annotated[Path | None, typer.Option(help="File with one MD5 per line of the list.")]
CleanOption = Annotated[
    Path | None, typer.Option(help="Google-Landmarks v2's train_clean.csv: keep only the ids it names.")
]
RootOption = Annotated[str, typer.Option(help="Dataset root: a folder, or any URL that fsspec opens.")]
NameOption = Annotated[str | None, typer.Option(help="Name of the dataset; not needed where the root holds only one.")]
VersionOption = Annotated[
    str, typer.Option("--version", help="`latest`, a number, a folder name, or the start of a digest.")
]
TestSetOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR",
        help="Test set that must not leak in: folder of its photographs, or its signature, a Parquet file; repeatable.",
    ),
]
AliasesOption = Annotated[
    Path | None,
    typer.Option(help='TOML file of lines SITE = ["SPELLING"]: classes named like a test landmark are listed.'),
]
SettingsOption = Annotated[Path | None, typer.Option(help="TOML file with a section per stage, such as 'match'.")]
AllowHostOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST[:PORT]",
        help="Fetch from this host although its address is private or the port unusual; without PORT, 80 and 443.",
    ),
]
RunnerOption = Annotated[Literal["threads", "processes", "dask"], typer.Option(help="What carries out the tasks.")]
WorkersOption = Annotated[int, typer.Option(min=1, help="Tasks carried out at once.")]


@app.command()
def curate(
    source: ListArgument,
    name: Annotated[str, typer.Option(help="Name of the dataset.")],
    root: RootOption = "./data",
    test_set: TestSetOption = None,
    aliases: AliasesOption = None,
    md5: Md5Option = None,
    clean: CleanOption = None,
    settings: SettingsOption = None,
    overrides: Annotated[
        Path | None,
        typer.Option(help="TOML file: section 'pin' names a class's image whose group to keep; 'merge', its class."),
    ] = None,
    allow_host: AllowHostOption = None,
    note: Annotated[
        str, typer.Option(help="A sentence for the card and the report, such as where the list comes from.")
    ] = "",
    contact: Annotated[
        str, typer.Option(help="Mail or web address where hosts' owners reach you; lists of over 1,000 rows need it.")
    ] = "",
    refetch: Annotated[
        Literal["never", "failed", "failed-older-than", "revalidate"],
        typer.Option(help="Which known addresses to ask again: those that failed, or all, for what has changed."),
    ] = "never",
    older_than: Annotated[
        float | None, typer.Option(min=0, help="Days since its last try, for --refetch failed-older-than.")
    ] = None,
    latest_share: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="A version that keeps less than this share of what the latest keeps is not the next."
        ),
    ] = 0.5,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Begin although, by an estimate, the disk of the root has no room for it.")
    ] = False,
    runner: RunnerOption = "threads",
    workers: WorkersOption = os.cpu_count() or 1,
) -> None:
    """Curate LIST into a new version of a dataset, or find that nothing changed; exit with 4 where it is of no use."""
    # Prefect takes seconds to import; commands that only read a dataset do not wait for it.
    quieten_prefect()
    from flows.certified import describe_passed_over
    from flows.curate import curate as flow
    from flows.latest import NotLatestError
    from flows.question import ask
    from flows.reasons import describe_reasons
    from flows.server import prefect_server
    from flows.settings import CurateSettings, RunSettings, allow_hosts, read_overrides, read_settings, with_contact
    from flows.why import plain_text
    from tasks.acquire.task import ListSettings
    from tasks.cluster.settings import Overrides

    chosen = read_settings(settings) if settings else CurateSettings()
    if allow_host:
        chosen = chosen.model_copy(update={"acquire": allow_hosts(chosen.acquire, allow_host)})
    if contact:
        chosen = chosen.model_copy(update={"polite": with_contact(chosen.polite, contact)})
    a_list, test_sets = ListSettings(path=source, md5=md5, clean=clean), _test_sets(test_set or [])
    decided = read_overrides(overrides) if overrides else Overrides()
    if (refetch == "failed-older-than") != (older_than is not None):
        raise InputError("--refetch failed-older-than needs --older-than DAYS, and nothing else has use for it")
    run = RunSettings(
        refetch=refetch,
        older_than=older_than,
        runner=runner,
        workers=workers,
        latest_share=latest_share,
        anyway=anyway,
    )
    question = ask(a_list, name, root, test_sets, chosen, note, decided, aliases, anyway)
    for remark in question.remarks:
        console.print(Text("!", "bold yellow"), plain_text(remark), soft_wrap=True)
    held_back = None
    try:
        with progress_bars(), prefect_server():
            curated = flow(a_list, name, root, test_sets, chosen, run, note, decided, aliases)
        version, news = curated.version, "published" if curated.is_new else "nothing new; the latest version is"
    except NotLatestError as error:
        held_back, version, news = error, error.version, "published, and not made the latest,"
    _print_funnel(version)
    console.print()
    console.print(describe_reasons(Root(root), version))
    for line in describe_passed_over(version.passed_over):
        console.print(line, soft_wrap=True)
    if version.crashed_pictures:
        console.print(f"{version.crashed_pictures} pictures killed their detector and have no keypoints")
    console.print(f"\n{news} [bold]{version.folder}[/]")
    console.print(Text(f"report: {report_path(Root(root), version)}"), soft_wrap=True)
    if held_back:
        errors.print(f"[bold red]not latest:[/] {escape(str(held_back))}", soft_wrap=True, highlight=False)
        raise typer.Exit(4)


@app.command()
def plan(
    source: ListArgument,
    root: RootOption = "./data",
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset: what the root knows of it is not fetched again.")
    ] = None,
    test_set: TestSetOption = None,
    md5: Md5Option = None,
    clean: CleanOption = None,
    settings: SettingsOption = None,
    allow_host: AllowHostOption = None,
    workers: WorkersOption = os.cpu_count() or 1,
) -> None:
    """Say what curating LIST will take: hours of fetching, core-hours, disk, memory. Nothing is fetched or written."""
    from flows.cautions import cautions
    from flows.plan import plan_curation
    from flows.planned import describe_plan
    from flows.settings import CurateSettings, allow_hosts, read_settings

    chosen, test_sets = read_settings(settings) if settings else CurateSettings(), _test_sets(test_set or [])
    chosen = chosen.model_copy(update={"acquire": allow_hosts(chosen.acquire, allow_host or ())})
    with console.status("reading the list, timing the stages on a few pictures"):
        made = plan_curation(source, chosen, root, name, test_sets, workers, md5, clean)
    console.print(describe_plan(made, cautions(made, Root(root))))


@app.command()
def certify(
    what: Annotated[
        str,
        typer.Argument(metavar="VERSION_OR_FOLDER", help="A version or its folder; or a folder of photographs."),
    ],
    test_set: TestSetOption = None,
    root: RootOption = "./data",
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset; for a folder, its name in the certificate.")
    ] = None,
    aliases: AliasesOption = None,
    settings: SettingsOption = None,
    runner: RunnerOption = "threads",
    workers: WorkersOption = os.cpu_count() or 1,
) -> None:
    """Certify what a version, or a folder of photographs, shares with test sets.

    Exit with 1 where it shares any; with 3 where nothing was found to be shared, but some files were not compared.
    """
    quieten_prefect()
    from flows.certified import count_shared, describe_certificate
    from flows.certify import ask_certificate
    from flows.certify import certify as flow
    from flows.server import prefect_server
    from flows.settings import CurateSettings, RunSettings, read_settings

    chosen, test_sets = read_settings(settings) if settings else CurateSettings(), _test_sets(test_set or [])
    subject = ask_certificate(what, test_sets, root, name, chosen, aliases)
    with progress_bars(), prefect_server():
        made = flow(what, test_sets, root, name, chosen, RunSettings(runner=runner, workers=workers), aliases)
    store = Root(subject.root)
    console.print(describe_certificate(store, made))
    console.print(Text(f"certificate: {page_path(store, f'{made.folder}/index.html')}"), soft_wrap=True)
    if count_shared(store, made) or made.uncompared:
        raise typer.Exit(1 if count_shared(store, made) else 3)


@app.command()
def download(
    name: Annotated[str, typer.Argument(metavar="TEST_SET", help="Name of a test set, such as oxford5k or rparis6k.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder, for --test-set NAME=DIR.")],
    addresses: Annotated[
        Path | None,
        typer.Option(help="TOML file of [[NAME]] with url and, where known, sha256 and bytes, once for each file."),
    ] = None,
    allow_host: AllowHostOption = None,
) -> None:
    """Fetch an official test set into DIR: resumed after a failure, checked, unpacked safely."""
    from flows.settings import allow_hosts, read_addresses
    from tasks.acquire.settings import TransferSettings
    from tasks.overlap.download import RECORD, files_of
    from tasks.overlap.download import download as fetch
    from tasks.overlap.testsets import read_test_set

    files = files_of(name, read_addresses(addresses) if addresses else {})
    with _download_bars() as tell:
        fetch(files, folder.absolute(), allow_hosts(TransferSettings(), allow_host or []), tell)
    found = read_test_set(name, folder)
    sites = len({photograph.site for photograph in found.photographs})
    console.print(f"{len(found.photographs)} photographs of {sites} sites in {folder}; {RECORD} has the checksums")


@app.command()
def versions(root: RootOption = "./data") -> None:
    """List the published versions of a root."""
    store = Root(root)
    table = Table("name", "number", "digest", "images", "classes", "test sets", "created", box=None)
    for name in list_names(store):
        for folder in list_folders(store, name):
            version = read_if_sound(store, name, folder)
            if version is None:
                table.add_row(name, folder.split("-")[0], folder.split("-")[1], "its manifest is damaged: cairn verify")
                continue
            kept = version.funnel[-1]
            created = f"{version.created_at:%Y-%m-%d %H:%M}"
            sets = ", ".join(version.test_sets) or "none"
            table.add_row(
                name, str(version.number), version.digest[:12], str(kept.images), str(kept.classes), sets, created
            )
    console.print(table if table.row_count else Text(f"no versions in {store.url}"))


@app.command()
def verify(
    version: Annotated[
        str, typer.Argument(help="`latest`, a number, a folder name, or the start of a digest.")
    ] = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
) -> None:
    """Read all files of VERSION and all images that it keeps; exit with 1 where any is not as it was published."""
    store = Root(root)
    found = verify_version(store, only_name(store, name), version)
    console.print(describe_verified(found), soft_wrap=True)
    if found.wrong:
        raise typer.Exit(1)


@app.command()
def report(
    root: RootOption = "./data",
    name: NameOption = None,
    version: VersionOption = "latest",
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Say where the report of a version is."""
    store = Root(root)
    path = report_path(store, find_version(store, only_name(store, name), version))
    console.print(Text(path), soft_wrap=True)
    if open_it:
        webbrowser.open(f"file://{path}")


@app.command()
def why(image_id: str, root: RootOption = "./data", name: NameOption = None, version: VersionOption = "latest") -> None:
    """Say what became of one image, and on what evidence."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from flows.why import explain

    console.print(explain(store, found, image_id))


@app.command()
def diff(before: str, after: str, root: RootOption = "./data", name: NameOption = None) -> None:
    """Show what changed from version BEFORE to version AFTER, image by image, with the reason."""
    store = Root(root)
    only = only_name(store, name)
    from flows.why import plain_text

    changes = compare_versions(store, find_version(store, only, before), find_version(store, only, after))
    table = Table("image", "change", "before", "after", "evidence", box=None)
    for row in changes.itertuples():
        table.add_row(*map(plain_text, row[1:]))
    console.print(table if len(changes) else "no image entered, left, or changed its verdict or its box")
    if len(changes):
        console.print(", ".join(f"{count} {change}" for change, count in changes.change.value_counts().items()))


@app.command()
def compare(
    version: str,
    reference: Annotated[
        list[Path],
        typer.Option(
            help="What the authors kept: lines of URL CLASS_ID x1 x2 y1 y2, or Google-Landmarks v2's train_clean.csv; "
            "repeatable."
        ),
    ],
    md5: Annotated[
        list[Path] | None,
        typer.Option(help="File with one MD5 per line of the reference; its boxes need it; repeatable likewise."),
    ] = None,
    root: RootOption = "./data",
    name: NameOption = None,
) -> None:
    """Compare VERSION with what the authors of its list kept: keep and discard, class by class, and boxes."""
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    from flows.compare import compare_with
    from tasks.evaluate.reference import read_reference

    console.print(compare_with(store, found, read_reference(reference, md5 or ())))


def main() -> None:
    """The console script: what the user can mend is one clear line and exit code 2; a bug keeps its traceback."""
    for stream in (sys.stdout, sys.stderr):
        cast("TextIOWrapper", stream).reconfigure(errors="replace")  # a terminal of ASCII gets "?" for what it lacks
    with stoppable():
        try:
            app()
        except (InputError, OSError) as error:
            if isinstance(error, OSError) and error.errno in (None, errno.ENOENT):
                raise  # not of the system, or a file that we should have looked for: a bug
            tell(f"error: {error}")
            raise SystemExit(2) from error


def _test_sets(options: list[str]) -> dict[str, Path]:
    pairs = [option.partition("=") for option in options]
    for option, (name, _, folder) in zip(options, pairs, strict=True):
        if not name or not folder:
            raise InputError(f"--test-set {option!r}: expected NAME=DIR, such as oxford5k=./oxford5k")
        if sum(other == name for other, _, _ in pairs) > 1:
            raise InputError(f"--test-set {name!r} is given twice; give each set a name of its own")
    return {name: Path(folder) for name, _, folder in pairs}


def _print_funnel(version: Manifest) -> None:
    table = Table("left after each step", box=None)
    table.add_column("images", justify="right")
    table.add_column("classes", justify="right")
    for step in version.funnel:
        table.add_row(step.step, str(step.images), str(step.classes))
    console.print(table)


@contextmanager
def _download_bars() -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description:24}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        shown: dict[str, TaskID] = {}

        def tell(file: str, done: int, total: int) -> None:
            if file not in shown:
                shown[file] = bars.add_task(file, total=total or None)
            bars.update(shown[file], completed=done)

        yield tell


if __name__ == "__main__":
    main()
