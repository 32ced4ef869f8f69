"""One figure: a number with its unit and how it was come by, or no number and the reason.

Never a bare number: whoever reads it has to know what was counted, and over which window.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`how`: what was counted, in one sentence. `detail`: the single runs and the windows. `reason`: why no value."""

    name: str
    unit: str
    how: str = ""
    value: float | None = None
    reason: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.value is None) == (not self.reason):
            raise ValueError(f"{self.name}: a value, or a reason why there is none")


def spread(runs: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Of several runs: how many, and between which bounds."""
    return {
        "runs": len(runs),
        "min": round(min(runs), digits),
        "median": round(statistics.median(runs), digits),
        "max": round(max(runs), digits),
    }


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` (0–1) of all samples do not exceed."""
    ordered = sorted(samples)
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]
