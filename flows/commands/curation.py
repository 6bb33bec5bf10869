"""The commands `curate` and `plan`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from flows.commands.options import (
    AliasesOption,
    AllowHostOption,
    CleanOption,
    ListArgument,
    Md5Option,
    RootOption,
    RunnerOption,
    SettingsOption,
    TestSetOption,
    WorkersOption,
    read_test_sets,
)
from flows.commands.terminal import console, progress_bars, quieten_prefect, report_path
from storage.errors import GateError, InputError
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import latest_if_sound, read_manifest

if TYPE_CHECKING:
    from flows.settings import CurateSettings

OverridesOption = Annotated[
    Path | None,
    typer.Option(help="TOML file: section 'pin' names a class's image whose group to keep; 'merge', its class."),
]
NoteOption = Annotated[
    str, typer.Option(help="A sentence for the card and the report, such as where the list comes from.")
]
ContactOption = Annotated[
    str, typer.Option(help="Mail or web address where hosts' owners reach you; lists of over 1,000 rows need it.")
]
RefetchOption = Annotated[
    Literal["never", "failed", "failed-older-than", "revalidate"],
    typer.Option(help="Which known addresses to ask again: those that failed, or all, for what has changed."),
]
OlderThanOption = Annotated[
    float | None, typer.Option(min=0, help="Days since its last try, for --refetch failed-older-than.")
]
ImagesLostOption = Annotated[
    float,
    typer.Option(min=0, max=1, help="Not the latest where it keeps fewer images than that by more than this share."),
]
ClassesLostOption = Annotated[
    int | None, typer.Option(min=0, help="Not the latest where more classes than this have no image any more.")
]
LeastReadableOption = Annotated[
    float, typer.Option(min=0, max=1, help="Not the latest where a lower share of the listed images could be read.")
]
CertifiedOption = Annotated[
    bool, typer.Option("--certified", help="Not the latest without test sets, or where a picture was not compared.")
]
AnywayOption = Annotated[
    bool, typer.Option("--anyway", help="Begin although, by an estimate, the disk of the root has no room for it.")
]


def curate(
    source: ListArgument,
    name: Annotated[str, typer.Option(help="Name of the dataset.")],
    root: RootOption = "./data",
    test_set: TestSetOption = None,
    aliases: AliasesOption = None,
    md5: Md5Option = None,
    clean: CleanOption = None,
    settings: SettingsOption = None,
    overrides: OverridesOption = None,
    allow_host: AllowHostOption = None,
    note: NoteOption = "",
    contact: ContactOption = "",
    refetch: RefetchOption = "never",
    older_than: OlderThanOption = None,
    images_lost: ImagesLostOption = 0.5,
    classes_lost: ClassesLostOption = None,
    least_readable: LeastReadableOption = 0.0,
    certified: CertifiedOption = False,
    anyway: AnywayOption = False,
    runner: RunnerOption = "threads",
    workers: WorkersOption = os.cpu_count() or 1,
) -> None:
    """Curate LIST into a new version of a dataset, or find that nothing changed; exit with 4 where it is held back."""
    # Prefect takes seconds to import; commands that only read a dataset do not wait for it.
    quieten_prefect()
    from flows.commands.why import plain_text
    from flows.curate import curate as flow
    from flows.request import check_request
    from flows.runtime.server import prefect_server
    from flows.settings import CurationGate, RunSettings, read_overrides
    from tasks.acquire.settings import ListSettings
    from tasks.cluster.settings import Overrides

    chosen = _settings(settings, allow_host, contact)
    listed, test_sets = ListSettings(path=source, md5=md5, clean=clean), read_test_sets(test_set or [])
    decided = read_overrides(overrides) if overrides else Overrides()
    if (refetch == "failed-older-than") != (older_than is not None):
        raise InputError("--refetch failed-older-than needs --older-than DAYS, and nothing else has use for it")
    run = RunSettings(
        refetch=refetch,
        older_than=older_than,
        runner=runner,
        workers=workers,
        anyway=anyway,
    )
    gate = CurationGate(
        images_lost=images_lost, classes_lost=classes_lost, least_readable=least_readable, certified=certified
    )
    request = check_request(listed, name, root, test_sets, chosen, note, decided, aliases, anyway)
    for remark in request.remarks:
        console.print(Text("!", "bold yellow"), plain_text(remark), soft_wrap=True)
    try:
        with progress_bars(), prefect_server():
            curated = flow(listed, name, root, test_sets, chosen, run, note, decided, aliases, gate)
    except GateError as error:
        store = Root(root)
        refused = read_manifest(store, name, error.folder.rpartition("/")[2])
        stays = latest_if_sound(store, name) == refused
        _show(store, refused, "the latest stays" if stays else "published, and not made the latest,")
        raise
    _show(Root(root), curated.version, "published" if curated.is_new else "nothing new; the latest version is")


def _settings(file: Path | None, allow_host: list[str] | None, contact: str) -> "CurateSettings":
    from flows.settings import CurateSettings, allow_hosts, read_settings, with_contact

    chosen = read_settings(file) if file else CurateSettings()
    chosen = chosen.model_copy(update={"acquire": allow_hosts(chosen.acquire, allow_host or ())})
    if contact:
        chosen = chosen.model_copy(update={"polite": with_contact(chosen.polite, contact)})
    return chosen


def _show(root: Root, version: Manifest, news: str) -> None:
    """The funnel, why rows were dropped, what was passed over, and where the report is."""
    from flows.commands.certificate_page import describe_passed_over
    from flows.commands.reasons import describe_reasons

    table = Table("left after each step", box=None)
    table.add_column("images", justify="right")
    table.add_column("classes", justify="right")
    for step in version.funnel:
        table.add_row(step.step, str(step.images), str(step.classes))
    console.print(table)
    console.print()
    console.print(describe_reasons(root, version))
    for line in describe_passed_over(version.passed_over):
        console.print(line, soft_wrap=True)
    if version.crashed_pictures:
        console.print(f"{version.crashed_pictures} pictures killed their detector and have no keypoints")
    console.print(f"\n{news} [bold]{version.folder}[/]")
    console.print(Text(f"report: {report_path(root, version)}"), soft_wrap=True)


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
    from flows.commands.cautions import cautions
    from flows.commands.plan_page import describe_plan
    from flows.planning.plan import plan_curation

    chosen, test_sets = _settings(settings, allow_host, ""), read_test_sets(test_set or [])
    with console.status("reading the list, timing the stages on a few pictures"):
        made = plan_curation(source, chosen, root, name, test_sets, workers, md5, clean)
    console.print(describe_plan(made, cautions(made, Root(root))))
