"""The commands about networks: `train` makes one, `networks` lists them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from flows.commands.listing import print_versions
from flows.commands.options import JsonOption, NameOption, RootOption, VersionArgument, read_test_sets
from flows.commands.progress import progress_bars
from flows.commands.terminal import console, facts_of_news, print_json, print_news, quieten_prefect
from storage.errors import InputError
from storage.manifest import NetworkManifest
from storage.root import Root
from storage.versions import read_version_table

if TYPE_CHECKING:  # they bring Prefect and torch, which take their time
    from flows.networks import TrainedVersion
    from flows.settings import TrainRunSettings

SettingsOption = Annotated[
    Path | None, typer.Option(help="TOML file with sections 'describe', 'whiten', 'train', 'train.mining', ….")
]
ScoredOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=DIR", help="Test set that is scored on the way: its folder; repeatable."),
]
TensorboardOption = Annotated[
    Path | None, typer.Option(help="Folder for TensorBoard; by default `tensorboard` in the root.")
]
KindOption = Annotated[
    Literal["instance", "semantic"],
    typer.Option(help="What is alike: photographs of one class, or what captions say is alike."),
]
CaptionsOption = Annotated[
    str | None,
    typer.Option(metavar="NAME[/VERSION]", help="Captions that say what is alike; see cairn captions."),
]


def train(
    version: VersionArgument = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    settings: SettingsOption = None,
    test_set: ScoredOption = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that train, a GPU each where there are any.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes that read photographs, for each of them.")] = 1,
    tensorboard: TensorboardOption = None,
    kind: KindOption = "instance",
    captions: CaptionsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a network on the photographs of VERSION; needs the extra `train`."""
    if captions and kind == "instance":
        raise InputError("--captions are learned from by --kind semantic; give both, or neither")
    quieten_prefect()
    from flows.settings import TrainRunSettings

    run = TrainRunSettings(processes=processes, workers=workers, tensorboard=tensorboard)
    test_sets = read_test_sets(test_set or [])
    if kind == "semantic":
        made = _train_semantic(version, root, name, captions, settings, test_sets, run)
    else:
        made = _train_instances(version, root, name, settings, test_sets, run)
    news = "published" if made.is_new else "nothing new; the latest network is"
    if as_json:
        print_json(_facts(Root(root), made.version, news))
        return
    _describe(Root(root), made.version)
    print_news(Root(root), made.version, news)


def _train_instances(
    version: str,
    root: str,
    name: str | None,
    settings: Path | None,
    test_sets: dict[str, Path],
    run: "TrainRunSettings",
) -> "TrainedVersion":
    from flows.settings import TrainFlowSettings, read_train_settings
    from flows.train_request import check_train_request

    chosen = read_train_settings(settings) if settings else TrainFlowSettings()
    check_train_request(version, name, root, test_sets)
    from flows.runtime.server import prefect_server
    from flows.train import train as flow

    with progress_bars(), prefect_server():
        return flow(version, root, name, chosen, test_sets, run)


def _train_semantic(
    version: str,
    root: str,
    name: str | None,
    captions: str | None,
    settings: Path | None,
    test_sets: dict[str, Path],
    run: "TrainRunSettings",
) -> "TrainedVersion":
    from flows.settings import SemanticFlowSettings, read_semantic_settings
    from flows.train_request import check_semantic_request

    chosen = read_semantic_settings(settings) if settings else SemanticFlowSettings()
    check_semantic_request(version, name, root, captions, test_sets)
    from flows.runtime.server import prefect_server
    from flows.train_semantic import train_semantic as flow

    with progress_bars(), prefect_server():
        return flow(version, root, name, captions, chosen, test_sets, run)


def _facts(root: Root, version: NetworkManifest, news: str) -> dict[str, Any]:
    from tasks.train.report import compare_scores

    return {
        **facts_of_news(root, version, news),
        "source": version.source,
        "photographs": version.photographs,
        "left_out": version.tables["left_out"].rows,
        "iterations": version.iterations,
        "best": version.best,
        "scores": compare_scores(version, read_version_table(root, version, "scores").to_pandas()),
        "captions": version.captions,
        "joined": version.joined,
    }


def _describe(root: Root, version: NetworkManifest) -> None:
    from tasks.train.objective import VALIDATION
    from tasks.train.report import compare_scores

    compared = compare_scores(version, read_version_table(root, version, "scores").to_pandas())
    table = Table("test set", "protocol", "queries", "before", "after", "certificate", box=None)
    for row in compared:
        scores = f"{row['before']:.3f}", f"{row['after']:.3f}"
        table.add_row(row["test_set"], row["protocol"], f"{row['queries']:,}", *scores, row["certificate"][:13])
    console.print(table)
    console.print(
        f"{version.photographs:,} photographs of {version.source}, {version.iterations:,} iterations; the best network "
        f"was that after {version.best:,}",
        soft_wrap=True,
    )
    if not any(row["test_set"] == VALIDATION for row in compared):
        console.print("[bold yellow]![/] nothing validates, so the network is the newest, and maybe not the best")
    elif not version.best:
        how = "train with a lower rate, for longer, or on more photographs"
        told = "no score on val was better than the first, so the network is the one that training began with"
        console.print(f"[bold yellow]![/] {told}; {how}", soft_wrap=True)
    if version.captions:
        told = ", ".join(f"{count:,} {what}" for what, count in version.joined.items())
        console.print(f"captions: {version.captions}; {told}", soft_wrap=True)
    if rows := version.tables["left_out"].rows:
        console.print(f"[bold yellow]![/] {rows:,} photographs could not be read; the table `left_out` names them")


def networks(root: RootOption = "./data", as_json: JsonOption = False) -> None:
    """List the trained networks of a root."""

    def facts(version: NetworkManifest) -> tuple[object, ...]:
        return (
            version.source,
            version.settings.get("describe", {}).get("backbone", ""),
            version.captions or "classes",
            version.iterations,
            version.network[:12],
        )

    headings = ("version", "backbone", "learned from", "iterations", "network")
    print_versions(Root(root), NetworkManifest, headings, facts, "cairn train makes it anew", as_json=as_json)
