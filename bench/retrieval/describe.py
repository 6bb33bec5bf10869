"""The claim: R-MAC costs next to nothing beside the network whose maps it pools, at one size and at three.

CPU seconds of one core, so that other work on the machine counts little. The weights of ResNets are random, which takes
as long.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from bench.harness.result import Result
from bench.pictures.inspection import read_photographs
from tasks.describe.backbones import Backbone, LiteBackbone, TorchvisionBackbone
from tasks.describe.descriptors import describe_image
from tasks.describe.network import Network
from tasks.describe.pictures import Picture
from tasks.describe.regions import region_boxes
from tasks.describe.settings import RESOLUTIONS, DescribeSettings
from tasks.describe.whiten import Whiten

_NAMES = ("lite0", "resnet50", "resnet101")
_SIDE, _LEVELS = 800, 3
_MOST = 0.10  # of a forward pass: what R-MAC may add to it


def measure(quick: bool) -> Result:
    """Seconds of forward passes and of pooling, in float32 and bfloat16, and what a whole descriptor takes."""
    torch.set_num_threads(1)
    contents = read_photographs()[:: 50 if quick else 9]
    figures: dict[str, float | None] = {"photographs": len(contents), "decode_ms": 1e3 * _decoding(contents)}
    for name in _NAMES[:1] if quick else _NAMES:
        for bfloat16 in (False, True):
            network = _network(name, bfloat16)
            found = {**_shares(network, rounds=2 if quick else 5), **_speeds(network, contents)}
            figures |= {f"{name}_{'bf16' if bfloat16 else 'f32'}_{what}": figure for what, figure in found.items()}
            print({what: round(figure, 4) for what, figure in found.items()}, name, bfloat16, flush=True)
    shares = [name for name in figures if name.endswith(("rmac_share", "rmac_share_3_sizes"))]
    return Result(figures, dict.fromkeys(shares, ("<=", _MOST)))


def _network(name: str, bfloat16: bool) -> Network:
    backbone = _backbone(name)
    network = Network(backbone, DescribeSettings(levels=_LEVELS, longest_sides=(_SIDE,), bfloat16=bfloat16))
    channels = network.maps(torch.zeros(1, 3, 64, 64, dtype=torch.uint8)).shape[1]
    network.whitening = Whiten(torch.zeros(channels), torch.eye(channels))
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _backbone(name: str) -> Backbone:
    if name == "lite0":
        return LiteBackbone(None)
    from torchvision import models

    return TorchvisionBackbone(name, models.get_model(name, weights=None).state_dict())


@torch.inference_mode()
def _shares(network: Network, rounds: int) -> dict[str, float]:
    """What pooling takes of a forward pass: at one size, at three, and by a loop over regions."""
    passes, pools, loops = [], [], []
    for side in (_SIDE, *RESOLUTIONS):
        pixels = torch.randint(0, 256, (1, 3, side * 3 // 4, side), dtype=torch.uint8)
        maps = network.maps(pixels)
        passes.append(_seconds(partial(network.maps, pixels), rounds))
        pools.append(_seconds(partial(network.pool, maps), rounds))
        loops.append(_seconds(partial(_pool_by_loop, network, maps), rounds))
    return {
        "forward_ms": 1e3 * passes[0],
        "rmac_ms": 1e3 * pools[0],
        "loop_ms": 1e3 * loops[0],
        "rmac_share": pools[0] / passes[0],
        "rmac_share_3_sizes": sum(pools[1:]) / sum(passes[1:]),
        "loop_share": loops[0] / passes[0],
    }


def _pool_by_loop(network: Network, maps: Tensor) -> Tensor:
    """R-MAC as its formula reads: each region by itself."""
    height, width = maps.shape[-2:]

    def regions() -> Iterator[Tensor]:
        for x1, y1, x2, y2 in region_boxes(height, width, _LEVELS).tolist():
            yield network.whiten(normalize(maps[:, :, y1:y2, x1:x2].amax(dim=(2, 3)), dim=-1))

    return normalize(torch.stack([*regions()]).sum(dim=0), dim=-1)


def _speeds(network: Network, contents: Sequence[bytes]) -> dict[str, float]:
    """Descriptors a second of one core, from pixels in memory and from files."""
    pixels = [Picture(content, _SIDE).at(_SIDE) for content in contents]
    with torch.inference_mode():
        alone = _seconds(lambda: [network(own) for own in pixels], 1)
    whole = _seconds(lambda: [describe_image(network, content) for content in contents], 1)
    return {"per_s": len(contents) / alone, "per_s_decoded": len(contents) / whole}


def _decoding(contents: Sequence[bytes]) -> float:
    return _seconds(lambda: [Picture(content, _SIDE).at(_SIDE) for content in contents], 3) / len(contents)


def _seconds(work: Callable[[], Any], rounds: int) -> float:
    """Of the fastest round, after one that warms up."""
    taken = []
    for _ in range(rounds + 1):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken[1:])
