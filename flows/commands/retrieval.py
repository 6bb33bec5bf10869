"""The commands about indexes: `index` makes one, `indexes` lists them, `search` and `evaluate` ask one."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from flows.commands.listing import print_versions
from flows.commands.options import JsonOption, NameOption, RootOption, VersionArgument, read_test_sets
from flows.commands.progress import progress_bars
from flows.commands.terminal import console, errors, facts_of_news, print_json, print_news, quieten_prefect
from storage.errors import InputError
from storage.manifest import IndexManifest
from storage.root import Root
from storage.versions import find_version, only_name, read_version_table

_SCORED = "Test set that is scored: folder of its photographs and ground truth; repeatable."

IndexOption = Annotated[
    str, typer.Option("--index", help="`latest`, a number, a folder name, or the start of a digest; see cairn indexes.")
]
BackboneOption = Annotated[
    str | None, typer.Option(metavar="MODULE:NAME", help="Backbone of your own that the index may import.")
]
SettingsOption = Annotated[Path | None, typer.Option(help="TOML file with sections 'describe', 'whiten' and 'index'.")]
ScoredOption = Annotated[list[str] | None, typer.Option(metavar="NAME=DIR", help=_SCORED)]
LikeOption = Annotated[
    str | None,
    typer.Option(
        metavar="INDEX", help="Take the settings, network and codes of this index: what it has is not done again."
    ),
]
NetworkOption = Annotated[
    str | None, typer.Option(help="Trained network that describes: `latest`, a number, …; see cairn networks.")
]
MostLostOption = Annotated[
    float | None, typer.Option(min=0, help="Not the latest where a test set's mAP is lower than now by more.")
]
CertifiedOption = Annotated[
    bool, typer.Option(help="Not the latest where a test set is not one of the version's certificates.")
]
PhotoArgument = Annotated[Path | None, typer.Argument(metavar="[PHOTO]", help="A photograph to search for.")]
TextOption = Annotated[
    str | None, typer.Option(help="Words to search for, or that PHOTO is modified by; the index must know words.")
]
BoxOption = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option(metavar="X1 Y1 X2 Y2", help="What of PHOTO to search for, in pixels, upright."),
]
ExpandOption = Annotated[
    int, typer.Option(min=0, help="Average the query with so many nearest images, and search again.")
]
AlphaOption = Annotated[
    float, typer.Option(min=0, help="With --expand: a neighbour weighs its similarity to this power.")
]
ObjectsOption = Annotated[
    int, typer.Option(min=0, help="Rank the first so many again by what they show of PHOTO; not with --text.")
]
OutOption = Annotated[
    Path | None, typer.Option(help="Folder for the page of the results; by default one of its own in the root.")
]


def index(
    version: VersionArgument = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    settings: SettingsOption = None,
    test_set: ScoredOption = None,
    like: LikeOption = None,
    network: NetworkOption = None,
    backbone: BackboneOption = None,
    most_lost: MostLostOption = None,
    certified: CertifiedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Describe and index the images of VERSION for search; exit with 4 where it is not made the latest."""
    if like and settings:
        raise InputError("--like takes the settings of that index; leave out --settings, or --like")
    quieten_prefect()
    from flows.index_request import check_index_request
    from flows.settings import IndexFlowSettings, IndexGate, read_index_settings

    chosen = read_index_settings(settings) if settings else IndexFlowSettings()
    test_sets = read_test_sets(test_set or [])
    check_index_request(version, name, root, test_sets, like, network)
    from flows.commands.sheet import scores_table
    from flows.index import index as flow
    from flows.runtime.server import prefect_server

    gate = IndexGate(most_lost=most_lost, certified=certified)
    with progress_bars(), prefect_server():
        made = flow(version, root, name, chosen, test_sets, like, network, backbone, gate=gate)
    news = "published" if made.is_new else "nothing new; the latest index is"
    rows = read_version_table(Root(root), made.version, "results").to_pylist()
    if as_json:
        print_json({**facts_of_news(Root(root), made.version, news), **_facts(made.version), "scores": rows})
        return
    _describe(made.version)
    if rows:
        console.print(scores_table(rows))
    print_news(Root(root), made.version, news)


