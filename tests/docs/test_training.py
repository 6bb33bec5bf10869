"""The settings that docs/guides/training.md shows are settings, and what it says of the defaults is so."""

import re
from pathlib import Path

from flows.settings import TrainFlowSettings, read_train_settings

PAGE = (Path(__file__).parents[2] / "docs/guides/training.md").read_text()


def test_the_settings_it_shows_are_read(tmp_path: Path) -> None:
    shown = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    (tmp_path / "train.toml").write_text(shown[1])
    read = read_train_settings(tmp_path / "train.toml")
    assert (read.describe.backbone, read.train.validation.patience) == ("resnet101", 5)
    defaults = TrainFlowSettings().train
    assert (defaults.loss, defaults.classify.iterations, defaults.crop) == (read.train.loss, 0, False)


def test_it_tells_the_defaults() -> None:
    train = TrainFlowSettings().train
    for told in (
        f"{train.iterations:,} iterations of {train.mining.batch} triplets",
        f"pools of {train.mining.pool:,}",
        f"its {train.mining.hardest} hardest triplets",
        f"anew every {train.mining.refresh} iterations",
        f"at most {train.checkpoint_every} iterations back",
    ):
        assert told in PAGE.replace("\n", " "), told
