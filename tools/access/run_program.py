"""Runs the Pulumi program in order to see which resources and policies it declares.

It runs as in `local outputs`: nothing is created.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pulumi.runtime import rpc

from local.pulumi import program, project
from local.pulumi.preview import PreviewCloud
from tools.access.declared import ACCOUNT, Declared
from tools.access.policy_holders import collect

_API = "a1b2c3d4e5"


def declared(settings: Mapping[str, str] | None = None, main: Callable[[], None] | None = None) -> Declared:
    """Run the program with production's settings, and `settings` over them; or `main` in place of `__main__.py`."""
    loaded = project.load_local("prod", settings)
    typed = project.settings(loaded)
    recorder = _Recorder(PreviewCloud(typed.region, ACCOUNT, _API))
    program.run_with(recorder, loaded, preview=False, **({"program": main} if main else {}))
    found = Declared(typed, dict(sorted(recorder.declared.items())))
    for (kind, name), properties in found.resources.items():
        collect(found, kind, name, properties)
    return found


class _Recorder(program.Monitor):
    def __init__(self, cloud: PreviewCloud) -> None:
        super().__init__(cloud)
        self.declared: dict[tuple[str, str], dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the engine's protocol
        response = super().RegisterResource(request)
        if request.custom and request.type.startswith("aws:"):
            known = rpc.deserialize_properties(response.object, keep_unknowns=True)
            self.declared[request.type, request.name] = {
                "id": response.id,
                **{key: program.plain(value) for key, value in known.items()},
            }
        return response
