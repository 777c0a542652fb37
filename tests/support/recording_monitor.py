"""Runs the program, `__main__.py`, and records what it declares. Nothing is created; in a preview nothing is known yet.

No output is marked secret here: secrecy has to come from the program.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
import pulumi
from pulumi.runtime import rpc

from local.pulumi import program as runner
from local.pulumi import project
from local.pulumi.preview import PreviewCloud
from local.pulumi.project import Project

UNKNOWN = rpc.UNKNOWN

_CLOUD = PreviewCloud("us-east-1", "123456789012", "a1b2c3d4e5")


@dataclass(frozen=True)
class Secret:
    """A value that the program handed over as a secret."""

    value: Any


@dataclass(frozen=True)
class Resource:
    """One registration. Other resources are told by URN, of a provider too; `explicit` are those of `depends_on` alone.

    `inputs` are as the engine gets them: names in camelCase, secrets wrapped in Secret, UNKNOWN for what is not known
    in a preview, and an archive as its paths with those of the files.
    """

    urn: str
    id: str
    type: str
    name: str
    custom: bool
    parent: str
    provider: str
    protect: bool
    retain_on_delete: bool
    delete_before_replace: bool | None  # None leaves it to the provider
    dependencies: frozenset[str]
    explicit: frozenset[str]
    aliases: tuple[str, ...]
    inputs: Mapping[str, Any]

    @property
    def is_provider(self) -> bool:
        """Whether it is a provider, which has neither parent nor provider."""
        return self.type.startswith("pulumi:providers:")


@dataclass(frozen=True)
class Run:
    """What one run declared: resources by URN in the order of their registration, lookups, and outputs.

    `component_outputs` are by URN too; `outputs` are the stack's.
    """

    resources: dict[str, Resource] = field(default_factory=dict)
    lookups: list[str] = field(default_factory=list)
    component_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Resource:
        """The resource of that name; the program has no two of one name."""
        [found] = [resource for resource in self.resources.values() if resource.name == name]
        return found

    def dependencies(self, name: str) -> set[str]:
        """Names of what a resource depends on, be it by an input or by `depends_on`."""
        return set(map(name_of, self[name].dependencies))

    def of_type(self, ending: str) -> list[Resource]:
        """The resources whose type ends so, such as `:Bucket`."""
        return [resource for resource in self.resources.values() if resource.type.endswith(ending)]


def drain_key(generation: int) -> str:
    """The drain key of a generation, in every run that is not a preview."""
    name = f"drain-keys-generation-{generation}"
    return str(_CLOUD.create("random:index/randomPassword:RandomPassword", name, {})[1]["result"])


def name_of(urn: str) -> str:
    """The name in a URN; nothing for none."""
    return urn.rpartition("::")[2]


def run(
    overrides: Mapping[str, str] | None = None, *, preview: bool = False, program: Callable[[], None] | None = None
) -> Run:
    """Run the program with production's settings and `overrides`, texts by key as in `Pulumi.<stack>.yaml`.

    `program` is run in place of `__main__.py`, to look at one component.
    """
    loaded = project.load_local("prod", overrides)
    return run_stack(loaded, preview=preview, **({"program": program} if program else {}))


def run_stack(loaded: Project, *, preview: bool = False, **options: Any) -> Run:
    """Run the program with the settings of another stack."""
    recorded = Run()
    _run(recorded, loaded, preview=preview, refused={}, **options)
    return recorded


def run_refused(refused: Mapping[str, str], overrides: Mapping[str, str] | None = None) -> tuple[Run, Exception]:
    """Run the program in a preview in which lookups fail; what it declared before it ended, and its error.

    `refused` are what the provider says, by lookup as in `Run.lookups`.
    """
    recorded = Run()
    try:
        _run(recorded, project.load_local("prod", overrides), preview=True, refused=refused)
    except Exception as error:  # noqa: BLE001  whatever it is, it is what the test is about
        return recorded, error
    raise AssertionError("the program did not end with an error")


def _run(recorded: Run, loaded: Project, *, preview: bool, refused: Mapping[str, str], **options: Any) -> None:
    monitor = _Monitor(recorded, None if preview else _CLOUD, refused)
    runner.run_with(monitor, loaded, preview=preview, **options)


class _Refused(grpc.RpcError):  # type: ignore[misc]  # grpc has no types
    """What the engine answers when a provider's function fails."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        return str(self)


class _Monitor(runner.Monitor):
    """Keeps the messages of the engine's protocol."""

    def __init__(self, recorded: Run, cloud: PreviewCloud | None, refused: Mapping[str, str]) -> None:
        super().__init__(cloud)
        self._recorded, self._refused = recorded, refused

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  names of the engine's protocol
        response = super().RegisterResource(request)
        if request.type != runner.STACK:
            self._record(response, request)
        return response

    def _record(self, response: Any, request: Any) -> None:
        dependencies = frozenset(request.dependencies)
        of_inputs = {used for inputs in request.propertyDependencies.values() for used in inputs.urns}
        self._recorded.resources[response.urn] = Resource(
            urn=response.urn,
            id=response.id,
            type=request.type,
            name=request.name,
            custom=request.custom,
            parent=request.parent,
            provider=request.provider.rpartition("::")[0],
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
            dependencies=dependencies,
            explicit=dependencies - of_inputs,
            aliases=(*request.aliasURNs, *map(str, request.aliases)),
            inputs=_inputs(request),
        )

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802
        outputs = _read(request.outputs)
        if request.urn.split("::")[2] == runner.STACK:
            self._recorded.outputs.update(outputs)
        else:
            self._recorded.component_outputs[request.urn] = outputs
        return super().RegisterResourceOutputs(request)

    def look_up(self, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        lookup = f"{token} {' '.join(map(str, arguments.values()))}"
        self._recorded.lookups.append(lookup)
        if lookup in self._refused:
            raise _Refused(self._refused[lookup])
        # Known in a preview too.
        return _CLOUD.look_up(token, arguments)


def _inputs(request: Any) -> dict[str, Any]:
    inputs = _read(request.object)
    if request.type == "aws:ssm/parameter:Parameter" and inputs["type"] == "String":
        # The SDK makes a secret of each parameter's value; AWS keeps that of a String in clear all the same.
        inputs["value"] = inputs["value"].value
    return inputs


def _read(properties: Any) -> dict[str, Any]:
    return {name: _value(value) for name, value in rpc.deserialize_properties(properties, keep_unknowns=True).items()}


def _value(value: Any) -> Any:
    """Undo what the wire does to values, and mark secrets and unknown values."""
    if isinstance(value, pulumi.output.Unknown):
        return UNKNOWN
    if isinstance(value, pulumi.AssetArchive):
        return {path: asset.path for path, asset in value.assets.items() if isinstance(asset, pulumi.FileAsset)}
    if rpc.is_rpc_secret(value):
        return Secret(_value(rpc.unwrap_rpc_secret(value)))
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item) for item in value]
    return runner.plain(value)
