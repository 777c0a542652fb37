"""The picture of the dashboard is of the body that the stack declares, and shows the simulated day's incident."""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

from PIL import Image

from contract.alarms import named
from contract.vended_metrics import Vended
from tools.dashboard_day import NOW, Day
from tools.dashboard_picture import DIGEST, PICTURE, arguments, digest, picture

MOST_BYTES = 250_000


def text_of(png: bytes) -> Any:
    with Image.open(BytesIO(png)) as image:
        image.load()
        return dict(image.info)


def test_the_picture_is_of_this_dashboard() -> None:
    assert text_of(PICTURE.read_bytes())[DIGEST] == digest(arguments()), "renew it with: make dashboard"
    assert PICTURE.stat().st_size < MOST_BYTES


def test_a_stack_of_one_app_whose_drains_are_disabled_is_drawn() -> None:
    args = arguments()
    watched = replace(args.watched, silence_hours={"shop": 0}, drains_enabled=False)
    arns = [arn for arn in args.alarm_arns if arn.rpartition(":")[2] in named(watched)]
    one = replace(args, watched=watched, alarm_arns=arns)
    assert text_of(picture(one))[DIGEST] == digest(one)


def test_the_incident_is_what_the_page_says() -> None:
    """An app with an old URL is silent and refused; all else is well again."""
    watched = arguments().watched
    day = Day(list(watched.silence_hours))
    assert {alarm.name for alarm in named(watched).values() if day.in_alarm(alarm)} == {
        "silent-raxx-velvet-prod",
        "refused",
    }


def test_the_day_is_the_same_each_time() -> None:
    alarm = next(alarm for alarm in named(arguments().watched).values() if alarm.metric is Vended.RECEIVER_DURATION)
    series = [
        Day(["shop"]).series(alarm.metric, None, alarm.statistic, alarm.period_s, NOW - timedelta(hours=12))
        for _ in range(2)
    ]
    assert series[0] == series[1]
    assert len(series[0].values) == 12 * 60
