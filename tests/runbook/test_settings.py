"""Stack and identity from the environment, or from a file."""

from pathlib import Path

import pytest

from runbook.errors import RunbookError
from runbook.settings import Settings, configured

FILE = 'prefix = "/of/file"\nassume = true\nrole = "file-role"\n'


def test_a_variable_counts_before_the_file_and_the_file_before_what_is_built_in(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(FILE, encoding="utf-8")
    found = configured({"HLA_ROLE": "variable-role", "HLA_ASSUME": "0", "HLA_OUTPUTS": "RUNBOOK.md"}, file)
    assert found == Settings(prefix="/of/file/", role="variable-role", assume=False, outputs_file="RUNBOOK.md")


def test_without_either_all_is_as_built_in(tmp_path: Path) -> None:
    assert configured({"HLA_REGION": ""}, tmp_path / "none") == Settings()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("prefix = ", "correct it, or remove it"),
        ("prefix = 3", "invalid prefix: write a text in quotes"),
        ('prefix = ""', "invalid prefix: write a text in quotes"),
        ('assume = "yes"', "invalid assume: write true or false"),
        ('colour = "red"', "unknown setting 'colour': the settings are outputs, prefix, role"),
    ],
)
def test_an_invalid_file_says_what_to_write(tmp_path: Path, text: str, error: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RunbookError, match=error) as raised:
        configured({}, file)
    assert str(file) in str(raised.value)


def test_an_invalid_switch_says_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(RunbookError, match="HLA_ASSUME='maybe': write 1 or 0"):
        configured({"HLA_ASSUME": "maybe"}, tmp_path / "none")
