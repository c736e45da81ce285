"""`publish share` where nothing can be shared: one message, and what to do."""

import json

import pytest


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            (),
            2,
            'error: here has no edge, which a share needs: it lets in who has the secret\nhint: edge = "caddy" for',
        ),
        (("--for", "8x"), 2, '"8x" is no time up to 90d: write 30min, 12h or 7d'),
        (("--for", "91d"), 2, "is no time up to 90d"),
        (("--for", "0s"), 2, "is no time up to 90d"),
        (("main", "--dirty"), 2, "error: a branch and --dirty are two things to share"),
        (("--drafts",), 2, "error: --drafts is for sites that ssg builds"),
        (("--list", "main"), 2, "error: --list and --end share nothing"),
        (("--list", "--end", "x"), 2, "error: --list and --end share nothing"),
        (("--end",), 2, "error: nothing is shared\n"),
        (("--end", "all"), 2, "error: nothing is shared\n"),
        (("--to", "nowhere"), 2, 'error: site.toml: there is no target "nowhere"'),
        (("nowhere",), 2, 'error: there is no commit "nowhere" in this repository'),
        (("--", "--help"), 2, 'error: there is no commit "--help" in this repository'),
    ],
)
def test_a_mistake_is_answered_with_what_to_do(blog, publish, arguments, code, said):
    ended, _, err = publish("share", *arguments)
    assert (ended, said in err, "Traceback" in err) == (code, True, False), err


def test_nothing_is_shared_until_something_is(blog, publish):
    assert publish("share", "--list")[:2] == (0, "nothing is shared\n")
    assert json.loads(publish("share", "--list", "--json")[1]) == {"target": "here", "shares": []}
    publish()
    assert json.loads(publish("status", "--json")[1])["shares"] == []
