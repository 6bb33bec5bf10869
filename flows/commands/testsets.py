"""The commands about test sets: `download` fetches one, `certify` says what is shared with it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

from flows.commands.options import (
    AliasesOption,
    AllowHostOption,
    JsonOption,
    RootOption,
    RunnerOption,
    SettingsOption,
    TestSetOption,
    WorkersOption,
    read_test_sets,
)
from flows.commands.progress import progress_bars
from flows.commands.terminal import console, errors, page_path, print_json, quieten_prefect
from storage.root import Root


def download(
    name: Annotated[str, typer.Argument(metavar="TEST_SET", help="Name of a test set, such as oxford5k or rparis6k.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder, for --test-set NAME=DIR.")],
    addresses: Annotated[
        Path | None,
        typer.Option(help="TOML file of [[NAME]] with url and, where known, sha256 and bytes, once for each file."),
    ] = None,
    allow_host: AllowHostOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch an official test set into DIR: resumed after a failure, checked, unpacked safely."""
    from flows.settings import allow_hosts, read_addresses
    from tasks.acquire.download import RECORD, files_of
    from tasks.acquire.download import download as fetch
    from tasks.acquire.settings import TransferSettings
    from tasks.overlap.testsets import read_test_set

    files = files_of(name, read_addresses(addresses) if addresses else {})
    with _download_bars() as on_progress:
        fetch(files, folder.absolute(), allow_hosts(TransferSettings(), allow_host or []), on_progress)
    found = read_test_set(name, folder)
    photographs, sites = len(found.photographs), len({photograph.site for photograph in found.photographs})
    if as_json:
        print_json({"folder": folder, "photographs": photographs, "sites": sites, "checksums": folder / RECORD})
    else:
        console.print(f"{photographs} photographs of {sites} sites in {folder}; {RECORD} has the checksums")


@contextmanager
def _download_bars() -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description:24}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=errors) as bars:
        shown: dict[str, TaskID] = {}

        def on_progress(file: str, done: int, total: int) -> None:
            if file not in shown:
                shown[file] = bars.add_task(file, total=total or None)
            bars.update(shown[file], completed=done)

        yield on_progress


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
    as_json: JsonOption = False,
) -> None:
    """Certify what a version, or a folder of photographs, shares with test sets.

    Exit with 1 where it shares any; with 3 where nothing was found to be shared, but some files were not compared.
    """
    quieten_prefect()
    from flows.certify import certify as flow
    from flows.certify import check_subject
    from flows.commands.certificate_page import count_shared, describe_certificate, facts_of_certificate
    from flows.runtime.server import prefect_server
    from flows.settings import CurateSettings, RunSettings, read_settings

    chosen, test_sets = read_settings(settings) if settings else CurateSettings(), read_test_sets(test_set or [])
    subject = check_subject(what, test_sets, root, name, chosen, aliases)
    with progress_bars(), prefect_server():
        made = flow(what, test_sets, root, name, chosen, RunSettings(runner=runner, workers=workers), aliases)
    store = Root(subject.root)
    if as_json:
        print_json(facts_of_certificate(store, made))
    else:
        console.print(describe_certificate(store, made))
        console.print(Text(f"certificate: {page_path(store, f'{made.folder}/index.html')}"), soft_wrap=True)
    if count_shared(store, made) or made.uncompared:
        raise typer.Exit(1 if count_shared(store, made) else 3)
