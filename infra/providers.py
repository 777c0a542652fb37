"""The explicit providers: no resource can land in another account or region because of the environment."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pulumi
import pulumi_aws as aws
import pulumiverse_heroku as heroku


class Providers(NamedTuple):
    """AWS, with default tags, and Heroku."""

    aws: aws.Provider
    heroku: heroku.Provider

    @property
    def options(self) -> pulumi.ResourceOptions:
        """Options under which components create everything."""
        return pulumi.ResourceOptions(providers=[self.aws, self.heroku])


def providers(region: str, allowed_account_ids: Sequence[str], tags: Mapping[str, str]) -> Providers:
    """Declare both providers. Without allowed accounts, every account is allowed."""
    return Providers(
        aws=aws.Provider(
            "aws",
            region=region,
            allowed_account_ids=allowed_account_ids or None,
            default_tags={"tags": tags},
        ),
        # Without heroku:apiKey, the provider reads HEROKU_API_KEY.
        heroku=heroku.Provider("heroku", api_key=pulumi.Config("heroku").get_secret("apiKey")),
    )
