"""What many tests need."""

from collections.abc import Iterator

import pytest

from local.stack import LocalStack, Options


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """The production stack on this machine, one for all tests of a module."""
    with LocalStack(Options()) as running:
        yield running


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches an account of whoever runs it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HEROKU_API_KEY"):
        monkeypatch.delenv(name, raising=False)
