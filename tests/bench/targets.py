"""What each figure should come to, from the project's own list, in the order in which it matters to a village."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """What is counted; the bound that has to be kept, and the one that would please."""

    name: str
    what: str
    at_least: float | None = None
    aim: float | None = None
    more_is_better: bool = False

    def verdict(self, value: float) -> str:
        if self.at_least is None or self.aim is None:
            return "no target"
        if self._keeps(value, self.aim):
            return "aim met"
        return "met" if self._keeps(value, self.at_least) else "MISSED"

    def _keeps(self, value: float, bound: float) -> bool:
        return value >= bound if self.more_is_better else value <= bound


TARGETS = (
    Target("notice_600_s", "a notice to the 600 people of a village, ordered until every state is on the disk"),
    Target("modem_line_busy", "share of the time one modem line is busy", 98, 99.5, more_is_better=True),
    Target("reply_p99_ms_slow_disk", "a reply to a villager, arrival → durable, p99, every fsync 20 ms late", 250, 100),
    Target("ballot_p99_ms_slow_disk", "a ballot, arrival → durable, p99, every fsync 20 ms late", 250, 100),
    Target("waiting_10000_vs_100_mb", "10,000 waiting messages instead of 100: memory", 10, 1),
    Target("waiting_10000_vs_100_dispatch", "10,000 waiting messages instead of 100: first dispatch", 1.2, 1.05),
    Target("disk_bytes_per_message", "disk bytes per message sent", 2000, 1000),
    Target("fsyncs_per_message", "fsyncs per message sent", 0.1, 0.05),
    Target("notice_vs_kannel_spool", "a notice, end to end, against Kannel with its spool", 1.0, 1.65, True),
    Target("ballot_vs_kannel_spool", "keyword → durable ballot → reply, against Kannel", 1.5, 2.5, True),
    Target("sync_vs_morango", "10,000 records synchronised, against morango", 30, 50, True),
    Target("bytes_vs_morango", "bytes per record until durably acknowledged, against morango", 0.5, 0.3),
    Target("idle_exchange_bytes", "an exchange with nothing to say, above TLS", 2000, 1000),
    Target("idle_pss_mb", "idle server after a minute, PSS of the whole process tree", 65, 55),
    Target("cold_start_s", "exec → first public page", 1.0, 0.5),
    Target("public_page_bytes", "public page, everything the first view loads, compressed", 14_000, 8_000),
)
