"""Perceptual hashes of pictures by imagededup, computed in its own environment."""

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_DISTANCE = 10  # bits of 64; imagededup's own threshold


@dataclass(frozen=True)
class Hashes:
    """By name of a part of the pictures, their hashes: uint8 (n, 64), a bit each."""

    bits: Mapping[str, NDArray[np.uint8]]

    def near(self, part: str, other: str) -> NDArray[np.bool_]:
        """Which pictures of a part are duplicates of which of another: (n, m)."""
        distances = (self.bits[part][:, None] != self.bits[other][None]).sum(axis=2)
        return np.asarray(distances <= _DISTANCE)


def hash_pictures(python: Path, parts: Mapping[str, Sequence[bytes]]) -> dict[str, Hashes]:
    """The hashes of all pictures by method.

    Args:
        python: the interpreter of imagededup's environment. parts: by name, files of pictures.
    """
    with tempfile.TemporaryDirectory() as folder:
        folders = {name: Path(folder) / name for name in parts}
        for name, files in parts.items():
            folders[name].mkdir()
            for number, content in enumerate(files):
                (folders[name] / f"{number:05}.jpg").write_bytes(content)
        command = [python, Path(__file__).with_name("hashes_once.py"), *folders.values()]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(output.splitlines()[-1])
    return {
        method: Hashes({name: _bits(by_folder[str(path)]) for name, path in folders.items()})
        for method, by_folder in found.items()
    }


def _bits(hashes: Mapping[str, str]) -> NDArray[np.uint8]:
    numbers = np.frombuffer(b"".join(bytes.fromhex(hashes[name]) for name in sorted(hashes)), np.uint8)
    return np.unpackbits(numbers.reshape(-1, 8), axis=1)
