"""What a package's copyright file says is what a document says of its licence: no more, and nothing guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from imagebake.packages import copyright as copyrights
from imagebake.packages.copyright import Licence

HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: tiny\n"
SPDX = get_spdx_licensing()


def file(*names: str) -> str:
    parts = [f"Files: part{number}/*\nCopyright: 2026 A\nLicense: {name}\n" for number, name in enumerate(names)]
    return "\n".join([HEAD, *parts, "License: GPL-2+\n A text that belongs to no file of its own.\n"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Expat", "MIT"),
        ("expat\n The text follows,\n .\n in lines.", "MIT"),
        ("Zlib", "Zlib"),
        ("GPL-2+", "GPL-2.0-or-later"),
        ("GPL-2", "GPL-2.0-only"),
        ("GPL-3.0+", "GPL-3.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("LGPLv3+", "LGPL-3.0-or-later"),
        ("AGPL-3", "AGPL-3.0-only"),
        ("GPL-2+ or Artistic", "GPL-2.0-or-later OR Artistic-1.0-Perl"),
        ("Expat and BSD-3-clause or Zlib", "MIT AND BSD-3-Clause OR Zlib"),
        ("GPL-2+ or Expat, and Zlib", "(GPL-2.0-or-later OR MIT) AND Zlib"),
        ("GPL-2+ and Expat, or Zlib", "GPL-2.0-or-later AND MIT OR Zlib"),
        ("GPL-2+ with Libtool exception", "GPL-2.0-or-later WITH Libtool-exception"),
    ],
)
def test_names_that_map_become_spdx(name: str, expected: str) -> None:
    found = copyrights.read(file(name), "tiny")
    assert found == Licence(expected)
    assert SPDX.validate(expected).errors == []


def test_all_files_count_and_each_licence_once() -> None:
    found = copyrights.read(file("Expat", "Zlib and Expat", "GPL-2 or Expat", "Expat"), "tiny")
    assert found.expression == "MIT AND Zlib AND (GPL-2.0-only OR MIT)"


def test_a_name_that_only_the_file_explains_becomes_a_reference() -> None:
    found = copyrights.read(file("public-domain", "GPL-2+ with Tiny exception", "GPL-4+", "LGPL-1.2"), "li+b")
    assert found.expression == (
        "LicenseRef-li-b-public-domain AND LicenseRef-li-b-GPL-2-or-later-with-Tiny-exception"
        " AND LicenseRef-li-b-GPL-4-or-later AND LicenseRef-li-b-LGPL-1.2"
    )
    assert found.references["LicenseRef-li-b-GPL-2-or-later-with-Tiny-exception"] == "GPL-2+ with Tiny exception"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "This is free software, under the GNU General Public License version 2.\n",
        HEAD,
        file(""),
        file("Expat", ","),
        file("Expat or"),
        HEAD + "\n continues nothing\n",
    ],
)
def test_what_is_not_said_is_not_asserted(text: str) -> None:
    assert copyrights.read(text, "tiny") == Licence()


@given(st.text(max_size=200) | st.text("ab+ ,.()-", max_size=60) | st.text(" ,", max_size=9).map(" and ".join))
def test_any_text_gives_a_valid_expression_or_none(text: str) -> None:
    for whole in (text, file(text.replace("\n", " "))):
        found = copyrights.read(whole, "tiny")
        if found.expression:
            parsed = SPDX.parse(found.expression)
            unknown = {key for key in SPDX.unknown_license_keys(parsed) if key not in found.references}
            assert not unknown
        assert all(key in found.expression for key in found.references)
