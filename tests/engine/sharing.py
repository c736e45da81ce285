"""What is shared beside a site behind a real edge: a part of the scenario of test_publish_command.py."""

import http.client
import json
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

from tests.engine.commands import git, publish
from tests.engine.machine import Machine

NAME = "command.example"
DRAFT = "---\ntitle: Secret plans\ndraft: true\n---\nNot yet.\n"


@dataclass
class Shared:
    """`addresses` by the names of the shares."""

    blog: Path
    machine: Machine
    addresses: dict[str, str] = field(default_factory=dict)

    def until_it_ends(self) -> None:
        self.is_seen_by_who_has_the_address_alone()
        self.ends_by_itself()
        self.outlives_a_publish_and_keeps_its_address()
        assert publish(self.blog, "share", "--end", "--to", "edge")[0] == 0
        (path,) = (urlsplit(one).path for one in self.addresses.values())
        assert self.ask(path)[0] == 404
        assert self.containers() == []
        assert "plans-of-mine" not in self.machine.run("docker", "images")

    def is_seen_by_who_has_the_address_alone(self) -> None:
        git(self.blog, "switch", "-q", "-c", "plans/of;mine")
        (self.blog / "content/plans.md").write_text(DRAFT)
        (self.blog / "content/index.md").write_text("---\ntitle: Hello\n---\nPlanned.\n")
        git(self.blog, "add", ".")
        git(self.blog, "commit", "-q", "-m", "Plans")
        git(self.blog, "switch", "-q", "-")
        told = self.share("plans/of;mine", "--drafts")
        assert (told["name"], told["what"]) == ("plans-of-mine-with-drafts", "branch plans/of;mine, with drafts")
        path = urlsplit(told["address"]).path
        assert told["address"].startswith(f"https://{NAME}/_share/")
        assert self.live()
        # Without it, a reader sees nothing of it: neither by another address, nor by another cookie or name.
        wrong = path.replace(path[9:12], "000") if path[9:12] != "000" else path.replace("000", "111")
        for asked, cookie in (
            ("/plans/", ""),
            (wrong, ""),
            ("/_share/", ""),
            ("/plans/", f"sealpress-share={wrong[8:-1]}"),
            ("/plans/", f"sealpress-share={path[8:-2]}"),
            ("/plans/", f"x-sealpress-share={path[8:-1]}"),
        ):
            status, headers, _ = self.ask(asked, cookie)
            assert (status, headers["Set-Cookie"], headers["X-Robots-Tag"]) == (404, None, None), asked
        status, headers, _ = self.ask(path, name="other.example")
        assert (status, headers["Set-Cookie"]) == (404, None)
        # With it, all of the site is there, and told to nobody else.
        cookie = self.opened(path)
        status, headers, body = self.ask("/plans/", f"a=b; {cookie}; c=d")
        assert (status, b"Not yet." in body) == (200, True)
        assert (headers["X-Robots-Tag"], headers["Cache-Control"]) == ("noindex, nofollow", "private, no-store")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert b"Planned." in self.ask("/", cookie)[2]
        assert self.ask("/nowhere", cookie)[0] == 404
        status, headers, _ = self.ask("/_share/", cookie)
        assert (status, headers["Location"], "sealpress-share=;" in headers["Set-Cookie"]) == (302, "/", True)
        assert self.live()
        status, _, headers = self.told("status", "edge", "--json")
        assert [(one["name"], one["commit"]) for one in status["shares"]] == [(told["name"], told["commit"])]
        assert len(status["releases"]) == 1
        assert path[8:-1] not in json.dumps(status) + headers
        code, out, _ = publish(self.blog, "log", "edge")
        assert (code, "branch plans/of;mine, with drafts, until " in out, path[8:-1] in out) == (0, True, False)
        everything = self.machine.run("sh", "-c", "docker inspect $(docker ps -aq)")
        assert path[8:-1] not in everything

    def ends_by_itself(self) -> None:
        (self.blog / "content/index.md").write_text("---\ntitle: Hello\n---\nDirty.\n")
        told = self.share("--dirty", "--for", "8s")
        git(self.blog, "checkout", "-q", "content/index.md")
        path = urlsplit(self.addresses.pop(told["name"])).path
        cookie = self.opened(path)
        assert b"Dirty." in self.ask("/", cookie)[2]
        until = time.strptime(told["until"], "%Y-%m-%dT%H:%M:%SZ")
        while time.gmtime() < until:
            time.sleep(0.1)
        # Nobody has come to clear it away: the host's own clock ends it.
        assert self.ask(path)[0] == 404
        assert b"First." in self.ask("/", cookie)[2]
        assert len(self.containers()) == 2
        (listed, _, _) = self.told("share", "--list", "--to", "edge", "--json")
        assert {one["name"]: one["address"] for one in listed["shares"]} == self.addresses

    def outlives_a_publish_and_keeps_its_address(self) -> None:
        (self.blog / "content/index.md").write_text("---\ntitle: Hello\n---\nFirst. Of all.\n")
        git(self.blog, "commit", "-q", "-a", "-m", "Edited")
        code, _, err = publish(self.blog, "edge", "--no-sign")
        assert (code, "the share the-working-tree has run out, and is gone" in err) == (0, True), err
        assert len(self.containers()) == 1
        assert "the-working-tree" not in self.machine.run("docker", "images")
        (path,) = (urlsplit(one).path for one in self.addresses.values())
        assert b"Planned." in self.ask("/", self.opened(path))[2]
        git(self.blog, "switch", "-q", "plans/of;mine")
        (self.blog / "content/index.md").write_text("---\ntitle: Hello\n---\nPlanned anew.\n")
        git(self.blog, "commit", "-q", "-a", "-m", "More")
        again = self.share("--drafts")
        git(self.blog, "switch", "-q", "-")
        assert again["address"] == self.addresses[again["name"]]
        assert b"Planned anew." in self.ask("/", self.opened(path))[2]
        assert self.live()
        assert len(self.containers()) == 1

    def share(self, *arguments: str) -> dict:
        told, _, _ = self.told("share", *arguments, "--to", "edge", "--json")
        self.addresses.setdefault(told["name"], told["address"])
        return told

    def told(self, *arguments: str) -> tuple[dict, str, str]:
        code, out, err = publish(self.blog, *arguments)
        assert code == 0, err
        return json.loads(out), out, err

    def opened(self, path: str) -> str:
        """The cookie that the address gives."""
        status, headers, _ = self.ask(path)
        assert (status, headers["Location"], headers["Cache-Control"]) == (302, "/", "private, no-store")
        (cookie,) = SimpleCookie(headers["Set-Cookie"]).values()
        assert (cookie["httponly"], cookie["secure"], cookie["samesite"], cookie["path"]) == (True, True, "Lax", "/")
        assert cookie["expires"]
        return f"{cookie.key}={cookie.value}"

    def live(self) -> bool:
        status, headers, body = self.ask("/")
        return (status, b"First." in body, headers["X-Robots-Tag"]) == (200, True, None)

    def ask(self, path: str, cookie: str = "", name: str = NAME) -> tuple[int, http.client.HTTPMessage, bytes]:
        with closing(http.client.HTTPConnection(self.machine.address, 8081, timeout=10)) as connection:
            connection.request("GET", path, headers={"Host": name} | ({"Cookie": cookie} if cookie else {}))
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()

    def containers(self) -> list[str]:
        ours = ("--filter", "label=org.sealpress.role=shared")
        return self.machine.run("docker", "ps", "--all", "--quiet", *ours).split()
