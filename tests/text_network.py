"""A network that knows words, made from captions of the images of an index: what training would give, at once."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import torch

from storage.manifest import CaptionManifest, IndexManifest, NetworkFacts, NetworkManifest
from storage.parquet import read_bytes, write_bytes, write_table
from storage.root import Root
from storage.tables.captions import CAPTION_VOCABULARY
from storage.tables.training import NETWORK_TABLES
from storage.versions import point_latest, publish_version, read_version_table, source_of, version_table
from tasks.captions.forms import count_forms, count_words, make_stemmer
from tasks.captions.settings import EncodeSettings
from tasks.captions.tfidf import encode
from tasks.describe.backbones import load_backbone
from tasks.describe.network import load_network
from tasks.describe.settings import DescribeSettings
from tasks.describe.text import TextEmbedding, export_text
from tasks.describe.weights import export_weights
from tasks.describe.whiten import export_whitening, read_whitening

ENCODE = EncodeSettings()


def publish_text_network(
    root: Root,
    index: IndexManifest,
    said: Mapping[str, str],
    captions: CaptionManifest | None = None,
) -> NetworkManifest:
    """Publishes nearly the network that described an index, with the mean of the images that a word was said of.

    Args:
        said: a caption by image id. captions: the version that it is to name as what it learned from.
    """
    ids = read_version_table(root, index, "indexed")["image_id"].to_pylist()
    vectors = np.load(root.local_path(version_table(index, "vectors").path))
    told = [one for one in ids if one in said]
    described = count_forms(((one, said[one]) for one in told), {one: row for row, one in enumerate(told)}, count_words)
    stems = [make_stemmer(ENCODE)(form) for form in described.forms]
    encoded = encode(described.counts, described.forms, stems, np.ones(len(told), bool), ENCODE)
    seen = vectors[[ids.index(one) for one in told]]
    weight = torch.from_numpy((encoded.weights.T @ (seen - seen.mean(axis=0))).astype(np.float32))

    where = "stages/made"
    settings = DescribeSettings.model_validate(index.settings["describe"])
    backbone = export_weights(load_backbone(settings).network)
    whitening = read_whitening(read_bytes(root, version_table(index, "whitening")))
    with torch.no_grad():
        whitening.weight[0] *= 1.01  # so that it is another network, as a trained one is
    network = load_network(settings, export_whitening(whitening)).digest()
    own = {
        "text": write_bytes(root, f"{where}/text.safetensors", export_text(TextEmbedding(weight)), len(weight)),
        CAPTION_VOCABULARY.name: write_table(
            root, f"{where}/caption_vocabulary.parquet", CAPTION_VOCABULARY, encoded.vocabulary
        ),
    }
    tables = {
        spec.name: write_table(root, f"{where}/{spec.name}.parquet", spec, pa.Table.from_pylist([], spec.schema))
        for spec in NETWORK_TABLES
    } | {
        "backbone": write_bytes(root, f"{where}/backbone.safetensors", backbone, 1),
        "whitening": write_bytes(root, f"{where}/whitening.safetensors", export_whitening(whitening), index.dimensions),
    }
    facts = NetworkFacts(
        settings={"describe": settings.model_dump(mode="json"), "encode": ENCODE.model_dump(mode="json")},
        software={},
        source=index.source,
        source_digest=index.source_digest,
        captions=source_of(captions) if captions else "made/1-0123456789ab",
        captions_digest=captions.digest if captions else "01" * 32,
        start=index.network,
        network=network,
        dimensions=index.dimensions,
        photographs=len(told),
        iterations=1,
        best=1,
        certificates={},
        environment={},
    )
    made = publish_version(root, index.name, tables | own, facts, lambda _: [], NetworkManifest)
    point_latest(root, made)
    return made
