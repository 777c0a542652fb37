"""Ways to read a parameter, which for a secret one need its key as well."""

from collections.abc import Mapping

from tools.access.declared import Declared
from tools.access.rights import aws_ssm_key
from tools.policy_evaluation.requests import Context, Request


def parameter_ways(found: Declared, arn: str) -> tuple[tuple[Request, ...], ...]:
    """Every way to read a parameter; a SecureString is decrypted for whoever reads it, with the caller's rights.

    Sources: "AWS KMS encryption for AWS Systems Manager Parameter Store SecureString parameters"; "Restricting access
    to Parameter Store parameters using IAM policies", for the path that GetParametersByPath is about.
    """
    single = ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParameterHistory")
    reads = [*(Request(action, arn) for action in single), Request("ssm:GetParametersByPath", arn.rpartition("/")[0])]
    parameter = found.find("ssm/parameter", arn)
    if parameter["type"] != "SecureString":
        return tuple((read,) for read in reads)
    through: Context = {
        "kms:ViaService": f"ssm.{found.settings.region}.amazonaws.com",
        "kms:EncryptionContext:PARAMETER_ARN": arn,
        "kms:EncryptionContextKeys": ("PARAMETER_ARN",),
    }
    decrypts = Request("kms:Decrypt", _key_of(found, parameter), through)
    return tuple((read, decrypts) for read in reads)


def _key_of(found: Declared, parameter: Mapping[str, str]) -> str:
    key = parameter.get("keyId") or "alias/aws/ssm"
    if key == "alias/aws/ssm":
        return aws_ssm_key(found.settings.region)
    if key.startswith("alias/"):
        key = str(found.find("kms/alias", key)["targetKeyId"])
    return str(found.find("kms/key", key)["arn"])
