"""The emulator of provider-check, which writes every call that it gets to a file: run by .ci/recording-python."""

import importlib
import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from tools.deploy_policies.needs import identified
from tools.deploy_policies.requests import call_of

FILE = "RECORDED_CALLS"


class Recorded:
    """A WSGI application whose requests are written to a file, one line of JSON each."""

    def __init__(self, application: Any, file: Path) -> None:
        self._application, self._file, self._lock = application, file, threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Write a request down, and answer it."""
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if line := _line(environ, body):
            with self._lock, self._file.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        return self._application(environ, start_response)


def _line(environ: dict[str, Any], body: bytes) -> str:
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"}
    headers["content-type"] = environ.get("CONTENT_TYPE", "")
    request = (environ["REQUEST_METHOD"], environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers, body)
    try:
        call = call_of(*request)
    except Exception as error:  # noqa: BLE001  an emulator that fails would look like a fault of the stack
        method, path, query, *_ = request
        return json.dumps(["unknown", f"{method} {path}?{query} ({type(error).__name__}: {error})", []])
    return json.dumps(identified(call)) if call else ""


def main() -> None:
    """Run the emulator, with its arguments."""
    # They are packages of provider-check; importing the first closes gaps of moto.
    importlib.import_module("provider_check.moto_server")
    server: Any = importlib.import_module("moto.server")
    make, file = server.DomainDispatcherApplication, Path(os.environ[FILE])
    server.DomainDispatcherApplication = lambda *args, **options: Recorded(make(*args, **options), file)
    server.main(sys.argv[1:])


if __name__ == "__main__":
    main()
