"""The providers, given explicitly, so that no resource lands in an account or region by accident of environment."""

import pulumi
import pulumi_aws as aws
import pulumiverse_heroku as heroku


def providers(region: str) -> pulumi.ResourceOptions:
    """Options under which components create everything: AWS in this region, and Heroku."""
    return pulumi.ResourceOptions(
        providers=[
            aws.Provider("aws", region=region),
            # Where heroku:apiKey is not set the provider takes HEROKU_API_KEY.
            heroku.Provider("heroku", api_key=pulumi.Config("heroku").get_secret("apiKey")),
        ]
    )
