"""What the receiver knows of tokens: enough to recognise one, and not enough to make one."""

import hashlib

import pytest

from contract.token_hashes import CURRENT, NEXT, PREVIOUS, accepted_as, format_hashes, parse_hashes, token_hash

TOKEN = "3RCe13D2Irq_0Ia_rHDuZI0scW3wnl3vk7NjoXb-qDc"


def test_a_hash_stays_what_it_was() -> None:
    """SSM holds hashes that an earlier deployment wrote."""
    assert token_hash(TOKEN) == hashlib.sha256(TOKEN.encode()).hexdigest()
    assert token_hash("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("presented", ["", "ü", "\udce9", TOKEN + "=", TOKEN[:-1], TOKEN.swapcase(), token_hash(TOKEN)])
def test_anything_can_be_presented_and_only_the_token_is_accepted(presented: str) -> None:
    assert accepted_as({CURRENT: token_hash(TOKEN)}, presented) is None


def test_a_token_is_told_by_its_generation() -> None:
    hashes = {whose: token_hash(whose) for whose in (CURRENT, NEXT, PREVIOUS)}
    assert [accepted_as(hashes, whose) for whose in hashes] == [CURRENT, NEXT, PREVIOUS]


def test_what_is_written_reads_back() -> None:
    hashes = {CURRENT: token_hash("a"), PREVIOUS: token_hash("b")}
    assert parse_hashes(format_hashes(hashes)) == hashes


@pytest.mark.parametrize("text", ["", "x", "[]", "{}", "1", '{"current": 1}', '{"current": "token"}'])
def test_what_is_no_object_of_hashes_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  json's own among them
        parse_hashes(text)
