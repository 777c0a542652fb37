"""Traffic of `make up`: each line once, at its own time, and again the same with the same arguments."""

from datetime import UTC, datetime, timedelta

from local.live_traffic import STRETCH, Traffic
from local.traffic.facts import Request, SecurityEvent

APPS = ("busy", "middle", "quiet")
SINCE = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)
NOW = SINCE + STRETCH


def test_lines_come_in_order_of_time_and_no_line_before_its_time() -> None:
    traffic = Traffic(APPS, SINCE)
    came = []
    for seconds in range(0, 3600, 7):
        time = SINCE + timedelta(seconds=seconds)
        new = traffic.until(time)
        assert all(line.time <= time for line in new)
        came += new
    assert {line.app for line in came} == set(APPS)
    assert came == Traffic(APPS, SINCE).until(time), "neither lost nor doubled, however often it is asked"


def test_all_kinds_of_a_day_are_in_the_hour() -> None:
    traffic = Traffic(APPS, SINCE)
    failing = traffic.bad_deploy(NOW - timedelta(minutes=40))
    attacked = traffic.attack(NOW - timedelta(minutes=20))
    lines = traffic.until(NOW)
    assert (failing, attacked) == ("busy", "quiet")
    failed = [line for line in lines if isinstance(line.facts, Request) and line.facts.status >= 500]
    assert sum(line.app == failing for line in failed) > 40
    assert any(isinstance(line.facts, SecurityEvent) and line.app == attacked for line in lines)
    assert any(line.message.startswith(b"Rollback to v42") for line in lines)
