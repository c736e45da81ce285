"""The login that docker login keeps is found, and no other; what can't be read is told without the secret."""

import base64
import json
from pathlib import Path

import pytest

from imagebake.registry.credentials import Login, config_file, login
from sealpress.problems import Exit, Problem

ADDRESS = "registry.example.org:5000"


def write(folder: Path, config: object) -> Path:
    file = folder / "config.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config), encoding="utf-8")
    return file


def auth(text: str) -> dict[str, str]:
    return {"auth": base64.b64encode(text.encode()).decode()}


def helper(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_file_is_where_docker_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("DOCKER_CONFIG", "/x")
    assert config_file() == Path("/x/config.json")
    monkeypatch.delenv("DOCKER_CONFIG")
    assert config_file() == Path("/home/ada/.docker/config.json")


@pytest.mark.parametrize(
    "config",
    [
        {"auths": {ADDRESS: auth("ada:se:cret")}},
        {"auths": {f"https://{ADDRESS}/v2/": auth("ada:se:cret")}},
        {"auths": {ADDRESS: {"username": "ada", "password": "se:cret"}}},
    ],
)
def test_a_kept_login_is_found(config: object, tmp_path: Path) -> None:
    found = login(ADDRESS, write(tmp_path, config))
    assert found == Login("ada", "se:cret")
    assert "cret" not in repr(found)
    assert found.basic == "Basic " + base64.b64encode(b"ada:se:cret").decode()


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"auths": {}},
        {"auths": {ADDRESS: {}}},
        {"auths": {"registry.example.org": auth("ada:secret")}},  # another port is somebody else
        {"auths": {"other.example.org:5000": auth("ada:secret")}},
        {"auths": {f"evil.example.org/{ADDRESS}": auth("ada:secret")}},
    ],
)
def test_nobody_else_s_login_is_taken(config: object, tmp_path: Path) -> None:
    assert login(ADDRESS, write(tmp_path, config)) is None


def test_without_the_file_there_is_no_login(tmp_path: Path) -> None:
    assert login(ADDRESS, tmp_path / "none" / "config.json") is None


def test_an_identity_token_is_one(tmp_path: Path) -> None:
    entry = {**auth("00000000:x"), "identitytoken": "tok"}
    assert login(ADDRESS, write(tmp_path, {"auths": {ADDRESS: entry}})) == Login(identity_token="tok")


@pytest.mark.parametrize(
    "config",
    [
        "no json",
        "[]",
        "[" * 100_000,
        json.dumps({"auths": {ADDRESS: {"auth": "*"}}}),
        json.dumps({"auths": {ADDRESS: auth("no-colon-secret")}}),
        json.dumps({"credsStore": "../evil"}),
        json.dumps({"credHelpers": {ADDRESS: "a/b"}}),
        json.dumps({"credsStore": "which-nobody-has"}),
    ],
)
def test_a_file_that_can_t_be_read_is_told(config: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        login(ADDRESS, write(tmp_path, config))
    assert caught.value.code is Exit.MACHINE
    assert "secret" not in str(caught.value)


def test_a_helper_gets_the_name_on_its_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'read name; [ "$1" = get ] && echo "{\\"Username\\":\\"ada\\",\\"Secret\\":\\"of $name\\"}"'
    helper(tmp_path, "test", script, monkeypatch)
    assert login(ADDRESS, write(tmp_path, {"credsStore": "test"})) == Login("ada", f"of {ADDRESS}")
    others = {"credHelpers": {ADDRESS: "test"}, "credsStore": "which-nobody-has"}
    assert login(ADDRESS, write(tmp_path, others)) == Login("ada", f"of {ADDRESS}")


def test_a_helper_may_have_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, "test", "echo credentials not found in native keychain; exit 1", monkeypatch)
    assert login(ADDRESS, write(tmp_path, {"credsStore": "test"})) is None


def test_a_helper_s_token_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, "test", """echo '{"Username":"<token>","Secret":"tok"}'""", monkeypatch)
    assert login(ADDRESS, write(tmp_path, {"credsStore": "test"})) == Login(identity_token="tok")


@pytest.mark.parametrize("script", ["echo locked >&2; exit 1", "echo nothing", "echo '{}'", "echo '[]'"])
def test_a_helper_that_fails_is_told(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(tmp_path, "test", script, monkeypatch)
    with pytest.raises(Problem, match="docker-credential-test") as caught:
        login(ADDRESS, write(tmp_path, {"credsStore": "test"}))
    assert caught.value.code is Exit.MACHINE
