"""The gateway with one of its safeguards taken out: a soak that does not notice is worth nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest import mock

from gateway import money_store, posting, queue_store, refusals_store, store, tries_store, verdict
from gateway.inbox import Inbox
from gateway.message import State
from gateway.verdict import Standing, Verdict


@contextlib.contextmanager
def attempt_not_written() -> Iterator[None]:
    """The try is not on the disk before the carrier is called."""
    real = tries_store.take

    def take(tx, claims, lane_id, now_ms):  # type: ignore[no-untyped-def]
        real(tx, claims, lane_id, now_ms)
        tx.execute("DELETE FROM under_way")

    with mock.patch.object(tries_store, "take", take):
        yield


@contextlib.contextmanager
def unknown_sent_again() -> Iterator[None]:
    """What a power cut left under way goes back into the queue."""

    def after_interruption(standing: Standing, *, heard: bool) -> Verdict:
        return Verdict(State.QUEUED, standing.tries + 1, standing.due_ms, "interrupted")

    with mock.patch.object(posting, "after_interruption", after_interruption):
        yield


@contextlib.contextmanager
def no_rank_guard() -> Iterator[None]:
    """A carrier's late word is believed whatever was known before."""

    def lifted(before: State, said: State) -> State:
        return said

    moves = {state: frozenset(State) for state in State}
    with (
        mock.patch.object(verdict, "lifted", lifted),
        mock.patch.object(store, "MOVES", moves),
        mock.patch.object(verdict, "MOVES", moves),
    ):
        yield


@contextlib.contextmanager
def early_reports_dropped() -> Iterator[None]:
    """A report that overtakes the answer it belongs to is thrown away."""
    with mock.patch.object(tries_store, "keep_early"):
        yield


@contextlib.contextmanager
def texts_taken_twice() -> Iterator[None]:
    """A villager's text is not recognised when it comes again."""
    real = Inbox.take

    def take(self, tx, inbound, transport):  # type: ignore[no-untyped-def]
        tx.execute("UPDATE inbox SET once_key = NULL, carrier_key = NULL")
        return real(self, tx, inbound, transport)

    with mock.patch.object(Inbox, "take", take):
        yield


@contextlib.contextmanager
def a_power_cut_is_free() -> Iterator[None]:
    """What was under way when the power went is not paid for."""
    with mock.patch.object(posting.Purse, "pay_interrupted"):
        yield


@contextlib.contextmanager
def guessed_money_lost() -> Iterator[None]:
    """What was paid before the time was known never finds its month."""
    with mock.patch.object(money_store, "shift_times"), mock.patch.object(posting.Purse, "file_rest"):
        yield


@contextlib.contextmanager
def refusals_forgotten() -> Iterator[None]:
    """A line does not remember what its carrier will never take."""
    with mock.patch.object(refusals_store, "any_refused", return_value=False):
        yield


@contextlib.contextmanager
def home_forgotten() -> Iterator[None]:
    """A number that stays at home is like any other."""
    with mock.patch.object(queue_store, "AT_HOME", "0"):
        yield


MUTATIONS = {
    "": contextlib.nullcontext,
    "attempt_not_written": attempt_not_written,
    "unknown_sent_again": unknown_sent_again,
    "no_rank_guard": no_rank_guard,
    "early_reports_dropped": early_reports_dropped,
    "texts_taken_twice": texts_taken_twice,
    "a_power_cut_is_free": a_power_cut_is_free,
    "guessed_money_lost": guessed_money_lost,
    "refusals_forgotten": refusals_forgotten,
    "home_forgotten": home_forgotten,
}
