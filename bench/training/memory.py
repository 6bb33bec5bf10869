"""The claim: gradients of a batch in the memory of one image are the direct ones, for a second look at each image.

Each way of computing them at each size runs in a process of its own, whose largest memory is the kernel's figure. Two
processes of torchrun count how often a step exchanges gradients.
"""

import copy
import json
import subprocess
import sys

from lightning_fabric import Fabric

from bench.harness.result import Comparison, Result
from bench.training.memory_once import GradientCost, direct_gradients, loss_of, make_network, random_images
from tasks.train.gradients import accumulate_gradients

_SIDES, _QUICK_SIDES = (288, 512, 800), (96, 128, 192)
_IMAGES, _QUICK_IMAGES = 8, 4
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "gradient_difference": ("<=", 1e-12),
    "exchanges_per_step": ("==", 1),
}


def measure(quick: bool) -> Result:
    """Peak memory and CPU of both ways at three sizes, how far gradients differ, and how often they are exchanged."""
    sides, images = (_QUICK_SIDES, _QUICK_IMAGES) if quick else (_SIDES, _IMAGES)
    tensors, difference = _difference(sides[0])
    figures: dict[str, float | None] = {"tensors": tensors, "gradient_difference": difference}
    figures |= {"images": images, "exchanges_per_step": _exchanges(sides[0], images)}
    for side in sides:
        by_image, direct = (_cost(way, side, images) for way in ("by-image", "direct"))
        figures |= {
            f"by_image_mb_{side}": by_image.grown / 1e6,
            f"direct_mb_{side}": direct.grown / 1e6,
            f"memory_ratio_{side}": direct.grown / by_image.grown,
            f"by_image_s_{side}": by_image.seconds,
            f"direct_s_{side}": direct.seconds,
            f"time_ratio_{side}": by_image.seconds / direct.seconds,
        }
        print(side, by_image, direct, flush=True)
    return Result(figures, _TARGETS)


def _difference(side: int) -> tuple[int, float]:
    """How many weights there are, and the largest relative difference of the gradients of any, in float64."""
    network = make_network().double()
    direct, images = copy.deepcopy(network), random_images(3, side)
    direct_gradients(direct, images)
    fabric = Fabric(accelerator="cpu", devices=1)
    accumulate_gradients(fabric, fabric.setup_module(network), images, len(images), loss_of)
    found, expected = ([own.grad for own in both.parameters()] for both in (network, direct))
    differences = [
        float((a - b).norm() / b.norm())
        for a, b in zip(found, expected, strict=True)
        if a is not None and b is not None
    ]
    return len(differences), max(differences)


def _cost(way: str, side: int, images: int) -> GradientCost:
    told = _told([sys.executable, "-m", "bench.training.memory_once", way, str(side), str(images)])
    return GradientCost(int(told["grown"]), told["seconds"])


def _exchanges(side: int, images: int) -> float:
    """How often two processes exchange the gradients of all weights in one step."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    told = _told([*torchrun, "-m", "bench.training.memory_once", "exchanges", str(side), str(images)])
    return float(told["exchanges"])


def _told(command: list[str]) -> dict[str, float]:
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told
