"""The flow `captions`: from Visual Genome's annotations to published vectors, neighbours and triplets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.artifacts import create_link_artifact, create_table_artifact
from pydantic import BaseModel, ConfigDict

from flows.captions_question import CaptionsQuestion, ask_captions
from flows.runner import task_runner
from flows.settings import CaptionsSettings, RunSettings
from storage.manifest import CaptionManifest, EncodingFacts, SourceFile, TripletFacts
from storage.root import Root
from storage.runs import one_run
from storage.tables import TableRef
from storage.versions import list_folders, point_latest, read_manifest
from tasks.captions.formats import spec_of
from tasks.captions.task import (
    LEFT_OUT,
    LIBRARIES,
    draw,
    encode_captions,
    encode_objects,
    fetch_archive,
    find_neighbours,
    parse_file,
    publish_captions,
    split_images,
)
from tasks.orchestration import Inputs, Output, PrefectRoad, Road

STAGES = 8
"""How many stages `travel` runs; for the progress."""

_ROWS_OF_A_TASK = 8192


class Captioned(BaseModel):
    """What the flow returns: the version that now is the latest, and whether that is news."""

    model_config = ConfigDict(frozen=True)

    version: CaptionManifest
    is_new: bool


@flow(name="captions", flow_run_name="{name}", persist_result=False)
def captions(
    files: list[Path] | None = None,
    name: str = "visual-genome",
    root: str = "./data",
    settings: CaptionsSettings = CaptionsSettings(),
    run: RunSettings = RunSettings(),
    note: str = "",
    pictures: Path | None = None,
) -> Captioned:
    """Encodes images by what people wrote of them, and publishes the vectors with neighbours and triplets.

    Args:
        files: files of Visual Genome, or folders of such, zipped or not; without any, the official archives are
            fetched.
        name: name of the dataset; its versions are numbered.
        root: dataset root, a folder or any URL that fsspec opens.
        settings: what decides the result.
        run: how it runs.
        note: a sentence or two for the card and the report.
        pictures: folder of the images themselves, named by id, for the report.
    """
    question = ask_captions(files or [], name, root, settings, note, pictures)
    store = Root(root)
    with one_run(store, CaptionManifest.shelf, name):
        before = list_folders(store, name, CaptionManifest)
        with task_runner(run) as runner:
            published = travel(PrefectRoad(store, runner, STAGES), question, settings)
        folder = Path(published.tables["record"].path).parent.name
        version = read_manifest(store, name, folder, CaptionManifest)
        point_latest(store, version)
    is_new = folder not in before
    _announce(store, version, is_new=is_new)
    return Captioned(version=version, is_new=is_new)


def travel(road: Road, question: CaptionsQuestion, settings: CaptionsSettings) -> Output:
    """The whole road."""
    # Read each file into a table, and list the images that any of them names.
    wanted = _archives(question, settings)
    archives = road.each(fetch_archive, wanted, None) if wanted else {}
    parsed = road.each(parse_file, _files(question, archives), settings.parse)
    found = {spec_of(kind).name: output.tables[spec_of(kind).name] for kind, output in parsed.items()}
    named: list[TableRef] = [found[name] for name in ("image_data", "regions", "objects") if name in found]
    listed = road.one(split_images, {"tables": named}, settings.split)
    images: Inputs = {"images": listed.tables["listed_images"], "libraries": json.dumps(LIBRARIES)}

    # Encode them twice: by their phrases, and by their objects.
    phrases = [found[name] for name in ("regions",) if name in found]
    objects = [found[name] for name in ("objects",) if name in found]
    looked_up: Inputs = {"descriptions": objects, "wordnet": question.wordnet}
    encoded = {
        "captions": road.one(encode_captions, {**images, "descriptions": phrases}, settings.encode),
        "objects": road.one(encode_objects, {**images, **looked_up}, settings.encode),
    }

    # What is alike, by one of the two; and from that, triplets.
    weights = encoded[settings.neighbours.encoding].tables["weights"]
    near = road.each(find_neighbours, _blocks(weights), settings.neighbours)
    drawn = road.one(draw, {"images": listed.tables["listed_images"], "weights": weights}, settings.triplets)

    parts: Inputs = {
        **found,
        "listed": listed.tables["listed_images"],
        "caption_triplets": drawn.tables["caption_triplets"],
        "caption_neighbours": [output.tables["caption_neighbours"] for output in near.values()],
        "skipped_records": [output.tables["skipped_records"] for output in parsed.values()],
        "empty_vectors": [output.tables["empty_vectors"] for output in encoded.values()],
        "libraries": json.dumps(LIBRARIES),
    }
    own = {
        f"{prefix}_{table}": encoded[name].tables[table]
        for prefix, name in (("caption", "captions"), ("object", "objects"))
        for table in ("weights", "vocabulary")
    }
    seen = {f"listed_{name}": output.tables["encoded_images"] for name, output in encoded.items()}
    facts = {
        "note": question.note,
        "settings": settings.model_dump(mode="json"),
        "sources": [_source(kind, question, archives, output).model_dump() for kind, output in parsed.items()],
        "encodings": {name: _facts(output).model_dump() for name, output in encoded.items()},
        "similarity": settings.neighbours.encoding,
        "triplets": _triplets(drawn).model_dump(),
        "wordnet": question.wordnet,
    }
    pictures = str(question.pictures) if question.pictures else None
    told: Inputs = {"name": question.name, "facts": json.dumps(facts), "pictures": pictures}
    return road.one(publish_captions, {**parts, **own, **seen, **told}, None)


def _archives(question: CaptionsQuestion, settings: CaptionsSettings) -> dict[str, Inputs]:
    how = settings.archives.model_dump_json()
    return {kind: {**archive.model_dump(), "how": how} for kind, archive in question.archives.items()}


def _files(question: CaptionsQuestion, archives: Mapping[str, Output]) -> dict[str, Inputs]:
    fetched: dict[str, Inputs] = {
        kind: {"kind": kind, "archive": output.tables["archive"], "path": question.archives[kind].url}
        for kind, output in archives.items()
    }
    local: dict[str, Inputs] = {
        kind: {"kind": kind, "archive": None, "content": file.sha256, "path": str(file.path)}
        for kind, file in question.files.items()
    }
    return {**fetched, **local}


def _blocks(weights: TableRef) -> dict[str, Inputs]:
    """The rows in blocks whose bounds depend on nothing but their number."""
    starts: Sequence[int] = range(0, weights.rows, _ROWS_OF_A_TASK)
    return {
        f"{first:06d}": {"weights": weights, "first": first, "last": min(first + _ROWS_OF_A_TASK, weights.rows)}
        for first in starts
    }


def _source(kind: str, question: CaptionsQuestion, archives: Mapping[str, Output], parsed: Output) -> SourceFile:
    if kind in archives:
        origin = {"sha256": archives[kind].tables["archive"].digest, "address": question.archives[kind].shown}
    else:
        origin = {"sha256": question.files[kind].sha256}
    return SourceFile(kind=kind, **origin, **parsed.counts)


def _facts(encoded: Output) -> EncodingFacts:
    left_out = {
        name.removeprefix(LEFT_OUT): count for name, count in encoded.counts.items() if name.startswith(LEFT_OUT)
    }
    counts = {name: count for name, count in encoded.counts.items() if not name.startswith(LEFT_OUT)}
    return EncodingFacts(**counts, left_out=left_out)


def _triplets(drawn: Output) -> TripletFacts:
    without = {reason: count for reason, count in drawn.counts.items() if reason != "drawn"}
    return TripletFacts(drawn=drawn.counts["drawn"], without=without)


def _announce(root: Root, version: CaptionManifest, *, is_new: bool) -> None:
    """Logs what came of the run, and shows both encodings and the way to the report as artifacts."""
    logger = get_run_logger()
    news = "published" if is_new else "nothing new: the latest version is"
    logger.info("%s %s, %d triplets", news, version.folder, version.triplets.drawn)
    for source in version.sources:
        if source.skipped:
            logger.warning("%s: %d malformed records left out", source.kind, source.skipped)
    rows = [{"encoding": name, **facts.model_dump(exclude={"left_out"})} for name, facts in version.encodings.items()]
    create_table_artifact(rows, key="captions-encodings", description=f"The two encodings: {version.folder}")
    report = f"{root.url}/{version.folder}/report/index.html"
    link = f"file://{report}" if root.is_local else report
    create_link_artifact(link, link_text=report, key="captions-report", description="Open it from disk")
