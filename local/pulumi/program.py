"""Runs the Pulumi program, `__main__.py`, with the SDK's test monitor in place of the engine."""

import asyncio
import json
import runpy
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import pulumi
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS, set_root_resource

from local.child import LocalError
from local.pulumi.project import FOLDER, Project

STACK = "pulumi:pulumi:Stack"


class Cloud(Protocol):
    """Where the program's resources are created. Called from several threads."""

    def configure(self, token: str, inputs: Mapping[str, Any]) -> None:
        """Take a provider's configuration."""

    def create(self, token: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Create a resource; give its id, and the outputs that are not inputs."""

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an invoke."""


class Monitor(MockMonitor):
    """Hands resources and invokes to a cloud; `outputs` are the stack's. Called from several threads.

    Without a cloud nothing is created, so that ids and computed outputs are unknown, as in a preview of a new stack.
    """

    def __init__(self, cloud: Cloud | None) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # everything that would ask mocks is overridden here
        self._cloud = cloud
        self.outputs: dict[str, Any] = {}
        # The SDK shows an error many times; here each is listed once.
        self.problems: list[str] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  names of the engine's protocol
        """Create a resource."""
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == STACK:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        state = struct_pb2.Struct()
        state.CopyFrom(request.object)
        id_ = ""
        if request.custom and self._cloud:
            id_, computed = self._create(self._cloud, request)
            state.update(computed)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=state)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        """Keep the stack's outputs."""
        if request.urn.split("::")[2] == STACK:
            self.outputs = _plain(request.outputs)
        return empty_pb2.Empty()

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        """Answer a lookup."""
        found = struct_pb2.Struct()
        try:
            found.update(self.look_up(request.tok, _plain(request.args)))
        except LocalError as error:
            raise self._problem(f"{request.tok}: {error}") from error
        return resource_pb2.ResourceInvokeResponse(**{"return": found})

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Give the result of a lookup; a recording monitor may answer by itself."""
        return self._cloud.look_up(token, arguments) if self._cloud else {}

    def _create(self, cloud: Cloud, request: Any) -> tuple[str, dict[str, Any]]:
        inputs = _plain(request.object)
        for key, value in inputs.items():
            if rpc.contains_unknowns(value):
                raise self._problem(
                    f"{request.type} {request.name}: {key} comes from an output that is not filled in here"
                )
        try:
            if request.type.startswith("pulumi:providers:"):
                # An engine hands a provider its nested settings as JSON.
                cloud.configure(request.type, {key: _from_json(value) for key, value in inputs.items()})
                return request.name, {}
            return cloud.create(request.type, request.name, inputs)
        except LocalError as error:
            raise self._problem(f"{request.type} {request.name}: {error}") from error

    def _problem(self, text: str) -> LocalError:
        self.problems.append(text)
        return LocalError(text)


def run(project: Project, cloud: Cloud) -> dict[str, Any]:
    """Run the program once and give its stack outputs; LocalError names a resource or lookup that is not served here.

    It runs as a preview in which everything is created: an output that the cloud leaves out is unknown instead of None,
    and a resource that needs it is refused by name.
    """
    monitor = Monitor(cloud)
    try:
        run_with(monitor, project, preview=True)
    except Exception as error:
        if monitor.problems:
            raise LocalError(monitor.problems[0]) from error
        if isinstance(error, pulumi.RunError):
            raise LocalError(str(error)) from None
        raise
    return monitor.outputs


def _main() -> None:
    runpy.run_path(str(FOLDER / "__main__.py"), run_name="__main__")


def run_with(monitor: Monitor, project: Project, *, preview: bool, program: Callable[[], None] = _main) -> None:
    """Run the program, or one that a test gives, with a monitor; raises what it raises."""
    asyncio.run(_run(monitor, project, program, preview=preview))


async def _run(monitor: Monitor, project: Project, program: Callable[[], None], *, preview: bool) -> None:
    # The SDK leaves an error in every future that waits for the resource, and logs them all; the error is raised
    # anyway.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    pulumi.runtime.set_all_config(dict(project.config))
    # Inside the loop that runs the program: outside, its futures would belong to another loop.
    pulumi.runtime.set_mocks(monitor.mocks, project=project.name, stack=project.stack, preview=preview, monitor=monitor)
    # Remove what an earlier run left.
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    set_root_resource(None)  # type: ignore[arg-type]  # run_in_stack makes its own
    await pulumi.runtime.run_in_stack(program)


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _plain(properties: Any) -> dict[str, Any]:
    return {name: plain(value) for name, value in rpc.deserialize_properties(properties, keep_unknowns=True).items()}


def plain(value: Any) -> Any:
    """Undo what the protocol does to values: it wraps secrets, and turns all numbers into floats."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
