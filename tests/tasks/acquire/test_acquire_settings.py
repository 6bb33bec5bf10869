import pytest

from tasks.acquire.settings import AcquireSettings, SelectSettings


@pytest.mark.parametrize("model", [AcquireSettings, SelectSettings])
def test_every_setting_is_described_and_has_a_default(model):
    model()
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"deadline": 0},
        {"read_timeout": -1},
        {"max_bytes": 0},
        {"connections": 0},
        {"max_redirects": -1},
        {"min_side": 0},
        {"time_out": 3},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AcquireSettings(**wrong)


def test_settings_do_not_change_after_they_are_made():
    with pytest.raises(ValueError, match="frozen"):
        AcquireSettings().attempts = 5
