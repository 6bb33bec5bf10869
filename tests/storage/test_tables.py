import pyarrow as pa
import pytest

from storage.tables.catalogue import ALL_TABLES
from storage.tables.groups import BOXES
from storage.tables.versions import VERSION_TABLES


@pytest.mark.parametrize("spec", ALL_TABLES, ids=lambda spec: spec.name)
def test_every_table_and_column_is_described(spec):
    assert spec.row.endswith(".")
    for field in spec.schema:
        assert field.metadata[b"description"].decode().strip().endswith("."), field.name


@pytest.mark.parametrize("spec", ALL_TABLES, ids=lambda spec: spec.name)
def test_a_key_is_of_columns_that_are_never_empty(spec):
    assert spec.key
    assert all(not spec.schema.field(name).nullable for name in spec.key)


def test_names_are_unique_and_fit_for_files():
    names = [spec.name for spec in ALL_TABLES]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)
    assert len({spec.name for spec in VERSION_TABLES}) == 17


def test_a_column_of_one_name_is_of_one_type_everywhere():
    kinds: dict[str, set[pa.DataType]] = {}
    for spec in ALL_TABLES:
        for field in spec.schema:
            kinds.setdefault(field.name, set()).add(field.type)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_boxes_are_float32():
    assert {BOXES.schema.field(side).type for side in ("x1", "y1", "x2", "y2")} == {pa.float32()}
