"""Runs the Pulumi program, `__main__.py`, with the SDK's test monitor in the engine's place."""

import asyncio
import json
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.settings import SETTINGS, set_root_resource

from local.child import LocalError
from local.pulumi.project import FOLDER, Project


class Cloud(Protocol):
    """What the program's resources are created in. Called from several threads."""

    def configure(self, token: str, inputs: Mapping[str, Any]) -> None:
        """Take a provider's configuration."""

    def create(self, token: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Create a resource; its id, and the outputs that are not inputs."""

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an invoke."""


def run(project: Project, cloud: Cloud) -> dict[str, Any]:
    """Run the program once and give its stack outputs; LocalError says what it declares that cannot be had here.

    It runs as a preview in which everything is created: an output that the cloud leaves out is unknown then, and
    not None, and the resource that needs it is refused by name.
    """
    return asyncio.run(_run(project, _Monitor(_Engine(cloud))))


async def _run(project: Project, monitor: "_Monitor") -> dict[str, Any]:
    # The SDK leaves an error in every future that waits for the resource, to be logged at length: it is raised below.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    pulumi.runtime.set_all_config(dict(project.config))
    # Within the loop that runs the program: elsewhere its futures would belong to another one.
    pulumi.runtime.set_mocks(monitor.engine, project=project.name, stack=project.stack, preview=True, monitor=monitor)
    # What a run before this one left behind, if it failed.
    SETTINGS.rpc_manager.clear()
    SETTINGS.outputs.clear()
    set_root_resource(None)  # type: ignore[arg-type]  # run_in_stack makes its own
    try:
        await pulumi.runtime.run_in_stack(_program)
    except Exception as error:
        if monitor.engine.problems:
            raise LocalError(monitor.engine.problems[0]) from error
        if isinstance(error, pulumi.RunError):
            raise LocalError(str(error)) from None
        raise
    return monitor.outputs


def _program() -> None:
    runpy.run_path(str(FOLDER / "__main__.py"), run_name="__main__")


class _Engine(Mocks):
    """Hands resources and invokes to the cloud. The SDK shows an error many times over; `problems` keeps it once."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.problems: list[str] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom:
            return None, {}
        inputs = _plain(args.inputs)
        for key, value in inputs.items():
            if rpc.contains_unknowns(value):
                raise self._problem(f"{args.typ} {args.name}: {key} comes from an output that is not filled in here")
        try:
            if args.typ.startswith("pulumi:providers:"):
                # An engine hands a provider its nested settings as JSON.
                self._cloud.configure(args.typ, {key: _from_json(value) for key, value in inputs.items()})
                return args.name, {}
            id_, computed = self._cloud.create(args.typ, inputs)
        except LocalError as error:
            raise self._problem(f"{args.typ} {args.name}: {error}") from error
        return id_, {**inputs, **computed}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        try:
            return self._cloud.look_up(args.token, _plain(args.args)), []
        except LocalError as error:
            raise self._problem(f"{args.token}: {error}") from error

    def _problem(self, text: str) -> LocalError:
        self.problems.append(text)
        return LocalError(text)


class _Monitor(MockMonitor):
    """The SDK's monitor. It makes an event loop in each thread that talks to it and closes none: that is done here."""

    def __init__(self, engine: _Engine) -> None:
        super().__init__(engine)
        self.engine = engine
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  names of the engine's protocol
        with _own_loop():
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]

    def Invoke(self, request: Any) -> Any:  # noqa: N802
        with _own_loop():
            return super().Invoke(request)  # type: ignore[no-untyped-call]

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        if request.urn.split("::")[2] == "pulumi:pulumi:Stack":
            self.outputs = _plain(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


@contextmanager
def _own_loop() -> Iterator[None]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _plain(value: Any) -> Any:
    """Undo what the wire does to values: secrets are wrapped there, and all numbers are floats."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
