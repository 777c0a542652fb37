"""Holds the calls that providers made against the policy of the role that deploys.

`python -m tools.deploy_policies.calls FILE` reads what .ci/recording-python wrote, and fails if a call is not allowed.
With `--keep` it also keeps the calls in tests/golden/provider_calls.jsonl, for the tests.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.deploy_policies.__main__ import settings_of
from tools.deploy_policies.documents import Names, Role, documents
from tools.deploy_policies.needs import Need, is_allowed, needs
from tools.deploy_policies.requests import Call

KEPT = Path(__file__).parent.parent.parent / "tests" / "golden" / "provider_calls.jsonl"


def read(text: str) -> list[Call]:
    """Read recorded calls, one line each, in a fixed order and each once."""
    calls = {json.dumps(json.loads(line)) for line in text.splitlines()}
    return [_call(*json.loads(line)) for line in sorted(calls)]


def _call(service: str, operation: str, parameters: Iterable[Sequence[str]]) -> Call:
    return Call(service, operation, tuple((name, value) for name, value in parameters))


def write(calls: Iterable[Call]) -> str:
    """Write calls, one line each."""
    return "".join(f"{json.dumps(call)}\n" for call in calls)


def refused(calls: Iterable[Call], names: Names) -> list[Need]:
    """What the policy of the role that deploys does not allow, each once."""
    policies = documents(Role.DEPLOY, names)
    wanted = dict.fromkeys(need for call in calls for need in needs(call))
    return [need for need in wanted if not is_allowed(policies, need)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Check a file of calls; the exit code is 1 if one is not allowed."""
    parser = argparse.ArgumentParser(prog="python -m tools.deploy_policies.calls", description=__doc__)
    parser.add_argument("file", type=Path, help="the calls that were recorded")
    parser.add_argument("--keep", action="store_true", help=f"keep them in {KEPT.name}")
    given = parser.parse_args(arguments)
    calls = read(given.file.read_text(encoding="utf-8"))
    if given.keep:
        KEPT.write_text(write(calls), encoding="utf-8")
    if not calls:
        sys.exit(f"{given.file} has no calls: nothing was recorded")
    if left := refused(calls, Names.of(settings_of("prod"))):
        wanted = "\n".join(f"{need.action} on {need.resource or 'a resource that is not named'}" for need in left)
        sys.exit(
            f"the policy of the role that deploys does not allow\n{wanted}\nadd it to tools/deploy_policies/rights.py"
        )
    print(f"deploy policy: allows all of {len(calls)} different calls that the providers made")


if __name__ == "__main__":
    main()
