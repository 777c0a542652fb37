"""How long a request may take."""

import pytest

from receiver.deadline import Deadline, DeadlineExceeded

AMPLE_S = 10.0


def test_remaining_never_is_negative() -> None:
    assert Deadline(-1).remaining() == 0
    assert 0 < Deadline(AMPLE_S).remaining() <= AMPLE_S


def test_at_most_is_the_earlier_one() -> None:
    assert Deadline(AMPLE_S).at_most(1).remaining() <= 1
    assert Deadline(1).at_most(AMPLE_S).remaining() <= 1


def test_work_that_checks_is_ended_when_the_time_is_up() -> None:
    Deadline(60).check()
    with pytest.raises(DeadlineExceeded):
        Deadline(0).check()
