"""How long the faults of AWS last is an option."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Five minutes are what the receiver is built for; by default the same faults come in a shorter time."""
    parser.addoption("--seconds", type=float, default=60, help="how long AWS is in trouble (default: %(default)s)")


@pytest.fixture
def seconds(request: pytest.FixtureRequest) -> float:
    """How long AWS is in trouble."""
    value: float = request.config.getoption("--seconds")
    return value
