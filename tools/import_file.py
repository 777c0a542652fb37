"""Makes the file for `pulumi import` of what exists: `python -m tools.import_file all.json NAME=ID... > import.json`.

`all.json` is what `pulumi preview --import-file` writes: an entry for each resource that would be created. Those that
are named here stay, with their ids, and so does what they are declared under: components, and providers, which are
entries of their own since Pulumi 3.256 and take no id (`buildImportFile` and `parseImportFile` in
pkg/cmd/pulumi/operations). What else the file holds, such as the `providerInputs` of older Pulumis, stays as it is.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def of_existing(previewed: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """The file with only the resources of `ids`, by name. ValueError for a name that it does not have."""
    resources = previewed.get("resources") or []
    importable = {each["name"] for each in resources if not _is_scaffold(each)}
    if unknown := [name for name in ids if name not in importable]:
        raise ValueError(
            f"the preview creates no resource {', '.join(unknown)}: it is in the stack already, or has another name"
        )
    kept = [
        each if _is_scaffold(each) else {**each, "id": ids[each["name"]]}
        for each in resources
        if _is_scaffold(each) or each["name"] in ids
    ]
    return {**previewed, "resources": kept}


def _is_scaffold(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("component")) or entry["type"].startswith("pulumi:providers:")


def main(arguments: Sequence[str]) -> None:
    """Print the file."""
    if len(arguments) < 2 or not all("=" in each for each in arguments[1:]):
        raise SystemExit("usage: python -m tools.import_file all.json NAME=ID... > import.json")
    path, *named = arguments
    ids = {name: identity for name, _, identity in (each.partition("=") for each in named)}
    try:
        found = of_existing(json.loads(Path(path).read_text(encoding="utf-8")), ids)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {path}: {error}") from None
    print(json.dumps(found, indent=4, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1:])
