"""Tables: rows packed until they are asked for, and shared by tables that are made from one another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssg.cache import table
from ssg.cache.table import Table, since

rows = st.dictionaries(st.text(max_size=3), st.tuples(st.integers(), st.text(max_size=3)), max_size=8)


@given(rows, rows)
def test_a_table_is_its_rows_packed_or_not(old: dict[str, object], new: dict[str, object]) -> None:
    packed = Table(Table(old).packed())
    assert dict(packed) == old
    assert list((packed | new).items()) == list((old | new).items())
    assert dict(packed) == old
    assert list(packed.only(new)) == [name for name in new if name in old]
    wanted = {name: row for name, row in new.items() if name not in old or old[name] != row}
    assert since(Table(new), packed) == since(new, old) == since(packed | new, packed) == wanted


def test_rows_that_two_tables_share_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = Table(Table({"a": (1,), "b": (2,)}).packed())
    changed = packed | {"b": (3,)}
    looked: list[bytes] = []
    monkeypatch.setattr(table.marshal, "loads", looked.append)
    since(changed, packed)
    assert len(looked) == 1
