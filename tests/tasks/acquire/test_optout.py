import pytest

from tasks.acquire.optout import opted_out


@pytest.mark.parametrize(
    ("tags", "directive"),
    [
        ([], None),
        (["all"], None),
        (["nofollow, noarchive"], None),
        (["noai"], "noai"),
        (["NoImageAI"], "noimageai"),
        (["nofollow, noindex"], "noindex"),
        (["none"], "none"),
        (["nofollow", "noimageindex"], "noimageindex"),
        (["otherbot: noindex, noai"], None),
        (["otherbot: noindex, cairn: noai"], "noai"),
        (["cairn: noindex"], "noindex"),
        (["*: noai"], "noai"),
        (["otherbot: nofollow", "noai"], "noai"),  # each header begins with everyone
        (["unavailable_after: 25 Jun 2010 15:00:00 PST"], None),
        (["max-snippet: 20, noai"], "noai"),
        (["\udcff\x00, noai"], "noai"),
    ],
)
def test_what_a_host_says_of_its_images(tags, directive):
    assert opted_out(tags) == directive
