"""The commands `curate` and `plan`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from flows.commands.options import (
    FETCHING,
    GATE,
    LIST,
    RUNNING,
    AliasesOption,
    AllowHostOption,
    CleanOption,
    ContactOption,
    JsonOption,
    ListArgument,
    Md5Option,
    RootOption,
    RunnerOption,
    SettingsOption,
    TestSetOption,
    WorkersOption,
    read_test_sets,
)
from flows.commands.progress import progress_bars
from flows.commands.terminal import console, errors, print_json, quieten_prefect
from storage.errors import GateError, InputError
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import latest_if_sound, read_version

if TYPE_CHECKING:
    from flows.settings import CurateSettings, CurationGate, RunSettings
    from tasks.acquire.settings import ListSettings
    from tasks.cluster.settings import Overrides

OverridesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="TOML file of what a person decided: sections pin, merge, keep and drop; the report writes one.",
        rich_help_panel=LIST,
    ),
]
OverlaysOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What watermarks and frames look like, learnt elsewhere: templates.parquet of a version.",
        rich_help_panel=LIST,
    ),
]
NoteOption = Annotated[
    str,
    typer.Option(
        metavar="TEXT",
        help="A sentence for the card and the report, such as where the list comes from.",
        rich_help_panel=LIST,
    ),
]
RefetchOption = Annotated[
    Literal["never", "failed", "failed-older-than", "revalidate"],
    typer.Option(
        metavar="WHICH",
        help="Which known addresses to ask again: never, failed, failed-older-than, or revalidate: all, for what has "
        "changed.",
        rich_help_panel=FETCHING,
    ),
]
OlderThanOption = Annotated[
    float | None,
    typer.Option(
        metavar="DAYS",
        min=0,
        help="Days since its last try, for --refetch failed-older-than.",
        rich_help_panel=FETCHING,
    ),
]
ImagesLostOption = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        min=0,
        max=1,
        help="Not the latest where it keeps fewer images than that by more than this share.",
        rich_help_panel=GATE,
    ),
]
ClassesLostOption = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Not the latest where more classes than this have no image any more.",
        rich_help_panel=GATE,
    ),
]
LeastReadableOption = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        min=0,
        max=1,
        help="Not the latest where a lower share of the listed images could be read.",
        rich_help_panel=GATE,
    ),
]
CertifiedOption = Annotated[
    bool,
    typer.Option(
        "--certified",
        help="Not the latest without test sets, or where a picture was not compared.",
        rich_help_panel=GATE,
    ),
]
LeastConfidenceOption = Annotated[
    float,
    typer.Option(
        metavar="SHARE",
        min=0,
        max=1,
        help="Not the latest where it is less sure of a class than that.",
        rich_help_panel=GATE,
    ),
]
AnywayOption = Annotated[
    bool,
    typer.Option(
        "--anyway",
        help="Begin although, by an estimate, the disk of the root has no room for it.",
        rich_help_panel=RUNNING,
    ),
]


def curate(
    source: ListArgument,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the dataset.")],
    root: RootOption = "./data",
    test_set: TestSetOption = None,
    aliases: AliasesOption = None,
    md5: Md5Option = None,
    clean: CleanOption = None,
    settings: SettingsOption = None,
    overrides: OverridesOption = None,
    overlays: OverlaysOption = None,
    allow_host: AllowHostOption = None,
    note: NoteOption = "",
    contact: ContactOption = "",
    refetch: RefetchOption = "never",
    older_than: OlderThanOption = None,
    images_lost: ImagesLostOption = 0.5,
    classes_lost: ClassesLostOption = None,
    least_readable: LeastReadableOption = 0.0,
    certified: CertifiedOption = False,
    least_confidence: LeastConfidenceOption = 0.0,
    anyway: AnywayOption = False,
    runner: RunnerOption = "threads",
    workers: WorkersOption = os.cpu_count() or 1,
    as_json: JsonOption = False,
) -> None:
    """Curate LIST into a new version of a dataset, or find that nothing changed; exit with 4 where it is held back."""
    # Prefect takes seconds to import; commands that only read a dataset do not wait for it.
    quieten_prefect()
    from flows.settings import CurationGate, RunSettings
    from tasks.acquire.settings import ListSettings

    if (refetch == "failed-older-than") != (older_than is not None):
        raise InputError("--refetch failed-older-than needs --older-than DAYS, and nothing else has use for it")
    listed, test_sets = ListSettings(path=source, md5=md5, clean=clean), read_test_sets(test_set or [])
    chosen, decided = _settings(settings, allow_host, contact), _overrides(overrides)
    run = RunSettings(refetch=refetch, older_than=older_than, runner=runner, workers=workers, anyway=anyway)
    shares = {"images_lost": images_lost, "least_readable": least_readable, "least_confidence": least_confidence}
    gate = CurationGate(**shares, classes_lost=classes_lost, certified=certified)
    _curate(listed, name, root, test_sets, chosen, run, note, decided, aliases, overlays, gate, as_json=as_json)


def _curate(
    source: "ListSettings",
    name: str,
    root: str,
    test_sets: dict[str, Path],
    settings: "CurateSettings",
    run: "RunSettings",
    note: str,
    overrides: "Overrides",
    aliases: Path | None,
    overlays: Path | None,
    gate: "CurationGate",
    *,
    as_json: bool,
) -> None:
    """Checks a request and says what is odd about it, carries it out, and prints what came of it."""
    from flows.commands.why import plain_text
    from flows.curate import curate as flow
    from flows.request import check_request
    from flows.runtime.server import prefect_server

    request = check_request(
        source, name, root, test_sets, settings, note, overrides, aliases, overlays, run.anyway, run.workers
    )
    for remark in request.remarks:
        errors.print(Text("!", "bold yellow"), plain_text(remark), soft_wrap=True)
    try:
        with progress_bars(request.forecast), prefect_server():
            curated = flow(source, name, root, test_sets, settings, run, note, overrides, aliases, overlays, gate)
    except GateError as error:
        _print_refused(Root(root), error.folder, as_json)
        raise
    news = "published" if curated.is_new else "nothing new; the latest version is"
    _print(Root(root), curated.version, news, as_json)


def _print_refused(root: Root, folder: str, as_json: bool) -> None:
    refused = read_version(root, folder)
    stays = latest_if_sound(root, refused.name) == refused
    _print(root, refused, "the latest stays" if stays else "published, and not made the latest,", as_json)


def _overrides(file: Path | None) -> "Overrides":
    from flows.settings import read_overrides
    from tasks.cluster.settings import Overrides

    return read_overrides(file) if file else Overrides()


def _settings(file: Path | None, allow_host: list[str] | None, contact: str) -> "CurateSettings":
    from flows.settings import CurateSettings, allow_hosts, read_settings, with_contact

    chosen = read_settings(file) if file else CurateSettings()
    chosen = chosen.model_copy(update={"acquire": allow_hosts(chosen.acquire, allow_host or ())})
    if contact:
        chosen = chosen.model_copy(update={"polite": with_contact(chosen.polite, contact)})
    return chosen


def _print(root: Root, version: Manifest, news: str, as_json: bool) -> None:
    from flows.commands.outcome import describe_outcome, facts_of_outcome

    if as_json:
        print_json(facts_of_outcome(root, version, news))
        return
    for part in describe_outcome(root, version, news):
        console.print(part, soft_wrap=isinstance(part, Text))


def plan(
    source: ListArgument,
    root: RootOption = "./data",
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the dataset: what the root knows of it is not fetched again."),
    ] = None,
    test_set: TestSetOption = None,
    md5: Md5Option = None,
    clean: CleanOption = None,
    settings: SettingsOption = None,
    allow_host: AllowHostOption = None,
    contact: ContactOption = "",
    workers: WorkersOption = os.cpu_count() or 1,
    as_json: JsonOption = False,
) -> None:
    """Say what curating LIST will take: hours of fetching, core-hours, disk, memory. Nothing is fetched or written."""
    from flows.commands.cautions import cautions
    from flows.commands.plan_page import describe_plan, facts_of_plan
    from flows.planning.plan import plan_curation

    chosen, test_sets = _settings(settings, allow_host, contact), read_test_sets(test_set or [])
    with errors.status("reading the list, timing the stages on a few pictures"):
        made = plan_curation(source, chosen, root, name, test_sets, workers, md5, clean)
    thought = cautions(made, Root(root))
    if as_json:
        print_json(facts_of_plan(made, thought))
    else:
        console.print(describe_plan(made, thought))
