import pytest

from storage.errors import InputError
from tasks.acquire.settings import AcquireSettings, PoliteSettings, RemoteFile, SelectSettings, TransferSettings


@pytest.mark.parametrize("model", [AcquireSettings, PoliteSettings, SelectSettings, TransferSettings])
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
        {"max_redirects": -1},
        {"min_side": 0},
        {"time_out": 3},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AcquireSettings(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"connections": 0}, {"host_rate": 0}, {"breaker_seconds": 0}, {"contact": "a@b.example\r\nX-Evil: 1"}]
)
def test_manners_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PoliteSettings(**wrong)


def test_the_contact_stands_in_the_user_agent():
    assert PoliteSettings().user_agent == "cairn/0.1 (image retrieval research)"
    asked = PoliteSettings(contact="team@lab.example").user_agent
    assert asked == "cairn/0.1 (image retrieval research; team@lab.example)"


def test_settings_do_not_change_after_they_are_made():
    with pytest.raises(ValueError, match="frozen"):
        AcquireSettings().attempts = 5


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"max_bytes": 0}, {"backoff": -1}, {"max_redirects": 5}])
def test_settings_of_transfers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        TransferSettings(**wrong)


def test_a_remote_file_is_named_by_its_address():
    assert RemoteFile(url="https://a.example/sets/a%20b.tgz?download=1").name == "a b.tgz"


@pytest.mark.parametrize("url", ["https://a.example/", "https://a.example/..", "https://a.example/.hidden"])
def test_an_address_without_a_file_name(url):
    with pytest.raises(InputError, match="ends with a file name"):
        _ = RemoteFile(url=url).name


def test_what_is_told_of_a_remote_file_has_no_secrets():
    file = RemoteFile(url="https://me:secret@mirror.example/a.tgz?token=t0k3n")
    assert file.url == "https://mirror.example/a.tgz?token=t0k3n"
    assert file.shown == "https://mirror.example/a.tgz?token=redacted"
