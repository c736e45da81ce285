"""Releases that run and are not well, on real engines: each is refused in words of its own, and the old one answers."""

import pytest

from sealpress.problems import Exit, Problem
from tests.engine.perlsite import SERVER, seal
from tests.engine.test_shipping_faults import Site, site

__all__ = ["site"]  # the fixture


def at(path: str, act: str) -> str:
    """A server that does this where it is asked for that path."""
    return SERVER.replace("print $client", f"if (defined $path && $path eq '{path}') {{ {act} }}\n    print $client", 1)


UNWELL = {
    "500": (at("/healthz", "$status = '500 Unwell'"), "GET /healthz: status 500, expected 200 or 204"),
    "slow": (at("/healthz", "sleep 8"), "GET /healthz: no answer in time"),
    "hangs": (SERVER.replace("next if fork;", "sleep 60;"), "GET /.well-known/release: no answer in time"),
    "another": (at("/.well-known/release", r'$body = "sha256:0\n"'), 'answered "sha256:0", expected "sha256:'),
}


@pytest.mark.parametrize("site", ["docker", "podman"], indirect=True)
def test_a_release_that_is_not_well_is_refused_in_its_words_and_the_old_one_answers(site: Site) -> None:
    before = site.run("ps", "--all", "--no-trunc", "--quiet"), site.run("images", "--no-trunc", "--quiet")
    with site.asked() as seen:
        for name, (server, words) in UNWELL.items():
            with pytest.raises(Problem) as caught:
                site.publish(seal({"index.html": name}, server=server), timeout=1)
            assert "did not become healthy in 1 s: " in caught.value.message
            assert (caught.value.code, words in caught.value.message) == (Exit.RELEASE, True)
            assert caught.value.said == ("serving",)
    assert seen == {"one"}
    after = site.run("ps", "--all", "--no-trunc", "--quiet"), site.run("images", "--no-trunc", "--quiet")
    assert after == before
