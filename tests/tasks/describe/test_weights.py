"""Weights come from the promised file, fit their network, and nothing in a file is executed."""

import hashlib
import pickle

import pytest
import safetensors.torch
import torch
from torch import nn

from storage.errors import InputError
from tasks.describe.weights import digest_of, load_into, read_weights

WEIGHTS = {"0.weight": torch.arange(6.0).view(2, 3), "0.bias": torch.ones(2)}


@pytest.fixture
def stored(tmp_path):
    """Writes a file of some content; gives its path and its sha256."""

    def store(name, content):
        (tmp_path / name).write_bytes(content)
        return str(tmp_path / name), hashlib.sha256(content).hexdigest()

    return store


def saved(value, path):
    torch.save(value, path)
    return path.read_bytes()


def same(found, expected):
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)


def test_safetensors_and_state_dicts_are_read(stored, tmp_path):
    assert same(read_weights(*stored("own.safetensors", safetensors.torch.save(WEIGHTS))), WEIGHTS)
    assert same(read_weights(*stored("own.pth", saved(WEIGHTS, tmp_path / "other"))), WEIGHTS)


def test_another_file_than_promised_is_refused(stored):
    path, _ = stored("own.safetensors", safetensors.torch.save(WEIGHTS))
    with pytest.raises(InputError, match=r"have sha256 .*, not 0000"):
        read_weights(path, "0" * 64)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match="can't be read: No such file"):
        read_weights(str(tmp_path / "none.pth"), "0" * 64)


class Call:
    """What pickle would call a function for."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return open, (self.marker, "w")


def test_nothing_in_a_file_is_executed(stored, tmp_path):
    marker = tmp_path / "executed"
    for name, content in (
        ("raw.pth", pickle.dumps(Call(str(marker)))),
        ("zipped.pth", saved({"weight": Call(str(marker))}, tmp_path / "other")),
    ):
        with pytest.raises(InputError, match="neither safetensors nor a state dict"):
            read_weights(*stored(name, content))
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"PK\x03\x04 no archive"])
@pytest.mark.parametrize("name", ["own.safetensors", "own.pth"])
def test_what_is_no_file_of_weights_is_told(stored, name, content):
    with pytest.raises(InputError, match="neither safetensors nor a state dict"):
        read_weights(*stored(name, content))


@pytest.mark.parametrize("value", [{"epoch": 3, "state_dict": {}}, [torch.ones(1)], torch.ones(2)])
def test_only_tensors_by_name_are_weights(stored, tmp_path, value):
    with pytest.raises(InputError, match="must hold tensors by name"):
        read_weights(*stored("own.pth", saved(value, tmp_path / "other")))


def network():
    return nn.Sequential(nn.Linear(3, 2))


def test_weights_are_loaded():
    made = network()
    load_into(made, WEIGHTS, "own", unused=())
    assert same(made.state_dict(), WEIGHTS)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"0.weight": WEIGHTS["0.weight"]}, r"don't fit own: there is no 0.bias \(1 "),
        ({**WEIGHTS, "fc.bias": torch.ones(1)}, r"it has no place for fc.bias"),
        ({**WEIGHTS, "0.bias": torch.ones(3)}, r"size mismatch for 0.bias"),
    ],
)
def test_weights_that_don_t_fit_are_told_by_name(weights, said):
    with pytest.raises(InputError, match=said):
        load_into(network(), weights, "own", unused=())


def test_what_is_not_used_may_be_missing():
    load_into(network(), {"0.weight": WEIGHTS["0.weight"]}, "own", unused=("0.bias",))


def test_the_digest_is_of_names_types_shapes_and_values():
    tensor = WEIGHTS["0.weight"]
    others = [
        {**WEIGHTS, "0.weight": tensor + 1e-6},
        {**WEIGHTS, "0.weight": tensor.view(3, 2)},
        {**WEIGHTS, "0.weight": tensor.double()},
        {"0.other": tensor, "0.bias": WEIGHTS["0.bias"]},
        {**WEIGHTS, "count": torch.tensor(3)},
    ]
    assert len({digest_of(own) for own in [WEIGHTS, *others]}) == 6
    assert digest_of(dict(reversed(WEIGHTS.items()))) == digest_of(WEIGHTS)
    assert digest_of({"0.weight": tensor.to(torch.bfloat16)}) != digest_of({"0.weight": tensor.half()})
