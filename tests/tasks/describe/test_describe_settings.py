"""What the manifest of an index may have imported: nothing, unless the caller names it too."""

import pytest

from storage.errors import InputError
from tasks.describe.settings import DescribeSettings, settings_of_index


@pytest.mark.parametrize("trusted", [None, "antigravity:other", "efficientnet-lite0"])
def test_a_module_that_only_the_manifest_names_is_not_imported(trusted):
    told = DescribeSettings(backbone="antigravity:fly").model_dump(mode="json")
    with pytest.raises(InputError, match=r"'antigravity:fly'.* give --backbone antigravity:fly"):
        settings_of_index(told, trusted)


@pytest.mark.parametrize(("backbone", "trusted"), [("resnet18", None), ("own:Net", "own:Net")])
def test_what_is_ours_or_trusted_is_read_as_it_was(backbone, trusted):
    settings = DescribeSettings(backbone=backbone, longest_sides=(550, 800))
    assert settings_of_index(settings.model_dump(mode="json"), trusted) == settings


def test_a_manifest_of_another_program_is_told():
    with pytest.raises(InputError, match=r"does not know: pooling: Input should be .*; run the command that made it"):
        settings_of_index({"pooling": "netvlad"}, None)
    with pytest.raises(InputError, match=r"does not know: heads: Extra inputs are not permitted"):
        settings_of_index({"heads": 4}, None)
