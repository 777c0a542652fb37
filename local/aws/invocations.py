"""Lambda's Invoke on this machine: a function's process serves it, and the local AWS passes it on ("Invoke", API)."""

import json
import logging
import traceback
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from local.child import LocalError
from local.http_server import HttpServer

_log = logging.getLogger(__name__)
FUNCTION_ERROR = "X-Amz-Function-Error"
# "Lambda quotas": no function may run longer.
_LONGEST_S = 900


class Invocations(HttpServer):
    """Takes events as JSON and answers with the function's results as JSON; FUNCTION_ERROR marks an error.

    Its address is written to a file, so that `invoke` finds it.
    """

    def __init__(self, invoke: Callable[[Any], Any], address: Path) -> None:
        """Listen and serve on any free port."""
        self._invoke = invoke
        super().__init__(Request.application(self._respond))
        address.write_text(self.origin)

    def _respond(self, request: Request) -> Response:
        try:
            result, headers = self._invoke(json.loads(request.get_data() or b"{}")), {}
        except Exception as error:  # noqa: BLE001  the function's own code can raise anything
            _log.exception("the function failed")
            # "Lambda function errors in Python"
            result = {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }
            headers = {FUNCTION_ERROR: "Unhandled"}
        return Response(json.dumps(result), headers=headers, content_type="application/json")


def invoke(address: Path, event: bytes) -> tuple[bytes, str | None]:
    """Invoke the function at an address; gives its answer, and what kind of error it is, if it is one."""
    try:
        url = address.read_text()
    except FileNotFoundError:
        raise LocalError(f"the function {address.stem} does not run on this machine") from None
    with urllib.request.urlopen(url, event, timeout=_LONGEST_S) as response:  # noqa: S310  the address is ours
        return response.read(), response.headers.get(FUNCTION_ERROR)
