"""What is not in AWS: random values, and Heroku by its API."""

import base64
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from local.child import LocalError
from local.pulumi.resources.account import Account, Creator, Finder, Outputs
from local.pulumi.resources.inputs import Inputs


def _random_bytes(_: Account, inputs: Inputs) -> Outputs:
    data = secrets.token_bytes(inputs.take("length"))
    return secrets.token_hex(8), {"base64": base64.b64encode(data).decode(), "hex": data.hex()}


def _drain(account: Account, inputs: Inputs) -> Outputs:
    # A drain is declared with one of the two (pulumiverse-heroku, Drain).
    url = inputs.pop("sensitiveUrl") if "sensitiveUrl" in inputs else inputs.take("url")
    drain = _ask_heroku(account, f"/apps/{inputs.take('appId')}/log-drains", {"url": url})
    return drain["id"], {"token": drain["token"]}


def _get_app(account: Account, inputs: Inputs) -> dict[str, Any]:
    app = _ask_heroku(account, f"/apps/{inputs.take('name')}")
    return {"name": app["name"], "uuid": app["id"], "region": app["region"]["name"], "webUrl": app["web_url"]}


def _ask_heroku(account: Account, path: str, body: Mapping[str, str] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310  the stand-in's address is ours
        account.heroku_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": "Bearer local", "Accept": "application/vnd.heroku+json; version=3"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise LocalError(f"Heroku answers {error.code}: {json.load(error)['message']}") from error


CREATE: dict[str, Creator] = {
    "heroku:drain/drain:Drain": _drain,
    "random:index/randomBytes:RandomBytes": _random_bytes,
}

LOOK_UP: dict[str, Finder] = {
    "heroku:app/getApp:getApp": _get_app,
}
