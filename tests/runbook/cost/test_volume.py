"""Volumes: what follows from lines per second and lines per POST, and which numbers cannot be given."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.pace import FEW_LINES
from runbook.cost import sizes
from runbook.cost.usage import Retention
from runbook.cost.volume import PRE_LAUNCH, Volume

KEPT = Retention(archive_days=90, expire_days=365, results_days=30)


def test_everything_follows_from_lines_per_second_and_per_post() -> None:
    """20 lines per second are 1,728,000 per day; in POSTs of five, 345,600."""
    day = Volume(lines_per_second=20, lines_per_post=5).day()
    assert (day.lines, day.posts, day.batches, day.canaries) == (1_728_000, 345_888, 345_600, 288)
    assert day.body_bytes == 1_728_000 * 235
    assert day.objects == day.app_slots == pytest.approx(3 * 288)
    assert day.write_units == pytest.approx(345_600 * (1.04 + 2 * 16 / 1024) + 864 * 4 + 288 * 2, rel=0.01)
    assert day.read_units == pytest.approx(1440 * 5 + 864 + 288 + 3 * 345_600 * 774 / 4096, rel=0.01)
    assert day.receiver_ms == 345_888 * 15
    assert day.flusher_ms == 1440 * 300 + 1_728_000 * 0.03


@given(st.floats(0.01, 1e4), st.floats(1, 400))
def test_there_is_at_most_one_object_for_each_app_and_slot_and_for_each_post(rate: float, per_post: float) -> None:
    volume = Volume(rate, per_post, watched=False)
    assert 0 < volume.objects <= min(3 * 288, volume.posts) * (1 + 1e-9)


def test_a_quiet_app_has_no_object_in_a_slot_without_a_post() -> None:
    """864 POSTs at random in 864 slots: 1/e of them stay empty."""
    assert replace(Volume.of_posts(864, 1), watched=False).objects == pytest.approx(864 * (1 - 1 / math.e))


def test_a_canary_makes_an_object_only_in_a_slot_in_which_there_is_nothing_else() -> None:
    """96 of an app: all of them where it logs nothing, 1/e where it has a POST per slot, and none where it is busy."""
    assert Volume.of_posts(1e-6, 1).objects == pytest.approx(288)
    assert Volume.of_posts(864, 1).objects == pytest.approx(864 - 864 / math.e + 288 / math.e)
    assert Volume(20, 5).objects == pytest.approx(864)
    assert Volume(1e-9, 1, flush_minutes=60).objects == pytest.approx(3 * 24), "four canaries in a slot"


def test_slots_of_an_hour_make_a_twelfth_of_the_objects_from_the_same_posts() -> None:
    """And larger ones, which compress better."""
    short = Volume(20, 5).day()
    long = replace(Volume(20, 5), flush_minutes=60).day()
    assert long.objects == pytest.approx(short.objects / 12)
    assert long.posts == short.posts
    assert long.bytes < short.bytes


def test_the_same_lines_in_larger_posts_make_the_same_objects() -> None:
    alone, together = Volume(20, 1).day(), Volume(20, 20).day()
    assert together.batches == alone.batches / 20
    assert together.write_units < alone.write_units / 8
    assert (together.objects, together.bytes) == pytest.approx((alone.objects, alone.bytes))


def test_a_pause_is_billed_for_small_batches_only() -> None:
    few, many = (replace(Volume(20, size), answer_after_ms=500).day() for size in (FEW_LINES, FEW_LINES + 1))
    assert few.receiver_ms == few.posts * 515
    assert many.receiver_ms == many.posts * 15


def test_a_query_is_charged_for_ten_megabytes_at_least() -> None:
    """Seven days of a tenth of the lines before launch are less."""
    day = Volume.of_posts(1_000, 3).day()
    assert day.scanned_bytes < day.charged_bytes == 10 * 2**20


@pytest.mark.parametrize(("rate", "per_post"), [(1, 0.5), (1, 10_000), (0, 5), (-1, 5)])
def test_numbers_that_no_logplex_can_make_are_refused(rate: float, per_post: float) -> None:
    with pytest.raises(ValueError, match="lines_per_"):
        Volume(rate, per_post)


def test_a_volume_can_be_given_by_its_bytes_or_its_posts() -> None:
    assert Volume.of_bytes(500e6, 5).body_bytes == pytest.approx(500e6)
    assert Volume.of_posts(10_000, 3).posts == pytest.approx(10_000)
    assert PRE_LAUNCH.month(KEPT).added.batches == pytest.approx(300_000)


# ---------------------------------------------------------------- sizes


@given(st.floats(1, 1e9), st.floats(1, 1e9))
def test_more_bytes_take_no_less_room_in_the_bucket(one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert sizes.stored_bytes(small) <= sizes.stored_bytes(large)


@given(st.floats(1, 1e9))
def test_bodies_are_guessed_from_objects_as_objects_from_bodies(size: float) -> None:
    assert sizes.body_bytes(sizes.stored_bytes(size)) == pytest.approx(size)


@given(st.floats(1, sizes.BODY_BYTES))
def test_an_item_has_as_many_write_units_as_kilobytes_and_up_to_one_more(size: float) -> None:
    assert sizes.item_bytes(size) / 1024 * 0.99 <= sizes.write_units(size) <= sizes.item_bytes(size) / 1024 + 1.01
