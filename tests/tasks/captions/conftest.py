"""Seven images annotated by hand in Visual Genome's formats: five train, one validates, one tests."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from tasks.captions.genome import GenomeFile
from tasks.captions.settings import ParseSettings

ANNOTATIONS = Path(__file__).parent / "annotations"


@pytest.fixture
def annotations() -> Path:
    """The folder of `v1.0.0` and `v1.2.0`, with the same content in both formats."""
    return ANNOTATIONS


@pytest.fixture
def read_genome() -> Callable[..., GenomeFile]:
    """Reads records, or the bytes of a file, as a kind of file; gives the reader, with its `rows`."""

    def read(kind: str, content: Any, max_malformed: int = 100) -> GenomeFile:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        genome = GenomeFile(kind, io.BytesIO(data), f"{kind}.json", ParseSettings(max_malformed=max_malformed))
        genome.rows = [row for table in genome.tables() for row in table.to_pylist()]  # type: ignore[attr-defined]
        return genome

    return read


def _unit_rows(dense: np.ndarray) -> sp.csr_array:
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return sp.csr_array(np.divide(dense, lengths, out=np.zeros_like(dense), where=lengths > 0).astype(np.float32))


def _drawn(images: int, terms: int, seed: int = 0) -> sp.csr_array:
    random = np.random.default_rng(seed)
    shares = np.minimum(0.9, 2 / np.arange(1, terms + 1))
    return _unit_rows(random.exponential(size=(images, terms)) * (random.random((images, terms)) < shares))


@pytest.fixture(scope="session")
def unit_rows() -> Callable[[np.ndarray], sp.csr_array]:
    """Makes rows of length 1 of any that are not zero."""
    return _unit_rows


@pytest.fixture(scope="session")
def drawn() -> Callable[..., sp.csr_array]:
    """Draws so many images by so many terms, some of which many images have."""
    return _drawn
