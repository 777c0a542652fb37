"""What the receiver checks tokens against: per app, the SHA-256 of each token that it accepts, in one SSM parameter.

Nobody can compute a token from its hash, because a token is 256 bits that nobody can guess. So the hashes are no
secrets, and reading them lets nobody write.
"""

import hmac
import json
import re
from collections.abc import Mapping
from hashlib import sha256

# Whose token it is: the drains' now, that of the generation before, and that of the next one, published ahead.
CURRENT, PREVIOUS, NEXT = "current", "previous", "next"
# That of the current generation's key of an earlier version of the stack, during the update from it.
REPLACED = "replaced"

_HASH = re.compile(r"[0-9a-f]{64}")


def token_hash(token: str) -> str:
    """Hash a token: SHA-256, in lower-case hex. Any text can be presented as a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def format_hashes(hashes: Mapping[str, str]) -> str:
    """Write the value of the SSM parameter `token_hashes/<app>`: hashes by whose token it is."""
    return json.dumps(hashes)


def parse_hashes(text: str) -> dict[str, str]:
    """Read such a value back; ValueError unless it is a JSON object of one hash or more."""
    hashes = json.loads(text)
    if not isinstance(hashes, dict) or not hashes or not all(map(_is_hash, hashes.values())):
        raise ValueError("not a JSON object of token hashes")
    return hashes


def accepted_as(hashes: Mapping[str, str], token: str) -> str | None:
    """Say whose token it is by one of the names above; None if it is not accepted."""
    presented = token_hash(token)
    # Every hash is compared, so that the time taken does not tell which one matched.
    matches = [whose for whose, known in hashes.items() if hmac.compare_digest(known, presented)]
    return matches[0] if matches else None


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None
