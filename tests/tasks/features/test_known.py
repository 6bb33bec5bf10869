"""Templates of overlays that were learnt elsewhere: read, checked, and put together with one's own."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage.errors import InputError
from storage.parquet import encode, read_table
from storage.root import Root
from storage.tables.features import TEMPLATES
from tasks.contracts import Run
from tasks.features.known import check_overlays, read_overlays, table_of, templates_of
from tasks.features.overlays import Templates, join_templates
from tasks.features.settings import OverlaySettings
from tasks.features.task import JoinInputs, join_overlays
from tests.rows import write

SETTINGS = OverlaySettings()


def templates(seed: int, count: int = 5) -> Templates:
    return Templates(np.random.default_rng(seed).integers(0, 200, (count, 128), np.uint8), np.full(count, 3, np.int64))


def save(path: Path, table: pa.Table) -> Path:
    path.write_bytes(encode(TEMPLATES, table))
    return path


def test_a_file_gives_the_templates_that_a_version_has(tmp_path):
    known = check_overlays(save(tmp_path / "templates.parquet", table_of(templates(0))))
    assert known
    np.testing.assert_array_equal(read_overlays(known).descriptors, templates(0).descriptors)


def test_no_file_is_nothing_known():
    assert check_overlays(None) is None


def test_a_file_that_changed_since_is_refused(tmp_path):
    file = save(tmp_path / "templates.parquet", table_of(templates(0)))
    known = check_overlays(file)
    save(file, table_of(templates(1)))
    with pytest.raises(InputError, match=r"templates\.parquet: changed since"):
        read_overlays(known)


@pytest.mark.parametrize("content", [b"junk", b""])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "templates.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"overlays .*templates\.parquet"):
        check_overlays(tmp_path / "templates.parquet")


def test_another_table_is_refused(tmp_path):
    pq.write_table(pa.table({"number": [1], "classes": [2]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="columns are number, classes; expected the table `templates`"):
        check_overlays(tmp_path / "other.parquet")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.parquet: can't be read \(No such file"):
        check_overlays(tmp_path / "none.parquet")


def test_counts_below_zero_are_refused(tmp_path):
    odd = Templates(templates(0).descriptors, np.full(5, -1, np.int64))
    with pytest.raises(InputError, match="counts below 0"):
        check_overlays(save(tmp_path / "templates.parquet", table_of(odd)))


def test_what_is_known_already_is_not_added_again():
    joined = join_templates([templates(0), templates(1), templates(0)], SETTINGS)
    np.testing.assert_array_equal(joined.descriptors, np.vstack([templates(0).descriptors, templates(1).descriptors]))
    assert len(joined.classes) == 10


def test_own_templates_and_those_of_a_file_become_one_table(tmp_path):
    root = Root(str(tmp_path / "root"))
    own = write(root, TEMPLATES, table_of(templates(0)).to_pylist())
    known = check_overlays(save(tmp_path / "templates.parquet", table_of(templates(1))))
    joined = join_overlays(Run(root, "known-1"), JoinInputs(learnt=[own], known=known), SETTINGS)
    assert len(templates_of(read_table(root, joined.templates)).classes) == 10


def test_nothing_is_a_table_too():
    assert templates_of(table_of(join_templates([], SETTINGS))).descriptors.shape == (0, 128)
