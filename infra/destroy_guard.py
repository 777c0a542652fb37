"""What keeps `pulumi destroy` from deleting anything as long as the archive is protected."""

from collections.abc import Sequence

import pulumi


class DestroyGuard(pulumi.ComponentResource):
    """A component that depends on all others and owns nothing; destroying it is refused, and so is everything else.

    Protecting the bucket alone is not enough. A destroy deletes what depends on the bucket first, and `--skip-preview`
    leaves out the preview in which the refusal would have been seen: 61 of 65 resources were gone by then. A deletion
    that is refused keeps all that the resource depends on (pulumi/pulumi, pkg/resource/deploy: `DeleteStep.Apply`,
    `deploymentExecutor.performPostSteps`), and nothing depends on this one, so it is first. The drains, the receiver
    and the rest cannot be protected themselves: the engine replaces no protected resource, and a rotation replaces
    drains.
    """

    def __init__(self, name: str, guarded: Sequence[pulumi.Resource], *, protect: bool) -> None:
        super().__init__(
            "raxx:logdrain:DestroyGuard", name, None, pulumi.ResourceOptions(protect=protect, depends_on=guarded)
        )
        self.register_outputs({})
