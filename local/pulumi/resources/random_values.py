"""Random values, which no service makes."""

import base64
import secrets
import string

from local.pulumi.resources.account import Account, Creator, Outputs
from local.pulumi.resources.spelling import Inputs


def _random_bytes(_: Account, inputs: Inputs) -> Outputs:
    data = secrets.token_bytes(inputs.take("length"))
    return secrets.token_hex(8), {"base64": base64.b64encode(data).decode(), "hex": data.hex()}


def _random_password(_: Account, inputs: Inputs) -> Outputs:
    alphabet = string.ascii_letters + string.digits + ("!@#$%&*()-_=+[]{}<>:?" if inputs.take("special") else "")
    return "none", {"result": "".join(secrets.choice(alphabet) for _ in range(inputs.take("length")))}


CREATE: dict[str, Creator] = {
    "random:index/randomBytes:RandomBytes": _random_bytes,
    "random:index/randomPassword:RandomPassword": _random_password,
}
