"""A resource's inputs, and AWS's spelling of them."""

from collections.abc import Mapping
from typing import Any

from local.child import LocalError

# Names that the provider spells differently from AWS, beside the first letter.
_DIFFERENT = {
    "enforceWorkgroupConfiguration": "EnforceWorkGroupConfiguration",
    "id": "ID",
    "kmsMasterKeyId": "KMSMasterKeyID",
    "publishCloudwatchMetricsEnabled": "PublishCloudWatchMetricsEnabled",
    "query": "QueryString",
    "serDeInfo": "SerdeInfo",
    "sseAlgorithm": "SSEAlgorithm",
    "workgroup": "WorkGroup",
}
# Their keys are data, and not names of AWS's.
_DATA = {"parameters", "tags", "variables"}


class Inputs(dict[str, Any]):
    """A resource's inputs. Each has to be taken; one that is left over is not served here, which is an error.

    An API call carries what is declared and nothing else: an input that is absent is left out of the call.
    """

    def take(self, key: str) -> Any:
        """Remove and give an input that AWS requires."""
        if key not in self:
            raise LocalError(f"{key} is missing")
        return self.pop(key)

    def tags(self, parameter: str, *, as_list: bool = False) -> dict[str, Any]:
        """Remove and give the tags under a parameter's name; nothing when there are none."""
        tags = self.pop("tags", None)
        if not tags:
            return {}
        return {parameter: [{"Key": key, "Value": value} for key, value in tags.items()] if as_list else tags}

    def rest(self, names: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Remove and give all others as AWS spells them: by `names`, else `bucketName` is BucketName."""
        renamed = {(names or {}).get(key) or _spelled(key): in_aws_words(value, key) for key, value in self.items()}
        self.clear()
        return renamed


def _spelled(name: str) -> str:
    return _DIFFERENT.get(name) or name[:1].upper() + name[1:]


def in_aws_words(value: Any, key: str = "") -> Any:
    """Spell all names in a value as AWS does. Empty blocks go, as the provider drops them."""
    if isinstance(value, dict) and key not in _DATA:
        # hashicorp/terraform-provider-aws #28517
        return {_spelled(name): in_aws_words(item, name) for name, item in value.items() if item != {}}
    if isinstance(value, list):
        return [in_aws_words(item) for item in value]
    return value
