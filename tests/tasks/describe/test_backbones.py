"""Backbones by name give the maps of their networks; one of the user's own is what the documentation shows."""

import hashlib
import re
from pathlib import Path

import pytest
import safetensors.torch
import torch

from storage.errors import InputError
from tasks.describe.backbones import TorchvisionBackbone, load_backbone
from tasks.describe.descriptors import describe_image
from tasks.describe.network import load_network
from tasks.describe.settings import DescribeSettings

PAGE = Path(__file__).parents[3] / "docs/explanation/descriptors.md"


def pixels(height=70, width=101):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(2))


def test_lite0_comes_with_its_weights(picture):
    network = load_network(DescribeSettings(longest_sides=(96,)))
    assert network.maps(torch.zeros(1, 3, 96, 128, dtype=torch.uint8)).shape == (1, 1280, 3, 4)
    assert network.digest() == load_network(DescribeSettings(longest_sides=(96,))).digest()
    found = describe_image(network, picture(kind="PNG"))
    assert found[[1259, 303, 848]].tolist() == pytest.approx([0.1654, 0.1587, 0.1563], abs=1e-3)  # as found


def test_a_resnet_from_a_local_file_has_the_maps_before_its_mean(tmp_path):
    from torchvision.models import resnet18

    model = resnet18(weights=None).eval()
    path = tmp_path / "resnet18.safetensors"
    safetensors.torch.save_file({name: own for name, own in model.state_dict().items() if name[:2] != "fc"}, path)
    given = {"weights": str(path), "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    backbone = load_backbone(DescribeSettings(backbone="resnet18", **given))
    backbone.network.eval()
    seen = []
    model.layer4.register_forward_hook(lambda *found: seen.append(found[2]))
    model(pixels())
    maps = backbone.maps(pixels())
    assert maps.shape == (1, 512, 3, 4)
    assert torch.equal(maps, seen[0])


def test_vgg_ends_with_its_last_activation():
    from torchvision.models import vgg16

    with torch.device("meta"):
        features = vgg16(weights=None).features
    weights = {f"features.{name}": torch.full(own.shape, 1e-3) for name, own in features.state_dict().items()}
    maps = TorchvisionBackbone("vgg16", weights).maps(pixels())
    assert maps.shape == (1, 512, 4, 6)
    assert maps.min() >= 0


def test_weights_of_another_network_are_refused():
    with pytest.raises(InputError, match=r"don't fit resnet18: there is no conv1.weight"):
        TorchvisionBackbone("resnet18", {})


def test_the_documentation_s_own_backbone_describes_images(tmp_path, monkeypatch, picture):
    example = next(own for own in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "class " in own)
    assert len([line for line in example.splitlines() if line.strip()]) <= 10
    assert 'weights="IMAGENET1K_V1"' in example
    untrained = example.replace('weights="IMAGENET1K_V1"', "weights=None")  # what it shows would be downloaded
    (tmp_path / "own_backbones.py").write_text(untrained)
    monkeypatch.syspath_prepend(tmp_path)
    torch.manual_seed(0)
    network = load_network(DescribeSettings(backbone="own_backbones:MobileNet", longest_sides=(96,)))
    assert describe_image(network, picture()).shape == (576,)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resnet34", "'resnet34' is none of efficientnet-lite0, resnet18"),
        ("no_such_module:Net", "needs the module no_such_module"),
        ("os:abort", "must be a class with a method `maps`"),
        ("collections:OrderedDict", "must be a class with a method `maps`"),
    ],
)
def test_what_is_no_backbone_is_told(name, said):
    with pytest.raises(InputError, match=said):
        load_backbone(DescribeSettings(backbone=name))
