"""Which stack and identity commands use, unless an option says otherwise: from the environment, or from a file."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from contract.names import DEFAULT_PARAMETER_PREFIX, DEFAULT_READER_ROLE
from runbook.errors import RunbookError

# Each setting is also a global option, --prefix and so on, and a variable, HLA_PREFIX and so on.
NAMES = ("outputs", "prefix", "role", "region", "profile", "assume")
_VARIABLE = "HLA_{}"
_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


@dataclass
class Settings:
    """The stack and the identity: where its outputs are, and as whom to ask AWS."""

    prefix: str = DEFAULT_PARAMETER_PREFIX
    outputs_file: str | None = None
    assume: bool = False
    role: str = DEFAULT_READER_ROLE
    profile: str | None = None
    region: str | None = None

    def set(self, name: str, value: Any) -> None:
        """Set one of NAMES."""
        if name == "prefix" and not value.endswith("/"):
            value = f"{value}/"
        setattr(self, _field(name), value)

    def get(self, name: str) -> Any:
        """Give one of NAMES."""
        return getattr(self, _field(name))


def _field(name: str) -> str:
    return "outputs_file" if name == "outputs" else name


def path() -> Path:
    """The file: config.toml in the folder that the operating system has for it, or HLA_CONFIG."""
    return Path(os.environ.get("HLA_CONFIG") or Path(typer.get_app_dir("hla")) / "config.toml")


def path_text() -> str:
    """The file's path for people, with ~ for their home."""
    file = path()
    return f"~/{file.relative_to(Path.home())}" if file.is_relative_to(Path.home()) else str(file)


def configured(environment: Mapping[str, str], file: Path) -> Settings:
    """Read the variables, and for what they do not set the file, which need not exist. RunbookError if invalid."""
    settings = Settings()
    for name, value in {**_of_file(file), **_of_environment(environment)}.items():
        settings.set(name, value)
    return settings


def _of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in NAMES:
        variable = _VARIABLE.format(name.upper())
        if (text := environment.get(variable)) is None:
            continue
        if name == "assume":
            if text.lower() not in _SWITCH:
                raise RunbookError(f"invalid {variable}={text!r}: write 1 or 0")
            found[name] = _SWITCH[text.lower()]
        elif text:
            found[name] = text
    return found


def _of_file(file: Path) -> dict[str, Any]:
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RunbookError(f"cannot read {file} ({error}): correct it, or remove it") from None
    for name, value in read.items():
        if name not in NAMES:
            raise RunbookError(f"{file} has an unknown setting {name!r}: the settings are {', '.join(NAMES)}")
        if not (isinstance(value, bool) if name == "assume" else isinstance(value, str) and value):
            wanted = "true or false" if name == "assume" else "a text in quotes"
            raise RunbookError(f"{file} has an invalid {name}: write {wanted}")
    return read
