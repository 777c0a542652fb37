"""No test reaches an account of whoever runs it."""

from tests.conftest import no_account

__all__ = ["no_account"]
