"""A declared deployment package, as the zip file that Lambda would get."""

import io
import zipfile

import pulumi

from local.child import LocalError
from local.pulumi.project import FOLDER


def zipped(code: object) -> bytes:
    """The zip file's bytes; LocalError for an archive that does not consist of single files."""
    if not isinstance(code, pulumi.AssetArchive):
        raise LocalError("code must be an AssetArchive of FileAssets")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, asset in sorted(code.assets.items()):
            if not isinstance(asset, pulumi.FileAsset):
                raise LocalError(f"code: {path} must be a FileAsset")
            archive.write(FOLDER / asset.path, path)
    return buffer.getvalue()
