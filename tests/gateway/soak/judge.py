"""What must be true after the day, read from the village's file and, as an independent witness, from the carrier's."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.failures import Trouble
from gateway.message import FINAL, MOVES, RANK, Priority, State
from gateway.simulated.dice import Dice
from tests.gateway.soak.life import BARRED, PRICE_FEN, VAULT
from tests.gateway.soak.schedule import AT_HOME, Schedule

_EXPLAINS_UNKNOWN = ("interrupted", "timeout", "no_report", "other")


@dataclass(frozen=True)
class _Text:
    reference: str
    state: str
    reported: bool

    @property
    def number(self) -> int:
        """Of the try."""
        return int(self.reference.split("-")[1])


def judge(folder: Path, plan: Schedule) -> list[str]:
    """Every way in which the day went wrong; empty: none."""
    with sqlite3.connect(folder / "village.db") as village, sqlite3.connect(folder / "carrier.db") as carrier:
        village.row_factory = carrier.row_factory = sqlite3.Row
        found = [*_wrong(folder, plan, village, carrier)]
    village.close()
    carrier.close()
    return found


def _wrong(folder: Path, plan: Schedule, village: sqlite3.Connection, carrier: sqlite3.Connection) -> Iterator[str]:
    messages = {row["reference"]: row for row in village.execute("SELECT * FROM message")}
    if len(messages) != village.execute("SELECT count(*) FROM message").fetchone()[0]:
        yield "a message is there twice"
    promised = {int(line) for line in (folder / "promised").read_text().split()}
    for k in range(len(plan.errands)):
        if f"soak/{k}" not in messages:
            yield f"message {k} was lost" + (" after it was promised" if k in promised else "")
    texts = _texts(carrier, plan)
    for reference, row in messages.items():
        errand = plan.errands[int(reference.partition("/")[2])]
        for trouble in _wrong_with(row, errand.priority, texts[row["id"]], village, asks=plan.asks):
            yield f"{reference} ({errand.priority.name}): {trouble}"
    yield from _wrong_moves(village)
    if village.execute("SELECT count(*) FROM under_way").fetchone()[0]:
        yield "a try is still under way"
    yield from _wrong_ways(folder, plan, village)
    yield from _wrong_letters(plan, village, carrier)
    yield from _wrong_money(plan, village, texts)


def _texts(carrier: sqlite3.Connection, plan: Schedule) -> dict[int, list[_Text]]:
    """What the carrier took from us, by our message."""
    dice, found = Dice(plan.seed), defaultdict(list)
    for row in carrier.execute("SELECT reference, state, report_ms FROM note WHERE mine = 0 ORDER BY id"):
        lost = dice.hits(plan.faults.lose_report, "report", row["reference"])
        reported = row["state"] in ("delivered", "failed") and not lost and row["report_ms"] is None
        found[int(row["reference"].partition("-")[0])].append(_Text(row["reference"], row["state"], reported))
    return found


def _wrong_with(
    row: sqlite3.Row, priority: Priority, texts: list[_Text], village: sqlite3.Connection, *, asks: bool
) -> Iterator[str]:
    state = State(row["state"])
    if state in (State.QUEUED, State.SENDING):
        yield f"still {state} at the end, error {row['error']}"
    alive = [text for text in texts if text.state != "failed"]
    if len(alive) > 1 and not priority.is_emergency:
        yield f"the carrier took it {len(alive)} times"
    arrived = any(text.state == "delivered" for text in texts)
    if state is State.DELIVERED and not arrived:
        yield "delivered, says our book; the carrier's does not"
    known = {number for (number,) in village.execute("SELECT number FROM taken WHERE message_id = ?", (row["id"],))}
    # whose answer we did not live to hear, and who cannot be asked: nobody can tell us
    told = [text for text in texts if asks or text.number in known]
    if state is not State.DELIVERED and any(text.state == "delivered" and text.reported for text in told):
        yield f"it arrived and was reported, and we say {state}"
    if state is State.ACCEPTED and not texts:
        yield "accepted, and the carrier has never seen it"
    # of an alarm that nobody could say anything about we may give up while an earlier try of it is still on its way
    doubted = (
        priority.is_emergency
        and village.execute(
            "SELECT 1 FROM attempt WHERE message_id = ? AND (error LIKE 'inter%' OR error LIKE 'time%')", (row["id"],)
        ).fetchone()
    )
    if (
        state in (State.FAILED, State.EXPIRED)
        and any(text.state in ("waiting", "lost") for text in texts)
        and not doubted
    ):
        yield f"{state}, and the carrier has it"
    if state is State.UNKNOWN:
        tries = village.execute(
            "SELECT error FROM attempt WHERE message_id = ? AND number = ?", (row["id"], row["attempts"])
        ).fetchone()
        if tries is None or tries[0].partition("/")[0] not in _EXPLAINS_UNKNOWN:
            yield f"unknown, and nothing says why ({tries and tries[0]})"


def _wrong_moves(village: sqlite3.Connection) -> Iterator[str]:
    last: dict[int, State] = {}
    for message_id, before, after in village.execute("SELECT message_id, before, after FROM told ORDER BY id"):
        was, now = State(before), State(after)
        known = last.get(message_id)
        if now not in MOVES[was]:
            yield f"message {message_id} went from {was} to {now}"
        if known in FINAL and RANK[now] <= RANK[known]:
            yield f"message {message_id} was {known} for good and became {now}"
        last[message_id] = now
    for message_id, state in village.execute("SELECT id, state FROM message"):
        told = last.get(message_id)
        if told is not None and told in FINAL and told != state:
            yield f"message {message_id}: the village was told {told}, the book says {state}"


def _wrong_ways(folder: Path, plan: Schedule, village: sqlite3.Connection) -> Iterator[str]:
    """A line that said never is not asked again, the other one is where it may carry it; who stays at home does."""
    seen = folder / "at_home"
    if plan.limited and seen.exists() and "second" in seen.read_text().split():
        yield "a number that stays at home went abroad"
    barred: dict[int, list[str]] = defaultdict(list)
    for message, name in village.execute(
        "SELECT a.message_id, l.name FROM attempt a JOIN lane l ON l.id = a.lane_id WHERE a.error = ?",
        (f"{Trouble.REFUSED}/{BARRED}",),
    ):
        barred[message].append(name)
    for message, names in barred.items():
        if len(set(names)) < len(names):
            yield f"message {message}: a line that had refused it for good was asked again"
    if not plan.two_lines or plan.month_fen is not None:
        return
    for message, number, kind in village.execute(
        "SELECT m.id, r.sealed, m.kind FROM message m JOIN recipient r ON r.id = m.recipient_id"
        " WHERE m.state = 'failed' AND m.error = ?",
        (f"{Trouble.REFUSED}/{BARRED}",),
    ).fetchall():
        second = not plan.limited or (kind == "notice" and VAULT.open(number) != AT_HOME)
        if set(barred[message]) != ({"first", "second"} if second else {"first"}):
            yield f"message {message} was given up before every line had refused it"


def _wrong_letters(plan: Schedule, village: sqlite3.Connection, carrier: sqlite3.Connection) -> Iterator[str]:
    kept = Counter(VAULT.open(row["text"]) for row in village.execute("SELECT text FROM inbox"))
    handed = {row["text"] for row in carrier.execute("SELECT text FROM note WHERE mine = 1 AND state = 'delivered'")}
    for letter in plan.letters:
        if letter.text in handed and kept[letter.text] != 1:
            yield f"a villager's text is kept {kept[letter.text]} times"
        if letter.text not in handed:
            yield "a villager's text never came to the village"
    if any(times > 1 for times in kept.values()):
        yield "a text of a villager is kept twice"


def _wrong_money(plan: Schedule, village: sqlite3.Connection, texts: dict[int, list[_Text]]) -> Iterator[str]:
    """Paid for is every try that a carrier has taken, and every one of which nobody knew; what the carrier, asked, has
    never seen is given back. An alarm may have been sent again before anybody could be asked: then it was not."""
    reason = "substr(error, 1, instr(error || '/', '/') - 1)"
    doubts = [word for word in _EXPLAINS_UNKNOWN if word != "no_report"]
    doubtful = village.execute(
        f"SELECT message_id, number FROM attempt WHERE {reason} IN ({', '.join('?' * len(doubts))})", doubts
    ).fetchall()
    messages = {row["id"]: row for row in village.execute("SELECT id, parts, priority, state, attempts FROM message")}
    certain = {tuple(row) for row in village.execute("SELECT message_id, number FROM taken")}
    perhaps: set[tuple[int, int]] = set()
    for message, number in doubtful:
        row = messages[message]
        settled = not (row["state"] == State.UNKNOWN and row["attempts"] == number)
        if not plan.asks or not settled or any(text.number == number for text in texts[message]):
            certain.add((message, number))
        elif Priority(row["priority"]).is_emergency:
            perhaps.add((message, number))
    least = sum(messages[message]["parts"] for message, _ in certain) * PRICE_FEN
    most = least + sum(messages[message]["parts"] for message, _ in perhaps - certain) * PRICE_FEN
    paid = village.execute("SELECT coalesce(sum(fen), 0) FROM spent").fetchone()[0]
    if not least <= paid <= most:
        yield f"paid {paid} fen where {least} to {most} were due"
