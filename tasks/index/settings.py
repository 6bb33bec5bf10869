"""How descriptors are indexed and searched."""

from typing import Literal

from pydantic import Field

from tasks.settings import StageSettings


class IndexSettings(StageSettings):
    """The knobs of an index."""

    factory: str = Field(
        "",
        description="What faiss' index_factory reads, such as Flat, PCA512,OPQ64,PQ64np or HNSW32; empty has a kind "
        "chosen that keeps within `memory` and `milliseconds`",
    )
    memory: int = Field(1024, ge=1, description="megabytes that a chosen index may take")
    milliseconds: float = Field(20.0, gt=0, description="that a query may take with a chosen index, on one core")
    learnt_from: int = Field(100_000, ge=1, description="descriptors, at most, that codes and lists are learnt from")
    probes: int = Field(32, ge=1, description="lists of an inverted file that a search looks at")
    rerank: int = Field(
        10, ge=0, description="so many times the wanted images are ranked again by their descriptors; 0: by codes alone"
    )
    augmented: int = Field(
        0,
        ge=0,
        description="nearest images that each is averaged with first: database-side augmentation; 0: none",
    )
    augmented_by: Literal["code", "paper"] = Field(
        "code", description="how they fall in weight: as in the code of Gordo et al. 2017, or as in their paper"
    )