def _describe(version: IndexManifest) -> None:
    chosen, images = version.chosen, version.tables["indexed"].rows
    console.print(
        f"{images:,} images of {version.source}: {chosen.factory}, {chosen.bytes_per_vector:,.0f} bytes an image, "
        f"{chosen.recall:.3f} of the 10 nearest found, {chosen.milliseconds:.2f} ms a query",
        soft_wrap=True,
    )
    for reason, number in version.not_indexed.items():
        console.print(f"[bold yellow]![/] {number:,} readable images are not in the index: {reason}")


def _facts(version: IndexManifest) -> dict[str, Any]:
    return {
        "source": version.source,
        "images": version.tables["indexed"].rows,
        "not_indexed": version.not_indexed,
        "network": version.network,
        "chosen": version.chosen.model_dump(),
    }


def indexes(root: RootOption = "./data", as_json: JsonOption = False) -> None:
    """List the published indexes of a root."""

    def facts(version: IndexManifest) -> tuple[object, ...]:
        return version.source, version.tables["indexed"].rows, version.chosen.factory, version.network[:12]

    headings = ("version", "images", "kind", "network")
    print_versions(Root(root), IndexManifest, headings, facts, "cairn index makes it anew", as_json=as_json)


def search(
    photo: PhotoArgument = None,
    text: TextOption = None,
    box: BoxOption = None,
    which: IndexOption = "latest",
    count: Annotated[int, typer.Option(min=1, help="Results shown.")] = 20,
    expand: ExpandOption = 0,
    alpha: AlphaOption = 0.0,
    objects: ObjectsOption = 0,
    root: RootOption = "./data",
    name: NameOption = None,
    out: OutOption = None,
    backbone: BackboneOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search an index for PHOTO, a text, or both: print what is most like it, and write a page that shows why."""
    _check_query(photo, text, box, objects)
    from tasks.describe.installed import check_networks_installed
    from tasks.index.query import read_query

    store = Root(root)
    version = find_version(store, only_name(store, name, IndexManifest), which, IndexManifest)
    check_networks_installed()
    photograph = read_query(photo, box) if photo else None
    from flows.commands.search import Asking, Query, open_index
    from flows.commands.search import search as search_index
    from flows.commands.sheet import facts_of_found, found_table, write_sheet
    from flows.commands.texts import open_texts

    words = open_texts(store, version).embed(text) if text is not None else None
    opened, query = open_index(store, version, backbone), Query(photograph, box, words)
    if words and words.unknown:
        errors.print(Text(f"not in its vocabulary, and passed over: {', '.join(words.unknown)}"), soft_wrap=True)
    found = search_index(opened, query, count, Asking(expand, alpha, objects))
    page = write_sheet(opened, _title(photo, text), query, found, Root(str(out)) if out else None)
    if as_json:
        print_json({"found": facts_of_found(found), "page": page})
        return
    console.print(found_table(found))
    console.print(Text(f"page: {page}"), soft_wrap=True)


def _title(photo: Path | None, text: str | None) -> str:
    return " + ".join([*([photo.name] if photo else []), *([f"“{text}”"] if text else [])])


def _check_query(
    photo: Path | None, text: str | None, box: tuple[float, float, float, float] | None, objects: int
) -> None:
    """Raises InputError where the parts of a query don't go together."""
    if photo is None and text is None:
        raise InputError("nothing to search for; give a PHOTO, --text, or both")
    if photo is None and box is not None:
        raise InputError("--box is what of a photograph is searched for; give PHOTO too, or leave it out")
    if text is not None and objects:
        raise InputError("--objects ranks by what results show of a photograph alone; leave out it, or --text")


def evaluate(
    test_sets: Annotated[list[str], typer.Argument(metavar="NAME=DIR...", help=_SCORED.replace("; repeatable", ""))],
    which: IndexOption = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    backbone: BackboneOption = None,
    device: Annotated[Literal["cpu", "cuda", "mps"], typer.Option(help="What the network computes on.")] = "cpu",
    as_json: JsonOption = False,
) -> None:
    """Score the network of an index, and its codes, on test sets, by their own protocols."""
    quieten_prefect()
    folders = read_test_sets(test_sets)
    store = Root(root)
    find_version(store, only_name(store, name, IndexManifest), which, IndexManifest)
    from tasks.describe.installed import check_networks_installed

    check_networks_installed()
    from flows.commands.sheet import scores_table
    from flows.evaluate import evaluate as flow
    from flows.runtime.server import prefect_server

    with progress_bars(), prefect_server():
        rows = flow(folders, which, root, name, backbone, device)
    if as_json:
        print_json(rows)
    else:
        console.print(scores_table(rows))
