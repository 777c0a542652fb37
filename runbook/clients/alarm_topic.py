"""Reads who subscribed to the topic of the alarms."""

from typing import Any, NamedTuple
from urllib.parse import urlsplit

# What SNS shows in place of the ARN of a subscription that is not confirmed, and of one that was removed.
_PENDING, _DELETED = "PendingConfirmation", "Deleted"


class Subscription(NamedTuple):
    """A subscription: its protocol, to whom it sends, and whether that was confirmed.

    The URL of a service is shown without its path, which often has a secret in it.
    """

    protocol: str
    endpoint: str
    confirmed: bool


def subscriptions(sns: Any, topic_arn: str) -> list[Subscription]:
    """List a topic's subscriptions. boto3's errors, such as NotFoundException for a topic that does not exist."""
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return [
        Subscription(found["Protocol"], _shown(found["Endpoint"]), found["SubscriptionArn"] != _PENDING)
        for page in pages
        for found in page["Subscriptions"]
        if found["SubscriptionArn"] != _DELETED
    ]


def _shown(endpoint: str) -> str:
    url = urlsplit(endpoint)
    return f"{url.scheme}://{url.hostname}/…" if url.scheme else endpoint
