"""Who may do what, as the requirements have it: every cell of docs/reference/access.md.

The sets below are written by hand, from what the stack promises and not from its policies. A cell that differs is a
fault of the policies, or a promise to change here and in docs/security.md.
"""

import pytest

from tools.access import page

ADMINISTRATORS = {"break-glass-admin", "deployer", "administrator", "root"}
# Whom the policies of the bucket and of the key of the drain URLs name beside the stack's own roles.
NAMED = {"break-glass-admin", "deployer"}
RECEIVERS = {"receiver", "outside-receiver"}
EVERYBODY = {
    *("anyone", "other-account", "s3", "cloudwatch", "budgets", "apigateway", "lambda", "scheduler"),
    *("receiver", "flusher", "canary", "digester", "flusher-schedule", "canary-schedule", "digester-schedule"),
    *("reader", "restorer", "writer", "outside-receiver"),
    *("ReadOnlyAccess", "AmazonSSMReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess", "nobody", "break-glass"),
    *ADMINISTRATORS,
}

# What -> who may do it. Whoever is not named may not.
REQUIRED = {
    # Lines: the reader role, break-glass, and what receiver and flusher do with batches that are on their way.
    "read-objects": {"reader", "digester", "break-glass-admin"},
    "read-results": {"reader", "break-glass-admin"},
    "read-buffer": {*RECEIVERS, "flusher", "reader", "break-glass-admin"},
    "receive-spill": {"flusher"},
    "receive-dead": {"break-glass-admin"},
    # Secrets: whoever has a drain URL can write as its app. From hashes of tokens nobody can make a token.
    "read-drain-url": {"canary", *NAMED},
    "read-accepted": {*RECEIVERS, "reader", "ReadOnlyAccess", "AmazonSSMReadOnlyAccess", *ADMINISTRATORS},
    "read-outputs": {"reader", "ReadOnlyAccess", "AmazonSSMReadOnlyAccess", *ADMINISTRATORS},
    "receive-deletions": {"canary", "break-glass-admin"},
    # Names and texts that are neither lines nor secrets.
    "list-keys": {
        *(*RECEIVERS, "flusher", "digester", "reader", "restorer"),
        *("ReadOnlyAccess", "SecurityAudit", "ViewOnlyAccess", *ADMINISTRATORS),
    },
    "read-digests": {"digester", "reader", "ReadOnlyAccess", *ADMINISTRATORS},
    "read-query-texts": {"reader", "ReadOnlyAccess", *ADMINISTRATORS},
    "read-function-logs": {"ReadOnlyAccess", *ADMINISTRATORS},
    # The archive is append-only: nobody overwrites an object.
    "write-object": {*RECEIVERS, "flusher", "writer", *ADMINISTRATORS},
    "overwrite-object": set[str](),
    "write-digest": {"digester", *ADMINISTRATORS},
    "overwrite-digest": set[str](),
    "write-buffer": {*RECEIVERS, "flusher", *ADMINISTRATORS},
    "send-spill": {*RECEIVERS, *ADMINISTRATORS},
    "send-deletions": {"s3", *ADMINISTRATORS},
    "publish": {"cloudwatch", "budgets"},
    # Deleting lines that are stored is for those whom the bucket's policy names.
    "delete-object": NAMED,
    "delete-version": NAMED,
    "delete-digest": NAMED,
    "delete-result": ADMINISTRATORS,
    "delete-batch": {"flusher", *ADMINISTRATORS},
    "delete-spilled": {"flusher", *ADMINISTRATORS},
    "delete-dead": ADMINISTRATORS,
    "delete-deletions": {"canary", *ADMINISTRATORS},
    # A query reads log objects as whoever asks.
    "query": {"reader", "break-glass-admin"},
    "restore": {"restorer", *ADMINISTRATORS},
    "invoke-flusher": {"flusher-schedule", "reader", *ADMINISTRATORS},
    "invoke-canary": {"canary-schedule", "reader", *ADMINISTRATORS},
    "invoke-digester": {"digester-schedule", *ADMINISTRATORS},
    "invoke-receiver": {"apigateway", *ADMINISTRATORS},
    "assume-reader": {"break-glass", "break-glass-admin"},
    "assume-restorer": {"break-glass", "break-glass-admin"},
    "assume-function": {"lambda"},
    "assume-schedule": {"scheduler"},
    "move-dead": {"break-glass-admin"},
    # AWS lets the root user change the policy of a bucket in any case.
    "change-bucket": NAMED,
    "change-bucket-policy": {*NAMED, "root"},
    "change-queue": ADMINISTRATORS,
    "change-table": ADMINISTRATORS,
    "change-key": ADMINISTRATORS,
    "change-tokens": ADMINISTRATORS,
    "change-roles": ADMINISTRATORS,
    "change-code": ADMINISTRATORS,
    "change-topic": ADMINISTRATORS,
}


@pytest.fixture(scope="module")
def matrix() -> page.Matrix:
    return page.matrix()


@pytest.mark.parametrize("deed", REQUIRED)
def test_these_and_nobody_else(matrix: page.Matrix, deed: str) -> None:
    assert matrix.allowed(deed) == REQUIRED[deed]


def test_the_page_has_exactly_these_rows_and_columns(matrix: page.Matrix) -> None:
    """A role that the program declares anew has a row of its own, and nothing required of it here."""
    assert {who.key for who in matrix.rows} == EVERYBODY
    assert len(matrix.rows) == len(EVERYBODY)
    assert [deed.key for deed in matrix.columns] == list(REQUIRED)
    assert len(matrix.decisions) == len(EVERYBODY) * len(REQUIRED)


def test_every_yes_has_a_reason(matrix: page.Matrix) -> None:
    assert [cell for cell, decision in matrix.decisions.items() if decision.allowed and not decision.by] == []
