"""Whose home folder it is: never one that hangs on the folder that a command is run in."""

import os
import pwd
from pathlib import Path

import pytest

from imagebake.fetch import cache
from imagebake.registry import credentials
from sealpress.files import home

_ACCOUNT = Path(pwd.getpwuid(os.getuid()).pw_dir)


@pytest.mark.parametrize("value", ["rel", "./rel", "..", ".", "~", "", " ", None])
def test_a_home_that_is_no_absolute_path_is_that_of_the_account(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", value)
    for name in ("SEALPRESS_STATE", "SEALPRESS_CACHE", "XDG_STATE_HOME", "XDG_CACHE_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    assert home.folder() == _ACCOUNT
    assert home.expanded("~/keys/blog") == _ACCOUNT / "keys/blog"
    assert home.state_folder() == _ACCOUNT / ".local/state/sealpress"
    assert cache.folder() == _ACCOUNT / ".cache/sealpress"
    assert credentials.config_file() == _ACCOUNT / ".docker/config.json"


@pytest.mark.parametrize("variable", ["XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"])
@pytest.mark.parametrize("value", ["rel", "./rel", "~/rel", ""])
def test_a_relative_base_folder_is_none(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    assert home.base(variable) is None
    monkeypatch.setenv(variable, "/run/somewhere")
    assert home.base(variable) == Path("/run/somewhere")


def test_an_account_without_a_home_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setenv("HOME", "rel")
    assert home.folder() is None
