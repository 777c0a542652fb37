"""A zone is an IANA name or this machine's."""

from datetime import UTC

import pytest

from runbook.errors import RunbookError
from runbook.terminal import zones


@pytest.mark.parametrize("name", [None, "UTC", "utc", "Z"])
def test_the_default_is_utc(name: str | None) -> None:
    assert zones.zone(name) is UTC


def test_local_is_the_zone_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", ":Europe/Berlin")
    assert str(zones.zone("local")) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin?"),
        ("../etc/passwd", "Write an IANA name"),
        ("", "Write an IANA name"),
        ("Europe", "Write an IANA name"),
        ("a\x00b", "Write an IANA name"),
    ],
)
def test_any_other_name_is_refused_with_what_to_write(name: str, hint: str) -> None:
    with pytest.raises(RunbookError, match="unknown time zone") as refused:
        zones.zone(name)
    assert hint in str(refused.value)
