"""Which packages bring tables into the village's file, in the order in which they may refer to one another."""

from __future__ import annotations

PACKAGES = (
    "village.ground",
    "gateway",
    "sync",
    "village.web.kit",
    "village.people",
    "village.questions",
    "village.notices",
    "village.community",
    "village.polls",
    "village.keywords",
    "village.link",
    "village.permits",
)
