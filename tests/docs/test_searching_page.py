"""The example of docs/guides/search.md does what the page says."""

import hashlib
import re
from pathlib import Path

import numpy as np

from tasks.index.expansion import unit_length

PAGE = Path(__file__).parents[2] / "docs/guides/search.md"


def test_the_example_finds_a_photograph_itself_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    vectors = unit_length(np.random.default_rng(0).normal(size=(300, 16)).astype("f4"))
    np.save("vectors.npy", vectors)
    digests = sorted(hashlib.sha256(bytes([number % 256, number // 256])).hexdigest() for number in range(300))
    Path("sha256.txt").write_text("\n".join(digests))
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example
    said = {}
    exec(example[1], said)
    assert said["measured"].factory == "Flat"
    assert said["found"].rows.shape == (1, 5)
    assert said["found"].rows[0, 0] == 0
