"""A resource's inputs, and AWS's spelling of them."""

from typing import Any

from local.child import LocalError


class Inputs(dict[str, Any]):
    """A resource's inputs. Each is to be taken; one that is left over is not served here, and that is said."""

    def take(self, key: str) -> Any:
        """Remove and give an input that there has to be."""
        if key not in self:
            raise LocalError(f"{key} is missing")
        return self.pop(key)

    def rest(self, *keys: str) -> dict[str, Any]:
        """Remove and give those of these inputs that are there, as AWS spells names: `bucketName` is BucketName."""
        return {_pascal(key): pascals(self.pop(key)) for key in keys if key in self}


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def pascals(value: Any) -> Any:
    """Spell all names in a value as AWS does: `bucketName` is BucketName."""
    if isinstance(value, dict):
        return {_pascal(key): pascals(item) for key, item in value.items()}
    if isinstance(value, list):
        return [pascals(item) for item in value]
    return value
