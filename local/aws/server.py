"""AWS on this machine: a moto server on loopback whose Athena runs its queries.

`python -m local.aws.server` serves it as a child process (local/child.py). Its configuration is {"host",
"port", "clock", "functions"}: port 0 is any free port, clock the fixed time of SQL's now() in ISO 8601 (null: the real
time), functions the folder with the addresses of the functions that Lambda can invoke. When ready it reports {"url"}.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from moto.s3.models import s3_backends

from local.aws import moto_gaps
from local.aws.athena.api import AthenaFront, Clock
from local.child import LocalError, Parent
from local.http_server import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask


class LocalAws(HttpServer):
    """The server, until `stop`. moto keeps its state per process, so use one server at a time in a process."""

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, clock: Clock | None = None, functions: Path = Path()
    ) -> None:
        """Listen and serve; LocalError if the port is not available."""
        moto_gaps.close(functions)
        self._front = AthenaFront(
            _Dispatcher(create_backend_app), clock=clock or (lambda: datetime.now(UTC)), read=_read_object
        )
        super().__init__(self._front, host=host, port=port)
        self.url = self._front.endpoint_url = self.origin

    def stop(self) -> None:
        """Stop all queries, free the port and forget everything that was stored."""
        self._front.close()
        super().stop()
        moto_api_backend.reset()


def _read_object(bucket: str, key: str) -> bytes:
    # Straight from memory: thousands of small objects over sockets would cost a query many seconds.
    stored = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(bucket, key)
    if stored is None:
        raise LocalError(f"s3://{bucket}/{key} was deleted while a query was about to read it: query again")
    return bytes(stored.value)


class _Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which searches moto's folder for each request; this one does it once per host name."""

    def __init__(self, create_app: "Callable[..., Flask]") -> None:
        super().__init__(create_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        # moto's name for what waitress calls REQUEST_URI.
        environ["RAW_URI"] = environ["REQUEST_URI"]
        return super().__call__(environ, start_response)


def main() -> None:
    """Serve as a child process, until the parent is gone."""
    parent = Parent()
    config = parent.config
    try:
        fixed = datetime.fromisoformat(config["clock"]).astimezone(UTC) if config.get("clock") else None
        aws = LocalAws(
            config["host"], config["port"], (lambda: fixed) if fixed else None, Path(config.get("functions", "."))
        )
    except ValueError:
        parent.tell_error(f"clock {config['clock']!r} is not an ISO 8601 time such as 2026-11-24T01:00:00Z")
    except LocalError as error:
        parent.tell_error(str(error))
    parent.tell_ready(url=aws.url)
    parent.wait()
    aws.stop()


if __name__ == "__main__":
    main()
