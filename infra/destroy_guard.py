"""Makes `pulumi destroy` delete nothing as long as the archive is protected."""

from collections.abc import Sequence

import pulumi


class DestroyGuard(pulumi.ComponentResource):
    """A protected component that depends on all others and owns nothing.

    Protecting the bucket alone is not enough. A destroy first deletes the resources that depend on the bucket, and
    `--skip-preview` skips the preview that would show the refusal: 61 of 65 resources were deleted before the destroy
    failed. When a deletion is refused, the engine keeps everything that the resource depends on (pulumi/pulumi,
    pkg/resource/deploy: `DeleteStep.Apply`, `deploymentExecutor.performPostSteps`). Nothing depends on this component,
    so its deletion is tried, and refused, first. The drains, the receiver and the other resources cannot be protected
    themselves: the engine never replaces a protected resource, and a rotation replaces drains.
    """

    def __init__(self, name: str, guarded: Sequence[pulumi.Resource], *, protect: bool) -> None:
        super().__init__(
            "raxx:logdrain:DestroyGuard", name, None, pulumi.ResourceOptions(protect=protect, depends_on=guarded)
        )
        self.register_outputs({})
