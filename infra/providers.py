"""The providers, given explicitly, so that no resource lands in an account or region by accident of environment."""

from collections.abc import Mapping, Sequence

import pulumi
import pulumi_aws as aws
import pulumiverse_heroku as heroku


def providers(region: str, allowed_account_ids: Sequence[str], tags: Mapping[str, str]) -> pulumi.ResourceOptions:
    """Options under which components create everything: AWS, with these tags on all that takes tags, and Heroku.

    Without allowed accounts any is.
    """
    return pulumi.ResourceOptions(
        providers=[
            aws.Provider(
                "aws",
                region=region,
                allowed_account_ids=allowed_account_ids or None,
                default_tags={"tags": tags},
            ),
            # Where heroku:apiKey is not set the provider takes HEROKU_API_KEY.
            heroku.Provider("heroku", api_key=pulumi.Config("heroku").get_secret("apiKey")),
        ]
    )
