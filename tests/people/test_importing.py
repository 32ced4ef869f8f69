"""A roster comes in whole or not at all, and comes in again without doubling or forgetting anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.outbox import Outbox
from gateway.phone import parse
from tests.people.conftest import HEADER, ROWS, BringIn
from tests.people.files import sheet
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault
from village.ground.wording import RefusalError
from village.people import optout, phones, registration, store
from village.people.draft import Village
from village.people.importing import import_roster, try_roster
from village.people.reading import check_sheets
from village.people.sheet import Cell
from village.people.store import ResidentRow
from village.sample.roster import HEADERS, cells_of, roster_rows
from village.schema import PACKAGES


async def person(db: Database, name: str) -> ResidentRow:
    (row,) = await db.read(lambda tx: store.named(tx, name))
    return row


async def test_the_first_import_adds_everybody(db: Database, bring_in: BringIn) -> None:
    imported = await bring_in()
    assert (len(imported.added), len(imported.changed), imported.unchanged) == (4, 0, 0)
    assert [(home.head, home.group_no, home.residents) for home in await db.read(store.households)] == [
        ("王德福", 3, 3),
        ("李大山", 4, 1),
    ]
    wang = await person(db, "王小军")
    assert (wang.relation, wang.marks.party, wang.marks.away, wang.marks.away_where) == ("子", True, True, "杭州")
    assert [phone.masked for phone in wang.phones] == ["199****0004", "199****0005"]


async def test_the_same_file_again_changes_nothing(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    before = await db.read(lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM roster_change")])
    again = await bring_in()
    assert (len(again.added), len(again.changed), again.unchanged) == (0, 0, 4)
    assert await db.read(lambda tx: [tuple(row) for row in tx.execute("SELECT * FROM roster_change")]) == before


async def test_a_corrected_file_updates_the_person_it_means(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    ids = {row.name: row.id for row in await db.read(store.everybody)}
    corrected = [list(row) for row in ROWS]
    corrected[1][2] = "李桂瑛"  # a name: same day, same household
    corrected[3][4] = "1951-01-02"  # a birth date: same name, same household
    corrected[0][5] = "19900000011"  # a number
    imported = await bring_in(corrected)
    assert (len(imported.added), {each.name for each in imported.changed}) == (0, {"李桂瑛", "李大山", "王德福"})
    now = {row.name: row for row in await db.read(store.everybody)}
    assert now["李桂瑛"].id == ids["李桂英"]
    assert now["李大山"].id == ids["李大山"]
    assert [phone.masked for phone in now["王德福"].phones] == ["199****0011"]


async def test_a_household_that_gets_a_new_head_stays_itself(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    before = await person(db, "李桂英")
    moved = [
        ["3组", "李桂英", "李桂英", "户主", "1960-05-06", "19900000004", None, None],
        ["3组", "李桂英", "王小军", "子", "1985-07-08", "19900000004、19900000005", "是", "杭州"],
        ROWS[3],
    ]
    imported = await bring_in(moved)
    after = await person(db, "李桂英")
    assert (after.id, after.household_id, after.household) == (before.id, before.household_id, "李桂英")
    assert [each.name for each in imported.missing] == ["王德福"]


async def test_who_marries_into_another_household_moves(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    before = await person(db, "王小军")
    moved = [*ROWS[:2], ROWS[3], ["4组", "李大山", "王小军", "女婿", "1985-07-08", "19900000005", "是", None]]
    imported = await bring_in(moved)
    after = await person(db, "王小军")
    assert (after.id, after.household, len(imported.added)) == (before.id, "李大山", 0)


async def test_who_is_missing_is_named_and_leaves_only_when_told(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    kept = await bring_in([ROWS[0], ROWS[3]])
    assert {each.name for each in kept.missing} == {"李桂英", "王小军"}
    assert len(await db.read(store.everybody)) == 4
    left = await bring_in([ROWS[0], ROWS[3]], leave_missing=True)
    assert {each.name for each in left.left} == {"李桂英", "王小军"}
    assert {row.name for row in await db.read(store.everybody)} == {"王德福", "李大山"}
    back = await bring_in()
    assert (len(back.added), len(back.changed)) == (0, 2)
    assert len(await db.read(store.everybody)) == 4


async def test_a_file_of_one_group_says_nothing_about_the_others(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    imported = await bring_in([ROWS[3]], leave_missing=True)
    assert imported.left == ()
    assert len(await db.read(store.everybody)) == 4


async def test_opt_outs_registration_and_slots_survive(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    await bring_in()
    now = clock.now_ms()
    shared = vault.fingerprint("+8619900000004")
    phone = await db.read(lambda tx: store.phone_by_fingerprint(tx, shared))
    assert phone is not None
    wang = await person(db, "王德福")
    code = await db.write(lambda tx: registration.issue(tx, vault, wang.id, by="a", at_ms=now))
    done = await db.write(lambda tx: registration.redeem(tx, vault, "+8619900000077", code, now))
    assert done.outcome == "registered"
    await db.write(lambda tx: optout.set_opted(tx, phone.id, "none", how="sms", at_ms=now))
    await db.write(lambda tx: phones.set_channel(tx, phone.id, "call", by="a", at_ms=now))
    corrected = [list(row) for row in ROWS]
    corrected[0][5] = None  # the number of the file goes, the registered one stays
    corrected[1], corrected[2] = corrected[2], corrected[1]
    await bring_in(corrected)
    again = await db.read(lambda tx: store.phone_by_fingerprint(tx, shared))
    assert again is not None
    assert (again.opted, again.channel) == ("none", "call")
    assert [(each.name, each.slot) for each in await db.read(lambda tx: store.holders(tx, phone.id))] == [
        ("李桂英", 1),
        ("王小军", 2),
    ]
    assert [each.masked for each in (await person(db, "王德福")).phones] == ["199****0077"]
    assert (await person(db, "王德福")).registered_ms == now


async def test_an_opt_out_survives_a_number_that_goes_and_comes_back(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    await bring_in()
    key = vault.fingerprint("+8619900000001")
    phone = await db.read(lambda tx: store.phone_by_fingerprint(tx, key))
    assert phone is not None
    await db.write(lambda tx: optout.set_opted(tx, phone.id, "alerts", how="sms", at_ms=clock.now_ms()))
    without = [list(row) for row in ROWS]
    without[0][5] = None
    await bring_in(without)
    assert (await person(db, "王德福")).phones == ()
    await bring_in()
    assert [each.opted for each in (await person(db, "王德福")).phones] == ["alerts"]


async def test_a_number_that_stays_at_home_does_so_over_a_new_spreadsheet(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    await bring_in()
    outbox = Outbox(vault, clock)
    (phone,) = (await person(db, "王德福")).phones
    await db.write(lambda tx: phones.set_home_only(tx, vault, outbox, phone, True, by="a", at_ms=clock.now_ms()))
    without = [list(row) for row in ROWS]
    without[0][5] = None
    await bring_in(without)
    assert (await person(db, "王德福")).phones == ()
    await bring_in()
    (again,) = (await person(db, "王德福")).phones
    assert (again.id, again.home_only) == (phone.id, True)


async def test_a_column_that_is_not_in_the_file_changes_nothing(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    imported = await bring_in([row[:4] for row in ROWS], HEADER[:4])
    assert (imported.unchanged, imported.changed) == (4, ())
    assert (await person(db, "王小军")).marks.party


async def test_an_age_never_blurs_a_known_birth_date(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    imported = await bring_in([["3组", "王德福", "王德福", "户主", "68"]], ["组", "户主", "姓名", "与户主关系", "年龄"])
    assert imported.changed == ()
    born = (await person(db, "王德福")).born
    assert born is not None
    assert born.iso() == "1958-03-04"


async def test_a_file_with_an_error_changes_nothing(db: Database, bring_in: BringIn) -> None:
    with pytest.raises(RefusalError) as refused:
        await bring_in([*ROWS, ["4组", "赵大", "赵大", "户主", "1970-02-30", "1.38E+10", None, None]])
    assert [str(reason)[:4] for reason in refused.value.reasons] == ["有2处错", "第6行：", "第6行："]
    assert await db.read(store.is_empty)


async def test_a_tenth_voter_undoes_the_whole_import(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    nine: list[list[Cell]] = [["3组", f"王{n}", f"王{n}", "户主", None, "19900000004"] for n in "一二三四五六七八九"]
    await bring_in([[*row, None, None] for row in nine])
    phone_id = await db.write(lambda tx: phones.admit(tx, vault, parse("19900000004"), clock.now_ms()))
    with pytest.raises(RefusalError, match="9个人"):
        await bring_in([ROWS[0], ["3组", "赵大", "赵大", "户主", None, "19900000004", None, None]])
    assert len(await db.read(lambda tx: store.holders(tx, phone_id))) == 9
    assert len(await db.read(store.everybody)) == 9


async def test_a_trial_says_what_would_happen_and_does_nothing(db: Database, vault: Vault, clock: MovableClock) -> None:
    checked = check_sheets([sheet([HEADER, *ROWS])], Village(date(2026, 12, 5)))
    tried = await try_roster(db, vault, checked.roster, at_ms=clock.now_ms())
    assert len(tried.added) == 4
    assert await db.read(store.is_empty)


async def test_every_household_has_one_who_speaks_for_it(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    speaking = [row.name for row in await db.read(store.everybody) if row.marks.represents_household]
    assert speaking == ["王德福", "李大山"]


def _villagers() -> list[list[Cell]]:
    return [list(row) for row in cells_of(roster_rows())[:60]]


_Edit = tuple[str, int, int]


def _edited(rows: list[list[Cell]], edits: Sequence[_Edit]) -> list[list[Cell]]:
    """Rows dropped, swapped within the file, and cells emptied or changed, as clerks do."""
    result = [list(row) for row in rows]
    for what, at, other in edits:
        if not result:
            break
        row = result[at % len(result)]
        if what == "drop" and row[4] != "户主":
            result.remove(row)
        elif what == "phone":
            row[7] = f"1990009{other:04d}"
        elif what == "no phone":
            row[7] = None
        elif what == "where":
            row[12] = "杭州"
        elif what == "born":
            row[6] = f"19{other % 90 + 10}-01-02"
    return result


_EDITS = st.lists(
    st.tuples(
        st.sampled_from(["drop", "phone", "no phone", "where", "born"]), st.integers(0, 59), st.integers(0, 9999)
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(_EDITS)
def test_importing_twice_is_importing_once(edits: list[_Edit]) -> None:
    vault = Vault(b"k" * 32)
    tx = sqlite3.connect(":memory:", isolation_level=None)
    tx.row_factory = sqlite3.Row
    migrate(tx, PACKAGES, 0)
    village = Village(date(2026, 12, 5))
    first = check_sheets([sheet([HEADERS, *_villagers()])], village)
    second = check_sheets([sheet([HEADERS, *_edited(_villagers(), edits)])], village)
    if second.errors:
        tx.close()
        return
    import_roster(tx, vault, first.roster, by="a", at_ms=1)
    people = tx.execute("SELECT count(*) FROM resident").fetchone()[0]
    import_roster(tx, vault, second.roster, by="a", at_ms=2)
    assert tx.execute("SELECT count(*) FROM resident").fetchone()[0] == people, "nobody is doubled"
    history = tx.execute("SELECT count(*) FROM roster_change").fetchone()[0]
    again = import_roster(tx, vault, second.roster, by="a", at_ms=3)
    assert (again.added, again.changed) == ((), ())
    assert tx.execute("SELECT count(*) FROM roster_change").fetchone()[0] == history
    tx.close()
