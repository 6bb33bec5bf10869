"""The stage `evaluate`: what a network scores on a test set."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.errors import InputError
from storage.parquet import read_bytes, read_table
from storage.root import Root
from storage.tables.features import SignatureRef
from storage.tables.retrieval import RESULTS, ResultsRef
from storage.tables.spec import FileRef, MatrixRef
from storage.tables.versions import THUMBNAILS, ThumbnailsRef
from tasks.contracts import Inputs, Output, Run, Unkeyed, stage
from tasks.describe.contracts import NETWORKS, Describer, load_promised
from tasks.describe.network import Stored
from tasks.describe.settings import DescribeSettings
from tasks.evaluate.page import Ranked, WorstPage, render_worst
from tasks.evaluate.photographs import (
    Described,
    describe_photographs,
    describe_queries,
    rank_by_codes,
    rank_exactly,
    read_scored_set,
)
from tasks.evaluate.results import NOT_CERTIFIED, Conditions, grade, result_rows, score_all, searched
from tasks.evaluate.truth import Truth
from tasks.index.build import parse
from tasks.index.page import Picture
from tasks.overlap.groundtruth import stem_of

_DRAWN = 10  # queries, the worst


class Codes(Inputs):
    """An index whose codes are scored too, by the kind that faiss' `index_factory` calls it."""

    index: MatrixRef
    factory: str


class EvaluateInputs(Inputs):
    """What `evaluate` reads.

    Attributes:
        name, digest: of the test set; the digest is of all that decides its scores.
        network: the digest of all that decides what the network makes of a picture.
        source: the version that whitening was learned from.
        certificates: of that version against a test set of this name: by digest, the signature of its photographs.
        codes: of an index that is not exact.
    """

    name: str
    digest: str
    folder: Annotated[Path, Unkeyed("the digest of what is in it stands for it")]
    network: str
    stored: Annotated[Stored, Unkeyed("the network's digest has it")]
    source: str
    certificates: dict[str, SignatureRef]
    codes: Codes | None = None


class Evaluated(Output):
    """What `evaluate` writes: scores, and the page of the worst queries with its pictures.

    `unreadable` are the reasons why photographs were not ranked, by their paths: such an answer counts as not found.
    """

    results: ResultsRef
    page: FileRef
    pictures: ThumbnailsRef
    unreadable: dict[str, str]


@stage("evaluate", version=2, software=(*NETWORKS, "scipy", "faiss-cpu"), threads=None)
def score_test_set(run: Run, inputs: EvaluateInputs, settings: DescribeSettings) -> Evaluated:
    """Describes a test set, ranks its photographs exactly for each query, and by codes if asked to, and scores that.

    Raises:
        InputError: the network is not the one that was promised, the folder has changed, or a query can't be read.
    """
    network = load_promised(run, inputs.network, settings, inputs.stored)
    scored = read_scored_set(inputs.name, inputs.folder)
    if scored.digest() != inputs.digest:
        raise InputError(f"test set {inputs.name!r}: {inputs.folder} was changed meanwhile; run the same command again")
    truth = scored.truth
    describe = Describer(run, network, inputs.network)
    found = list(describe_photographs(describe, scored.photographs, lambda done, of: run.report(done, of, inputs.name)))
    every = [one for one in found if isinstance(one, Described)]
    unreadable = {one.path: str(one.reason) for one in found if not isinstance(one, Described)}
    indices = searched(truth, [stem_of(photograph.path) for photograph in every])
    queries = describe_queries(describe, truth, inputs.folder, every)
    photographs = [every[index] for index in indices]
    vectors = np.array([photograph.vector for photograph in photographs])
    rankings = rank_exactly(vectors, queries)
    conditions = Conditions(
        test_set=inputs.name,
        size="+".join(map(str, settings.longest_sides)),
        crop=any(query.box for query in truth.queries),
        network=f"{settings.backbone} {settings.pooling} {inputs.network[:12]}",
        whitening=inputs.source,
        certificate=certificate_of(run.root, inputs.certificates, every),
    )
    names = [stem_of(photograph.path) for photograph in photographs]
    rows = result_rows(truth, rankings, names, conditions)
    if inputs.codes:
        index = parse(read_bytes(run.root, inputs.codes.index), inputs.codes.index.path)
        by_codes = replace(conditions, steps=f"codes {inputs.codes.factory}")
        rows += result_rows(truth, rank_by_codes(index, vectors, queries), names, by_codes)
    worst = _worst(inputs, truth, every, indices, rankings)
    pictures = [{"name": name, "jpeg": content} for name, content in worst.pictures.items()]
    return Evaluated(
        results=run.write(RESULTS, pa.Table.from_pylist(rows, RESULTS.schema)),
        page=run.write_file("worst.html", worst.html),
        pictures=run.write_rows(THUMBNAILS, pictures),
        unreadable=unreadable,
    )


def certificate_of(root: Root, certificates: Mapping[str, SignatureRef], every: list[Described]) -> str:
    """Returns the digest of a certificate of these very photographs, by their paths and sizes.

    Or that there is none.
    """
    photographs = {(one.path, one.width, one.height) for one in every}
    for digest, signature in certificates.items():
        signed = read_table(root, signature, ["test_image", "width", "height"]).to_pylist()
        if photographs == {(row["test_image"], row["width"], row["height"]) for row in signed}:
            return digest
    return NOT_CERTIFIED


def _worst(
    inputs: EvaluateInputs,
    truth: Truth,
    every: list[Described],
    indices: NDArray[np.int64],
    rankings: list[NDArray[np.int64]],
) -> WorstPage:
    """The page of the worst queries, under the protocol that is told of most."""
    protocol = "medium" if "medium" in truth.setups else min(truth.setups)
    pictures = [Picture(f"{index:06}", one.width, one.height) for index, one in enumerate(every)]
    asks = {stem_of(one.path): picture for one, picture in zip(every, pictures, strict=True)}
    names = [stem_of(every[index].path) for index in indices]
    ranked = Ranked(
        [pictures[index] for index in indices], [asks[query.photograph] for query in truth.queries], rankings
    )
    scores, (grades, _) = score_all(truth, rankings, names)[protocol], grade(truth, names)
    title, setup = f"{inputs.name}, {protocol}", truth.setups[protocol]

    def read(picture: Picture) -> bytes:
        return (inputs.folder / every[int(picture.name)].path).read_bytes()

    return render_worst(title, truth, setup, scores, grades, ranked, _DRAWN, read)
