"""An image that is no site's, in real engines: its program, its users, its volume."""

import contextlib
import json

import pytest
from docker import APIClient

from imagebake.recipes.recipe import Image
from tests import keeper
from tests.imagebake.conftest import HERE


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    return keeper.image(tmp_path_factory.mktemp("wheels"), keeper.lock(HERE))


@pytest.fixture
def client(place, image):
    """An engine that has loaded the image; nothing of it is left afterwards."""
    with contextlib.closing(APIClient(f"unix://{place.socket}", version="auto", timeout=60)) as client:
        said = list(client.load_image(image.archive(image.reference)))
        assert not [line for line in said if "error" in line], said
        yield client
        client.remove_image(image.reference, force=True)


def run(client: APIClient, reference: str, *arguments: str, binds: list[str] | None = None) -> dict:
    """What the program found, run as `publish` runs one: read-only and without rights."""
    host = client.create_host_config(
        read_only=True, cap_drop=["ALL"], security_opt=["no-new-privileges"], tmpfs={"/tmp": ""}, binds=binds or []
    )
    made = client.create_container(reference, command=list(arguments), host_config=host, name="keeper")
    try:
        client.start(made["Id"])
        ended = client.wait(made["Id"], timeout=60)
        said = client.logs(made["Id"], stdout=True, stderr=True).decode()
        assert ended["StatusCode"] == 0, said
        return json.loads(said)
    finally:
        client.remove_container(made["Id"], v=True, force=True)


def test_its_program_finds_all_that_the_recipe_gives_it(client: APIClient, image: Image) -> None:
    keeper.check(run(client, image.reference))


def test_its_volume_belongs_to_its_user_and_lasts(client: APIClient, image: Image) -> None:
    """The engine makes a new volume as the image's folder is: of user 1000, closed to others."""
    client.create_volume("diary")
    try:
        for times in (1, 2):
            found = run(client, image.reference, "--volume", binds=["diary:/db"])
            assert found.pop("volume") == ["0o40700", 1000, "dear\n" * times]
            keeper.check(found)
    finally:
        client.remove_volume("diary")
