"""The geometry of the few drawings a page has: where a line runs, where its name stands.

Numbers in, numbers out; the SVG itself is in `templates/macros.html`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 460, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 84, 22, 36
_LINE_HEIGHT = 21
"""Two names nearer than this would run into each other."""

DASHES = ("", "9 6", "2 5", "14 4 3 4", "5 3", "1 7")


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    points: str
    dash: str
    tone: int
    end_x: float
    end_y: float
    name_y: float


def lines(named: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> list[Line]:
    """Lines over the unit square, as steps: a share that was reached stays reached until the next point."""
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    drawn = []
    for index, (name, points) in enumerate(named):
        placed = [(_LEFT + _unit(x) * across, _TOP + (1 - _unit(y)) * down) for x, y in points] or [
            (_LEFT, _TOP + down)
        ]
        drawn.append((name, index, placed))
    names_y = _spread([placed[-1][1] for _, _, placed in drawn])
    return [
        Line(
            name=name,
            points=" ".join(f"{x:.1f},{y:.1f}" for x, y in placed),
            dash=DASHES[index % len(DASHES)],
            tone=index % 2,
            end_x=round(placed[-1][0], 1),
            end_y=round(placed[-1][1], 1),
            name_y=round(names_y[index], 1),
        )
        for index, (name, _, placed) in enumerate(drawn)
    ]


def _spread(wanted: Sequence[float]) -> list[float]:
    """Positions as near as possible to `wanted`, none closer than a line of text, none outside the drawing."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    lowest = float(_TOP)
    for index in order:
        placed[index] = lowest = max(wanted[index], lowest)
        lowest += _LINE_HEIGHT
    highest = float(HEIGHT - _BOTTOM)
    for index in reversed(order):
        placed[index] = min(placed[index], highest)
        highest = placed[index] - _LINE_HEIGHT
    return placed


def _unit(value: float) -> float:
    return min(1.0, max(0.0, value))


@dataclass(frozen=True, slots=True)
class Segment:
    kind: str
    left: float
    width: float


def segments(parts: Sequence[tuple[int, str, str]], whole: int) -> list[Segment]:
    """Percentages of a bar, from left to right; what is over the whole is cut off."""
    left = 0.0
    cut = []
    for count, kind, _ in parts:
        width = min(100.0 * count / whole, 100.0 - left) if whole > 0 else 0.0
        cut.append(Segment(kind, round(left, 2), round(width, 2)))
        left += width
    return cut


def percent(count: int, whole: int) -> float:
    return round(min(100.0, 100.0 * count / whole), 2) if whole > 0 else 0.0
