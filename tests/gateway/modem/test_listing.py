"""When the SIM is listed anew."""

from __future__ import annotations

from gateway.transports.modem_listing import GAP_MS, HOURLY_MS, IDLE_MS, LATEST_MS, QUIET_MS, Listing


def _listed_at_0() -> Listing:
    listing = Listing()
    listing.listed(0)
    return listing


def test_nothing_came_and_it_is_listed_once_an_hour() -> None:
    listing = _listed_at_0()
    assert not listing.due(HOURLY_MS - 1)
    assert listing.due(HOURLY_MS)


def test_after_a_text_it_waits_for_its_neighbours() -> None:
    listing = _listed_at_0()
    listing.came(GAP_MS)
    listing.came(GAP_MS + 1_000)
    assert not listing.due(GAP_MS + 1_000 + QUIET_MS - 1)
    assert listing.due(GAP_MS + 1_000 + QUIET_MS)


def test_two_listings_are_minutes_apart() -> None:
    listing = _listed_at_0()
    listing.came(0)
    assert not listing.due(GAP_MS - 1)
    assert listing.due(GAP_MS)
    listing.listed(GAP_MS)
    assert not listing.due(2 * GAP_MS)


def test_it_waits_for_the_report_of_what_was_just_sent_but_not_for_ever() -> None:
    listing = _listed_at_0()
    listing.came(0)
    for now_ms in range(0, LATEST_MS, IDLE_MS // 2):
        listing.used(now_ms)
        assert not listing.due(now_ms)
    listing.used(LATEST_MS)
    assert listing.due(LATEST_MS)
