"""The file that a second terminal sources, so that every command of RUNBOOK.md works against `make up`."""

import shlex
from pathlib import Path

from local.pulumi.project import FOLDER
from local.stack import LocalStack

DEFAULT_FILE = ".local-env"

_TEXT = """\
# Written by `make up`, for a second terminal: {command}
export PATH={bin}:"$PATH"
export AWS_ENDPOINT_URL={aws} AWS_REGION={region} AWS_DEFAULT_REGION={region} AWS_PAGER=
export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
export HEROKU_API_URL={heroku} HEROKU_API_KEY=local HLA_PREFIX={prefix} HLA_ROLE={role}
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
# Version 1 of the AWS CLI asks SQS at an address of its own, whatever the variables and the configuration say. Only
# --endpoint-url goes before that (awscli/customizations/overridesslcommonname.py).
aws() {{ command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }}
# A stand-in: it lists, adds and removes drains.
heroku() {{ PYTHONPATH={project} {bin}/python -m local.heroku.command_line "$@"; }}
"""


def text(stack: LocalStack, file: Path) -> str:
    """Give the file's text, in POSIX shell: variables, and functions, which go before any PATH."""
    values = {
        "bin": str(FOLDER / ".venv" / "bin"),
        "project": str(FOLDER),
        "aws": stack.aws_url,
        "heroku": stack.heroku.url,
        "region": stack.settings.region,
        "prefix": stack.settings.parameter_prefix,
        "role": stack.outputs["readerRoleArn"].rpartition("/")[2],
    }
    return _TEXT.format(command=command(file), **{name: shlex.quote(value) for name, value in values.items()})


def command(file: Path) -> str:
    """Give the command that sources the file. Without a slash, shells other than bash would search PATH for it."""
    path = str(file) if file.is_absolute() else f"./{file}"
    return f". {shlex.quote(path)}"
