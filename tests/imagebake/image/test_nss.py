"""The users of an image are those that its recipe names, and no others."""

import pytest

from imagebake.image import nss
from imagebake.image.entries import Bytes, Directory, File
from imagebake.image.nss import User
from sealpress.problems import Exit, Problem


def texts(*users: User, services: bool = False) -> dict[str, str]:
    found = nss.entries(users, services=services) if users else nss.entries(services=services)
    return {
        one.path: one.content.data.decode() for one in found if isinstance(one, File) and type(one.content) is Bytes
    }


def test_a_site_has_the_one_user_that_nginx_runs_as() -> None:
    assert texts()["etc/passwd"].splitlines() == [
        "root:x:0:0:root:/root:/sbin/nologin",
        "nginx:x:101:101:nginx:/var/empty:/sbin/nologin",
        "nobody:x:65534:65534:nobody:/var/empty:/sbin/nologin",
    ]
    assert texts()["etc/group"].splitlines() == ["root:x:0:", "nginx:x:101:", "nogroup:x:65534:"]
    assert Directory("tmp", 0o1777) in nss.entries()


def test_a_recipe_may_have_more_than_one_user() -> None:
    found = texts(User("isso", 1000, 1000, "/db"), User("backup", 1001, 1000))
    assert found["etc/passwd"].splitlines()[1:3] == [
        "isso:x:1000:1000:isso:/db:/sbin/nologin",
        "backup:x:1001:1000:backup:/var/empty:/sbin/nologin",
    ]


def test_services_are_looked_up_where_the_image_has_them() -> None:
    assert "services: files\nprotocols: files\n" in texts(services=True)["etc/nsswitch.conf"]
    assert "services" not in texts()["etc/nsswitch.conf"]


@pytest.mark.parametrize(
    "users",
    [
        [User("root", 5, 5)],
        [User("a", 0, 5)],
        [User("a", 5, 0)],
        [User("a", 65534, 5)],
        [User("a:x:0:0", 5, 5)],
        [User("a\nb", 5, 5)],
        [User("", 5, 5)],
        [User("a", 5, 5, "/x:/y")],
        [User("a", 5, 5, "relative")],
        [User("a", 5, 5, "/../x")],
        [User("a", 5, 5), User("a", 6, 6)],
        [User("a", 5, 5), User("b", 5, 6)],
        [User("a", 5, 5), User("a", 5, 5)],
    ],
)
def test_a_user_that_is_another_one_or_no_user_is_refused(users: list[User]) -> None:
    with pytest.raises(Problem) as caught:
        nss.entries(users)
    assert caught.value.each[0].code is Exit.SITE
