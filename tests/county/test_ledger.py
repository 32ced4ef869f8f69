"""The contract of a ledger, on the county's own in SQLAlchemy; and the bridge it stands on."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import insert, select

from sync.record import START
from tests.sync.ledger_contract import *  # noqa: F403
from tests.sync.samples import COUNTY, VILLAGE, records
from tests.sync.test_store import county_records
from village.county import tables
from village.county.core import core, on
from village.county.ledger import CountyLedger


@pytest.fixture
def written():
    return county_records(10)


@pytest.fixture
def received():
    return records(10)


def add_village(connection, no=1, log=VILLAGE.public.log):
    connection.execute(
        insert(tables.village).values(
            no=no, name="青山村", public_key=VILLAGE.public.raw, sealing_key=VILLAGE.sealing.raw, log=log,
            certificate=b"", issued_ms=0, expires_ms=0, epoch=1, head_seq=0, head_hash=START, acked_seq=0, went_back=0,
            frozen="", groups=0, households=0, people=0, version="", waiting=0, lines=0, lines_down=0,
        )
    )  # fmt: skip


@pytest.fixture
async def own(db):
    await db.write(core(add_village))

    async def run(unit):
        return await db.write(core(lambda c: unit(CountyLedger(c, COUNTY.public.log, 1))))

    return run


async def test_a_unit_that_fails_takes_back_what_sqlalchemy_wrote(db):
    def fails(tx: sqlite3.Connection) -> None:
        with on(tx) as connection:
            add_village(connection)
        raise KeyError("the power went")

    with pytest.raises(KeyError):
        await db.write(fails)
    assert await db.read(core(lambda c: c.execute(select(tables.village)).all())) == []


async def test_sqlalchemy_never_ends_the_units_transaction(db):
    def unit(tx: sqlite3.Connection) -> bool:
        with on(tx) as connection:
            add_village(connection)
            connection.commit()
        return tx.in_transaction

    assert await db.write(unit)


async def test_a_reader_sees_what_was_kept_and_cannot_write(db):
    await db.write(core(add_village))
    names = await db.read(core(lambda c: c.execute(select(tables.village.c.name)).scalars().all()))
    assert names == ["青山村"]
    with pytest.raises(Exception, match="readonly"):
        await db.read(core(lambda c: add_village(c, 2, bytes(16))))


async def test_the_tables_are_those_the_migrations_make(db):
    def columns(tx: sqlite3.Connection) -> dict[str, list[str]]:
        return {
            name: [row["name"] for row in tx.execute(f"PRAGMA table_info({name})")] for name in tables.metadata.tables
        }

    made = await db.read(columns)
    assert made == {name: [column.name for column in table.columns] for name, table in tables.metadata.tables.items()}
