"""The secrets that checks compare: drain URLs and drain keys. Nothing of them is ever shown."""

import json

from contract import drain_url, names
from runbook.doctor.examination import Surroundings


def drain_keys(surroundings: Surroundings) -> tuple[str, ...]:
    """The keys that the receiver accepts, current one first; none where SSM has no list of any."""
    text = surroundings.parameter(names.DRAIN_KEYS)
    try:
        keys = json.loads(text or "")
    except ValueError:
        return ()
    return tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else ()


def expected_url(surroundings: Surroundings, app: str) -> str | None:
    """An app's drain URL by the current key, or without keys the one that SSM has; None where it has neither.

    That both agree is for the parameters' check to say, and for no other.
    """
    if keys := drain_keys(surroundings):
        return drain_url.url(surroundings.outputs.stage_url, app, keys[0])
    return surroundings.parameter(names.drain_url(app))
