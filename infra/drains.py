"""The registrations at Heroku: one log drain an app."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumiverse_heroku as heroku


@dataclass(frozen=True)
class DrainsArgs:
    """Each app's drain URL, and the UUIDs of those apps that are not looked up."""

    urls: Mapping[str, pulumi.Output[str]]
    app_ids: Mapping[str, str]


class Drains(pulumi.ComponentResource):
    """The drains. A changed URL is registered before the old one is removed, as a drain has no name of its own."""

    def __init__(self, name: str, args: DrainsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("raxx:logdrain:Drains", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for app, url in args.urls.items():
            heroku.drain.Drain(
                f"{name}-{app}",
                app_id=args.app_ids.get(app) or self._look_up(app),
                sensitive_url=url,
                opts=child,
            )
        self.register_outputs({})

    def _look_up(self, app: str) -> pulumi.Output[str]:
        # The answer holds the app's config vars too, so the API key must be allowed to read them.
        return heroku.app.get_app_output(name=app, opts=pulumi.InvokeOutputOptions(parent=self)).uuid
