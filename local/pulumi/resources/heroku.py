"""Drains and apps, by Heroku's API."""

from typing import Any

from local.pulumi.resources.account import Account, Creator, Finder, Outputs
from local.pulumi.resources.spelling import Inputs


def _drain(account: Account, inputs: Inputs) -> Outputs:
    drain = account.ask_heroku(f"/apps/{inputs.take('appId')}/log-drains", {"url": inputs.take("sensitiveUrl")})
    return drain["id"], {"token": drain["token"]}


def _get_app(account: Account, inputs: Inputs) -> dict[str, Any]:
    app = account.ask_heroku(f"/apps/{inputs.take('name')}")
    return {"name": app["name"], "uuid": app["id"], "region": app["region"]["name"], "webUrl": app["web_url"]}


CREATE: dict[str, Creator] = {
    "heroku:drain/drain:Drain": _drain,
}

LOOK_UP: dict[str, Finder] = {
    "heroku:app/getApp:getApp": _get_app,
}
