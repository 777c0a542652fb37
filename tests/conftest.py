"""What many tests need."""

import functools
import os
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.loaders import create_loader
from hypothesis import settings

from runbook import settings as runbook_settings

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

# A busy machine must not fail a test.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How far the differential test goes."""
    parser.addoption("--bodies", type=int, default=2_000, help="bodies of the differential test (default: 2000)")


@pytest.fixture(scope="session")
def bodies(request: pytest.FixtureRequest) -> int:
    """How many bodies the differential test tries in all."""
    return int(request.config.getoption("--bodies"))


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches an account of whoever runs it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HEROKU_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """boto3 reads the models of its services in each session: two fifths of the time of test_search_commands.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", functools.cache(create_loader))
        yield


def pytest_terminal_summary(terminalreporter: "TerminalReporter") -> None:
    """Show the totals that tests counted: a property `totals of …` is a dict of counts, summed over all reports."""
    totals: dict[str, Counter[str]] = {}
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        # Properties are on the report of the teardown, too.
        if getattr(report, "when", None) == "call":
            for name, counts in report.user_properties:
                if name.startswith("totals of "):
                    totals.setdefault(name.removeprefix("totals of "), Counter()).update(counts)
    for name, counts in sorted(totals.items()):
        told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
        terminalreporter.write_line(f"{name}: {told}")


@pytest.fixture(autouse=True)
def settings_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runbook finds no settings of the person who runs the tests."""
    for name in runbook_settings.NAMES:
        monkeypatch.delenv(f"HLA_{name.upper()}", raising=False)
    monkeypatch.setenv("HLA_CONFIG", os.devnull)
