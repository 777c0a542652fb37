"""`Pulumi.yaml` and `Pulumi.<stack>.yaml`, read as the engine reads them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.settings import InvalidSettings, Settings
from local.child import LocalError

FOLDER = Path(__file__).parent.parent.parent
ACCOUNT_ID = "123456789012"  # moto's


@dataclass(frozen=True)
class Project:
    """The project's name, and the configuration of one stack: `namespace:key` -> text, as programs see it."""

    name: str
    stack: str
    config: Mapping[str, str]


def load(stack: str, overrides: Mapping[str, str] | None = None) -> Project:
    """Read the project's defaults, the stack's settings over them, and `overrides` over both.

    LocalError for a file that is missing or not valid YAML, and for an encrypted value, which only the engine can read.
    """
    project = _read(FOLDER / "Pulumi.yaml")
    name = str(project["name"])
    config: dict[str, str] = {}
    for key, value in (project.get("config") or {}).items():
        default = value.get("value", value.get("default")) if isinstance(value, dict) else value
        if default is not None:
            config[_qualified(name, key)] = _text(key, default)
    for key, value in (_read(FOLDER / f"Pulumi.{stack}.yaml").get("config") or {}).items():
        config[_qualified(name, key)] = _text(key, value)
    for key, text in (overrides or {}).items():
        config[_qualified(name, key)] = text
    return Project(name, stack, config)


def load_local(stack: str, overrides: Mapping[str, str] | None = None) -> Project:
    """The same, for the account of the local AWS, and for no other."""
    return load(stack, {"allowedAccountIds": json.dumps([ACCOUNT_ID]), **(overrides or {})})


def settings(loaded: Project) -> Settings:
    """The settings of a stack; LocalError if they are invalid."""
    try:
        return Settings.read(loaded.name, loaded.config.get, loaded.config)
    except InvalidSettings as error:
        raise LocalError(str(error)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LocalError(f"there is no {path.name}: give --stack one of {_stacks()}") from None
    except yaml.YAMLError as error:
        raise LocalError(f"{path.name} is not valid YAML: {' '.join(str(error).split())}") from None
    return content if isinstance(content, dict) else {}


def _stacks() -> str:
    return ", ".join(sorted(path.name.split(".")[1] for path in FOLDER.glob("Pulumi.*.yaml"))) or "(none)"


def _qualified(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _text(key: str, value: Any) -> str:
    if isinstance(value, dict) and set(value) == {"secure"}:
        raise LocalError(f"{key} is encrypted, and only Pulumi can read it: give a value with --config {key}=VALUE")
    return value if isinstance(value, str) else json.dumps(value)
