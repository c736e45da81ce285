"""The embedded engine: runs a sealed image on this machine without Docker or Podman, from the image's own files.

Images are unpacked into a state folder, containers are folders beside them, and a container that runs is a process in
a session of its own that outlives the command. How a process is put into an image's root file system is the runner's
business (imagebake.nginx.runners): bubblewrap, or the image's own dynamic loader where there are no namespaces.

    STATE/images/HEX/          image.json, rootfs/
    STATE/containers/ID/       spec.json, process.json once started, log, scratch/

After a reboot nothing runs; `publish start` brings the site back. Memory limits and restarts are an engine's luxury.
"""

import fcntl
import json
import os
import platform
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from imagebake.nginx.runners import Runner
from publish.engines.embedded import processes, rootfs
from publish.engines.protocol import ARCHITECTURES, Container, ContainerSpec, Endpoint, LoadedImage, RunState
from sealpress import labels
from sealpress.config.settings import Architecture
from sealpress.files import files
from sealpress.frozen import frozen
from sealpress.problems import EngineProblem, MachineProblem, Problem

_LOG_TAIL: Final = 64 << 10  # bytes of a log that are looked at

_Kind = TypeVar("_Kind")


@frozen
class EmbeddedEngine:
    """publish.engines.protocol.ContainerEngine over folders and processes of this machine. `folder` keeps its state."""

    folder: Path
    runner: Runner

    @property
    def title(self) -> str:
        return f"the embedded runner ({self.runner.name})"

    def architecture(self) -> Architecture:
        if (told := platform.machine()) not in ARCHITECTURES:
            raise MachineProblem(f"this machine is {told}; images are for amd64 and arm64")
        return ARCHITECTURES[told]

    # Images.

    def load(self, archive: Iterable[bytes]) -> None:
        self._images.mkdir(parents=True, exist_ok=True)
        new = self._images / f".new-{secrets.token_hex(8)}"
        new.mkdir()
        try:
            rootfs.spool(archive, new / "archive.tar")
            found = rootfs.contents(new / "archive.tar")
            if found.architecture != self.architecture():
                raise EngineProblem(f"the image is for {found.architecture}, this machine is {self.architecture()}")
            rootfs.unpack(new / "archive.tar", found, new / "rootfs")
            (new / "archive.tar").unlink()
            with self._alone():
                self._take(found, new)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def image(self, reference: str) -> LoadedImage | None:
        return next((image for image in self._all_images() if reference in (image.id, *image.references)), None)

    def images(self, site: str) -> tuple[LoadedImage, ...]:
        return tuple(image for image in self._all_images() if image.labels.get(labels.SITE) == site)

    def tag(self, image_id: str, reference: str) -> None:
        with self._alone():
            self._tag(image_id, reference)

    def _tag(self, image_id: str, reference: str) -> None:
        image = self.image(image_id)
        if image is None:
            raise _refused(f"there is no image {image_id}")
        for other in self._all_images():
            if reference in other.references and other.id != image.id:
                self._rename(other, tuple(name for name in other.references if name != reference))
        self._rename(image, tuple(sorted({*image.references, reference})))

    def remove_image(self, reference: str) -> None:
        with self._alone():
            image = self.image(reference)
            if image is None:
                return
            left = tuple(name for name in image.references if name != reference)
            if left:
                self._rename(image, left)
                return
            if any(one.image_id == image.id for one in self._specs()):
                raise _refused(f"the image {reference} is in use by a container")
            shutil.rmtree(self._image_folder(image.id))

    # Containers.

    def containers(self, site: str | None = None) -> tuple[Container, ...]:
        every: list[Container] = []
        for folder in self._folders():
            with suppress(FileNotFoundError):  # another line may forget it just now
                every.append(self._container(folder))
        found = (one for one in every if labels.SITE in one.labels and site in {None, one.labels[labels.SITE]})
        return tuple(sorted(found, key=lambda one: one.name))

    def create(self, spec: ContainerSpec) -> Container:
        if len(spec.ports) != 1 or spec.environment or spec.volumes or spec.networks or spec.joins:
            raise _refused("it runs sites alone, without environment, volumes, networks or further ports")
        with self._alone():
            image = self.image(spec.reference)
            if image is None:
                raise _refused(f"there is no image {spec.reference}")
            if any(one.spec.name == spec.name for one in self._specs()):
                raise _refused(f"there already is a container {spec.name}")
            self._containers.mkdir(parents=True, exist_ok=True)
            folder = self._containers / secrets.token_hex(8)
            new = folder.with_name(f".new-{folder.name}")
            (new / "scratch").mkdir(parents=True)
            _write_json(new / "spec.json", _Stored(spec, image.id).as_data())
            new.replace(folder)
            return self._container(folder)

    def start(self, container_id: str) -> None:
        folder = self._folder(container_id)
        if self._process(folder):
            return
        stored = self._spec(folder)
        wanted = stored.publish
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        (folder / "scratch").mkdir()
        with processes.held(wanted) as port:
            command = self.runner.command(self._rootfs(folder), port, wanted.address, folder / "scratch")
            # What starts and its record are one: else a process could run that nobody knows.
            with processes.uninterrupted():
                process = processes.launch(
                    command, folder / "log", {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
                )
                _write_json(folder / "process.json", {**asdict(process), "port": port})
            if port != wanted.port:
                processes.await_listener(replace(wanted, port=port), lambda: processes.is_alive(process))

    def stop(self, container_id: str, seconds: int) -> None:
        if (folder := self._containers / container_id).is_dir():
            self._end(folder, seconds)

    def remove(self, container_id: str) -> None:
        folder = self._containers / container_id
        if not folder.is_dir():
            return
        self._end(folder, 2)
        gone = folder.with_name(f".gone-{folder.name}")
        folder.replace(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def inspect(self, container_id: str) -> Container | None:
        folder = self._containers / container_id
        return self._container(folder) if (folder / "spec.json").is_file() else None

    def logs(self, container_id: str, lines: int) -> str:
        try:
            with (self._folder(container_id) / "log").open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_TAIL))
                text = file.read(_LOG_TAIL).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        return "".join(text.splitlines(keepends=True)[-lines:])

    def endpoint(self, container_id: str, port: int) -> Endpoint | None:
        folder = self._containers / container_id
        if not (folder / "spec.json").is_file() or not self._process(folder):
            return None
        port = _read(folder / "process.json", lambda data: int(data["port"]))  # it has just one
        return Endpoint(self._spec(folder).publish.address, port)

    # What stands in the state folder.

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Lines of releases have locks of their own, and share images: their names are changed by one at a time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @property
    def _images(self) -> Path:
        return self.folder / "images"

    @property
    def _containers(self) -> Path:
        return self.folder / "containers"

    def _image_folder(self, image_id: str) -> Path:
        return self._images / image_id.removeprefix("sha256:")

    def _all_images(self) -> Iterator[LoadedImage]:
        for folder in _folders(self._images, "image.json"):
            try:
                yield _read(folder / "image.json", _image)
            except FileNotFoundError:
                continue

    def _take(self, found: rootfs.Contents, new: Path) -> None:
        """Gives a freshly unpacked image its place; its names are taken away from any other."""
        image = LoadedImage(found.id, (), found.diff_ids, found.labels)
        folder = self._image_folder(found.id)
        if not (folder / "image.json").is_file():
            _write_json(new / "image.json", _image_data(image))
            new.replace(folder)
        for reference in found.references:
            self._tag(found.id, reference)

    def _rename(self, image: LoadedImage, references: tuple[str, ...]) -> None:
        _write_json(self._image_folder(image.id) / "image.json", _image_data(replace(image, references=references)))

    def _folders(self) -> list[Path]:
        return _folders(self._containers, "spec.json")

    def _folder(self, container_id: str) -> Path:
        folder = self._containers / container_id
        if not (folder / "spec.json").is_file():
            raise _refused(f"there is no container {container_id}")
        return folder

    def _rootfs(self, folder: Path) -> Path:
        return self._image_folder(self._spec(folder).image_id) / "rootfs"

    def _spec(self, folder: Path) -> "_Stored":
        return _read(folder / "spec.json", _Stored.from_data)

    def _specs(self) -> Iterator["_Stored"]:
        for folder in self._folders():
            with suppress(FileNotFoundError):
                yield self._spec(folder)

    def _container(self, folder: Path) -> Container:
        spec = self._spec(folder).spec
        if self._process(folder):
            state = RunState.RUNNING
        else:
            state = RunState.EXITED if (folder / "process.json").is_file() else RunState.CREATED
        return Container(folder.name, spec.name, state, spec.labels, spec.reference)

    def _recorded(self, folder: Path) -> processes.Process | None:
        try:
            return _read(
                folder / "process.json",
                lambda data: processes.Process(int(data["pid"]), int(data["started"]), str(data["boot"])),
            )
        except FileNotFoundError:
            return None

    def _process(self, folder: Path) -> processes.Process | None:
        """The container's process, where it runs."""
        found = self._recorded(folder)
        return found if found and processes.is_running(found, self._rootfs(folder)) else None

    def _end(self, folder: Path, seconds: float) -> None:
        if found := self._recorded(folder):
            processes.end(found, seconds, self._rootfs(folder))


