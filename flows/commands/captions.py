"""`cairn captions …`: vectors of what people wrote of images, and what is alike by them."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.table import Table
from rich.text import Text

from flows.commands.examples import examples_of
from flows.commands.listing import print_versions
from flows.commands.options import JsonOption, RootOption, RunnerOption, VersionArgument, VersionOption, WorkersOption
from flows.commands.progress import progress_bars
from flows.commands.terminal import (
    console,
    errors,
    facts_of_news,
    print_json,
    print_news,
    print_verified,
    quieten_prefect,
)
from storage.errors import InputError
from storage.manifest import CaptionManifest
from storage.root import Root
from storage.verify import verify_version
from storage.versions import find_version, only_name

app = typer.Typer(
    help="Encode images by what people wrote of them: Visual Genome or COCO to tf-idf.", no_args_is_help=True
)
NameOption = Annotated[str | None, typer.Option(help="Name of the captions; not needed where the root holds only one.")]


@app.command(epilog=examples_of("captions run"))
def run(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Files named as Visual Genome's, or as COCO's captions_train2017.json, zipped or not, or folders of "
            "these; none: fetch Visual Genome's.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the captions.")] = "visual-genome",
    root: RootOption = "./data",
    settings: Annotated[Path | None, typer.Option(help="TOML file with a section per stage, such as 'encode'.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder with the images themselves, named by id, for the report.")
    ] = None,
    note: Annotated[str, typer.Option(help="A sentence for the card and the report.")] = "",
    runner: RunnerOption = "threads",
    workers: WorkersOption = os.cpu_count() or 1,
    as_json: JsonOption = False,
) -> None:
    """Encode Visual Genome, or COCO's captions, into a new version, or find that nothing changed."""
    quieten_prefect()
    from flows.captions import captions as flow
    from flows.captions_request import check_captions_request
    from flows.runtime.server import prefect_server
    from flows.settings import CaptionsSettings, RunSettings, read_captions_settings

    chosen = read_captions_settings(settings) if settings else CaptionsSettings()
    check_captions_request(files or [], name, root, chosen, note, pictures)
    with progress_bars(), prefect_server():
        made = flow(files, name, root, chosen, RunSettings(runner=runner, workers=workers), note, pictures)
    news = "published" if made.is_new else "nothing new; the latest version is"
    if as_json:
        print_json({**facts_of_news(Root(root), made.version, news), **_facts_of_encodings(made.version)})
        return
    _print_encodings(made.version)
    print_news(Root(root), made.version, news)


@app.command(epilog=examples_of("captions near"))
def near(
    image_id: Annotated[str | None, typer.Argument(help="An image of the version.")] = None,
    text: Annotated[str | None, typer.Option(help="A text to ask with in place of an image.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Images shown.")] = 10,
    encoding: Annotated[Literal["captions", "objects"], typer.Option(help="What similarity is of.")] = "captions",
    root: RootOption = "./data",
    name: NameOption = None,
    version: VersionOption = "latest",
    as_json: JsonOption = False,
) -> None:
    """Show the images most like IMAGE_ID, or like a text."""
    if (image_id is None) == (text is None):
        raise InputError("give an IMAGE_ID, or --text, and not both")
    store = Root(root)
    found = find_version(store, only_name(store, name, CaptionManifest), version, CaptionManifest)
    from flows.commands.near import Encodings, describe_near, facts_of_near, near_image, near_text

    asked = Encodings(store, found, encoding)
    answer = near_image(asked, image_id, k) if image_id is not None else near_text(asked, str(text), k)
    if as_json:
        print_json({"version": found.folder, "encoding": encoding, **facts_of_near(answer)})
    else:
        console.print(describe_near(answer))


@app.command(epilog=examples_of("captions encode"))
def encode(
    table: Annotated[Path, typer.Argument(help="CSV or Parquet file of image_id and phrase, a phrase a row.")],
    output: Annotated[str, typer.Option(help="Folder for caption_weights.npz and encoded_images.parquet.")],
    root: RootOption = "./data",
    name: NameOption = None,
    version: VersionOption = "latest",
    as_json: JsonOption = False,
) -> None:
    """Encode the captions of other images with a published vocabulary."""
    store = Root(root)
    found = find_version(store, only_name(store, name, CaptionManifest), version, CaptionManifest)
    from flows.commands.encode import encode_table
    from flows.commands.near import Encodings

    images = encode_table(Encodings(store, found), table, Root(output)).to_pandas()
    counted, unknown, empty = images.counted.sum(), images.unknown.sum(), images.image_id[images.distinct_terms == 0]
    if as_json:
        facts = {"images": len(images), "words": int(counted), "unknown": int(unknown), "empty": empty.tolist()}
        print_json({"version": found.folder, "output": output, **facts})
        return
    console.print(f"{len(images)} images; {unknown} of {counted} words have no stem in {found.folder}")
    if len(empty):
        shown = ", ".join(empty[:10]) + (", …" if len(empty) > 10 else "")
        console.print(Text(f"{len(empty)} with an empty vector: {shown}"), soft_wrap=True)


