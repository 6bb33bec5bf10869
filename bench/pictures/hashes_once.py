"""imagededup's hashes of folders of pictures, by the interpreter of its own environment; prints a line of JSON.

`python bench/hashes_once.py FOLDER…`: by method and folder, file name to hash, 16 hexadecimal digits.
"""

import json
import sys
from collections.abc import Sequence

from imagededup.methods import DHash, PHash

METHODS = {"pHash": PHash, "dHash": DHash}


def main(folders: Sequence[str]) -> dict[str, dict[str, dict[str, str]]]:
    """All hashes, each by the method's defaults."""
    return {
        name: {folder: method(verbose=False).encode_images(image_dir=folder) for folder in folders}
        for name, method in METHODS.items()
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1:])))
