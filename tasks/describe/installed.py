"""Whether what describes images is installed: an extra that curation does without."""

from importlib.util import find_spec

from storage.errors import InputError

_MODULES = ("torch", "torchvision", "safetensors", "efficientnet_lite_pytorch")


def missing_packages() -> list[str]:
    """Lists the modules of the extra that are not installed."""
    return [name for name in _MODULES if find_spec(name) is None]


def check_networks_installed() -> None:
    """Raises InputError where a package is missing, with the command that installs it."""
    if missing := missing_packages():
        raise InputError(
            f"{missing[0]} is not installed, and describing images needs it: pip install 'cairn[train]' "
            "(5.3 GB on Linux on x86-64, less than 1 GB elsewhere)"
        )
