"""The deployment package: the receiver's sources and nothing else, the same from every checkout."""

import hashlib
import importlib.util
import io
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pulumi
import pytest

from infra.function import deployment_package
from local.aws.deployment_package import zipped
from local.pulumi.project import FOLDER

# boto3 with what it needs: all that Lambda's Python has beside the standard library.
IN_THE_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")


def digest(folder: Path) -> str:
    """A digest of paths and contents of the package that a checkout gives."""
    hashed = hashlib.sha256()
    for path, asset in deployment_package(folder).assets.items():
        assert isinstance(asset, pulumi.FileAsset)
        content = (folder / asset.path).read_bytes()
        hashed.update(f"{path} {len(content)}\n".encode() + content)
    return hashed.hexdigest()


def checkout(folder: Path) -> Path:
    for room in ("contract", "receiver", "infra", "tests"):
        shutil.copytree(FOLDER / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def archive() -> bytes:
    return zipped(deployment_package())


def test_the_same_sources_are_the_same_package(tmp_path: Path) -> None:
    """Wherever the checkout is, whatever lies in it beside the sources: else each machine would deploy anew."""
    clean, littered = checkout(tmp_path / "clean"), checkout(tmp_path / "a" / "littered")
    for path in (
        *("receiver/__pycache__/handler.cpython-313.pyc", "contract/__pycache__/keys.cpython-311.pyc"),
        "receiver/server/host.py",
        *("receiver/handler.py.orig", "receiver/.env", "contract/notes.txt", "receiver.egg-info/PKG-INFO", ".coverage"),
    ):
        (littered / path).parent.mkdir(exist_ok=True)
        (littered / path).write_text("litter")
    here = digest(FOLDER)
    assert digest(FOLDER) == here
    assert digest(clean) == here
    assert digest(littered) == here


def test_a_changed_source_is_another_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a mended receiver would never be deployed."""
    changed = checkout(tmp_path / "changed")
    with (changed / "contract" / "drain.py").open("a") as file:
        file.write("\n")
    assert digest(changed) != digest(FOLDER)


def test_it_holds_the_receiver_and_the_contract_only(archive: bytes) -> None:
    """No tests, no server, nothing of the stack or the operator."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        names = opened.namelist()
    assert "receiver/handler.py" in names
    assert "contract/object_keys.py" in names
    for name in names:
        room, *folders, file = name.split("/")
        assert room in {"contract", "receiver"}
        assert file.endswith(".py")
        assert "server" not in folders
        assert "test" not in name


def test_it_is_small(archive: bytes) -> None:
    """A cold start unpacks it, with Logplex waiting."""
    assert len(archive) < 120_000


def test_it_needs_nothing_but_boto3(archive: bytes, tmp_path: Path) -> None:
    """In a process that has the archive, the runtime's packages and no other path."""
    task, runtime = tmp_path / "task", tmp_path / "runtime"
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        opened.extractall(task)
    runtime.mkdir()
    for name in IN_THE_RUNTIME:
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.origin
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        (runtime / source.name).symlink_to(source)
    code = (
        f"import sys; sys.path += [{str(task)!r}, {str(runtime)!r}]\n"
        "from receiver.handler import handler\n"
        "print(sys.modules[handler.__module__].__file__, 'pulumi' in sys.modules)"
    )
    # -I and -S: neither this environment nor this folder nor installed packages are on the path.
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout.strip(), result.stderr) == (f"{task / 'receiver' / 'handler.py'} False", "")
