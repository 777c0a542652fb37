"""A resource's inputs, and AWS's spelling of them."""

from typing import Any

from local.child import LocalError


class Inputs(dict[str, Any]):
    """A resource's inputs. Each is to be taken; one that is left over is not served here, and that is said.

    An API call carries what is declared and nothing else: an input that is absent is left out of the call.
    """

    def take(self, key: str) -> Any:
        """Remove and give an input that AWS requires."""
        if key not in self:
            raise LocalError(f"{key} is missing")
        return self.pop(key)

    def renamed(self, **names: str) -> dict[str, Any]:
        """Remove and give those of these inputs that are there, under the names that AWS has for them."""
        return {name: pascals(self.pop(key)) for key, name in names.items() if key in self}

    def tag_map(self, name: str) -> dict[str, Any]:
        """Remove and give the tags under a parameter's name, as an object; nothing when there are none."""
        tags = self.pop("tags", None)
        return {name: tags} if tags else {}

    def tag_list(self, name: str = "Tags") -> dict[str, Any]:
        """Remove and give the tags under a parameter's name, as a list; nothing when there are none."""
        tags = self.pop("tags", None)
        return {name: [{"Key": key, "Value": value} for key, value in tags.items()]} if tags else {}

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
