"""The SNS topic of the alarms, and who is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import pulumi
from pulumi_aws import kms, sns

from contract import names, policies


@dataclass(frozen=True)
class AlarmTopicArgs:
    """The beginning of names, the e-mail addresses and https URLs to tell, and whether the topic has a key of its own.

    `account_arn` is any ARN of the account.
    """

    name_prefix: str
    endpoints: Sequence[str]
    with_key: bool
    account_arn: pulumi.Input[str]


class AlarmTopic(pulumi.ComponentResource):
    """`topic`, and `policy`, without which nobody may publish."""

    def __init__(self, name: str, args: AlarmTopicArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:AlarmTopic", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.topic = sns.Topic(
            f"{name}-topic",
            name=names.alarm_topic(args.name_prefix),
            kms_master_key_id=self._key(name, args).arn if args.with_key else None,
            # Alarms publish to the old topic until they are updated.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=False),
        )
        self.policy = sns.TopicPolicy(
            f"{name}-policy",
            arn=self.topic.arn,
            policy=pulumi.Output.json_dumps(
                self.topic.arn.apply(lambda arn: policies.alarm_topic(arn, args.name_prefix))
            ),
            opts=child,
        )
        for endpoint in args.endpoints:
            is_url = endpoint.startswith("https://")
            # The URL of a service often has a secret in it, which no name may show.
            shown = sha256(endpoint.encode()).hexdigest()[:8] if is_url else endpoint
            sns.TopicSubscription(
                f"{name}-subscription-{shown}",
                topic=self.topic.arn,
                protocol="https" if is_url else "email",
                endpoint=endpoint,
                # Services confirm by themselves, people by a link in the first e-mail.
                endpoint_auto_confirms=is_url,
                opts=child,
            )
        self.register_outputs({"topic": self.topic.arn})

    def _key(self, name: str, args: AlarmTopicArgs) -> kms.Key:
        return kms.Key(
            f"{name}-key",
            description=f"Encrypts the alarms of {args.name_prefix}",
            enable_key_rotation=True,
            policy=pulumi.Output.json_dumps(pulumi.Output.from_input(args.account_arn).apply(policies.alarm_topic_key)),
            opts=pulumi.ResourceOptions(parent=self),
        )