@app.command("list", epilog=examples_of("captions list"))
def list_images(
    out: Annotated[Path, typer.Option(help="CSV file for the list.")],
    version: VersionArgument = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the images of VERSION as a list for cairn curate, each a class of its own."""
    store = Root(root)
    found = find_version(store, only_name(store, name, CaptionManifest), version, CaptionManifest)
    from flows.commands.image_list import SETTINGS, write_list

    listed, lacking = write_list(store, found, out)
    if as_json:
        print_json(
            {"version": found.folder, "list": out, "images": listed, "without_address": lacking, "settings": SETTINGS}
        )
        return
    if lacking:
        errors.print(f"[bold yellow]![/] {lacking:,} images have no address, and are not in it", highlight=False)
    console.print(
        Text(f"{listed:,} images of {found.folder} in {out}; curate them with these settings:"), soft_wrap=True
    )
    console.print(Text(f"\n{SETTINGS}"))


@app.command(epilog=examples_of("captions score"))
def score(
    index: Annotated[
        list[str],
        typer.Option("--index", metavar="NAME/N", help="Index of the same images; see cairn indexes; repeatable."),
    ],
    version: VersionArgument = "latest",
    triplets: Annotated[
        Path | None, typer.Option(help="CSV or Parquet of what people answered; see docs/guides/captions.md.")
    ] = None,
    most: Annotated[int, typer.Option(min=2, help="Images up to which the curves of NDCG and PCC go.")] = 128,
    out: Annotated[Path | None, typer.Option(help="CSV file for all figures.")] = None,
    root: RootOption = "./data",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score indexes by how they rank the test images of VERSION beside what captions and people say."""
    store = Root(root)
    found = find_version(store, only_name(store, name, CaptionManifest), version, CaptionManifest)
    from flows.commands.near import Encodings
    from flows.commands.scored import facts_of_rows, scores_table, write_csv
    from flows.commands.scoring import score_shared
    from flows.commands.shared_images import open_scored, share

    shared = share(Encodings(store, found), [open_scored(store, one) for one in index], triplets)
    rows, counts = score_shared(shared, most)
    if out:
        write_csv(out, rows)
    if as_json:
        print_json({"captions": found.folder, "most": most, **counts, "scores": facts_of_rows(rows)})
        return
    console.print(scores_table(rows))
    told = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items() if count)
    console.print(f"\nof {found.folder}, split test: {told}; in percent", highlight=False, soft_wrap=True)


@app.command(epilog=examples_of("captions versions"))
def versions(root: RootOption = "./data", as_json: JsonOption = False) -> None:
    """List the published versions of a root."""

    def facts(version: CaptionManifest) -> tuple[object, ...]:
        both = version.encodings
        return both["captions"].images, both["captions"].terms, both["objects"].terms, version.triplets.drawn

    headings = ("images", "stems", "synsets", "triplets")
    print_versions(Root(root), CaptionManifest, headings, facts, "cairn captions verify", as_json=as_json)


@app.command(epilog=examples_of("captions verify"))
def verify(
    version: VersionArgument = "latest",
    root: RootOption = "./data",
    name: NameOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read all files of VERSION; exit with 1 where any is not as it was published."""
    store = Root(root)
    found = verify_version(store, only_name(store, name, CaptionManifest), version, CaptionManifest)
    print_verified(found, as_json=as_json)
    if found.wrong:
        raise typer.Exit(1)


def _facts_of_encodings(version: CaptionManifest) -> dict[str, Any]:
    return {
        "encodings": {name: facts.model_dump() for name, facts in version.encodings.items()},
        "triplets": version.triplets.model_dump(),
        "skipped_records": sum(source.skipped for source in version.sources),
    }


def _print_encodings(version: CaptionManifest) -> None:
    table = Table("encoding", box=None)
    for column in ("images", "terms", "occurrences", "without a term", "empty"):
        table.add_column(column, justify="right")
    for name, facts in version.encodings.items():
        numbers = (facts.images, facts.terms, facts.occurrences, sum(facts.left_out.values()), facts.empty)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    console.print(table)
    skipped = sum(source.skipped for source in version.sources)
    console.print(f"{version.triplets.drawn:,} triplets; {skipped:,} malformed records left out")
