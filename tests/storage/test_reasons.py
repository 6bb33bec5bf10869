import json
import pickle

import pytest

from storage.reasons import PassedOver, Reason, may_be_missed


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_it_means(reason):
    assert reason.sentence[0].isupper()
    assert reason.sentence.endswith(".")
    assert reason.stage in ("sources", "acquire", "overlap", "cluster", "classes", "publish")


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_its_code_wherever_it_goes(reason):
    assert Reason(str(reason)) is reason
    assert json.loads(json.dumps(reason)) == reason == reason.value
    assert pickle.loads(pickle.dumps(reason)) is reason
    assert f"{reason}" == reason.value
    assert reason.value == reason.name.lower().replace("_", "-")


def test_only_publish_keeps():
    assert [reason for reason in Reason if reason.stage == "publish"] == [Reason.KEPT]


def test_an_unknown_code_is_refused():
    with pytest.raises(ValueError, match="unheard-of"):
        Reason("unheard-of")


@pytest.mark.parametrize("reason", PassedOver)
def test_why_a_file_is_passed_over_says_what_it_means_and_whether_a_photograph_may_be_missed(reason):
    assert reason.sentence[0].isupper()
    assert reason.sentence.endswith(".")
    assert reason.value == reason.name.lower().replace("_", "-") == f"{reason}"
    assert may_be_missed(str(reason)) == reason.counts
    assert reason.value not in {str(other) for other in Reason}


def test_what_can_not_be_read_may_be_missed():
    assert may_be_missed(Reason.BROKEN_IMAGE)