@frozen
class _Stored:
    """A container as its folder keeps it. It has one port."""

    spec: ContainerSpec
    image_id: str

    @property
    def publish(self) -> Endpoint:
        return next(iter(self.spec.ports.values()))

    def as_data(self) -> dict[str, object]:
        spec = self.spec
        return {
            "name": spec.name,
            "reference": spec.reference,
            "port": next(iter(spec.ports)),
            "publish": [self.publish.address, self.publish.port],
            "labels": dict(spec.labels),
            "memory": spec.memory,
            "restart": spec.restart,
            "image_id": self.image_id,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "_Stored":
        address, port = data["publish"]
        spec = ContainerSpec(
            name=data["name"],
            reference=data["reference"],
            ports=MappingProxyType({data["port"]: Endpoint(address, port)}),
            labels=MappingProxyType(dict(data["labels"])),
            memory=data["memory"],
            restart=data["restart"],
        )
        return cls(spec, data["image_id"])


def _image(data: Mapping[str, Any]) -> LoadedImage:
    labels = MappingProxyType(dict(data["labels"]))
    return LoadedImage(data["id"], tuple(data["references"]), tuple(data["diff_ids"]), labels)


def _image_data(image: LoadedImage) -> dict[str, object]:
    return {
        "id": image.id,
        "references": list(image.references),
        "diff_ids": list(image.diff_ids),
        "labels": dict(image.labels),
    }


def _folders(parent: Path, marker: str) -> list[Path]:
    """The folders that are whole, sorted; half-made and half-removed ones begin with a dot."""
    with suppress(FileNotFoundError):
        found = sorted(folder for folder in parent.iterdir() if not folder.name.startswith("."))
        return [folder for folder in found if (folder / marker).is_file()]
    return []


def _read(path: Path, made: Callable[[Any], _Kind]) -> _Kind:
    """What a record stands for. Raises Problem (exit 9) for one of another shape, and FileNotFoundError."""
    try:
        return made(json.loads(path.read_bytes()))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise MachineProblem(f"{path} is broken", hint=f"remove {path.parent} and publish again") from None


def _write_json(path: Path, data: Mapping[str, object]) -> None:
    files.save(path, (json.dumps(data, indent=1, sort_keys=True) + "\n").encode())


def _refused(reason: str) -> Problem:
    return EngineProblem(f"the embedded runner refused: {reason}")
