"""The registrations at Heroku: one log drain per app."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumiverse_heroku as heroku


@dataclass(frozen=True)
class DrainsArgs:
    """Drain URLs and UUIDs by app, and all other resources of the stack."""

    urls: Mapping[str, pulumi.Output[str]]
    app_ids: Mapping[str, str]
    behind: Sequence[pulumi.Resource]


class Drains(pulumi.ComponentResource):
    """The drains. A new URL is registered before the old one is removed, because a drain has no name of its own."""

    def __init__(self, name: str, args: DrainsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Drains", name, None, opts)
        # Last of all. Lines are lost while the receiver does not exist or does not know the token. And in a rotation
        # the engine removes the old drains once the program has ended (pulumi/pulumi, developer-docs/architecture/
        # resource-registration.md): whatever came after the new ones would be time in which lines are stored twice.
        child = pulumi.ResourceOptions(parent=self, depends_on=args.behind)
        for app, url in args.urls.items():
            heroku.drain.Drain(
                f"{name}-{app}",
                app_id=args.app_ids[app],
                sensitive_url=url,
                opts=child,
            )
        self.register_outputs({})
