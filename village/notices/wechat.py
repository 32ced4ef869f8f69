"""A notice as a text to paste into the village's WeChat groups, and the facts its picture is drawn from.

Never speaks to WeChat: a person pastes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from village.ground.calendar import day_words, lunar_words, moment_words
from village.notices.notice import Notice
from village.notices.office import Office


@dataclass(frozen=True, slots=True)
class Poster:
    village: str
    heading: str
    """通知 17, or 更正通知 17."""
    text: str
    due: str
    signed: str
    """Who and when: 青山村村委会 12月5日周六."""
    lunar: str
    phone: str


def poster(office: Office, notice: Notice) -> Poster:
    since_ms = max(notice.start_ms, notice.version_ms)
    return Poster(
        village=office.village,
        heading=f"{'更正' if notice.corrected else ''}通知 {notice.number}",
        text="\n".join(line if line[-1] in "。！？!?，,;；:：" else f"{line}。" for line in notice.text.splitlines()),
        due=f"最晚{moment_words(notice.due_ms)}前人人要知道" if notice.due_ms is not None else "",
        signed=f"{office.village.removesuffix('村')}{notice.issuer.chinese} {day_words(since_ms)}",
        lunar=lunar_words(since_ms),
        phone=office.phone,
    )


def wechat_text(office: Office, notice: Notice) -> str:
    """What is pasted: short lines, the correction named first, no link."""
    shown = poster(office, notice)
    lines = [f"【{office.signature}】{shown.heading.replace(' ', '')}", shown.text]
    if notice.corrected:
        lines.insert(1, "前一条说错了，以这条为准。")
    if shown.due:
        lines.append(shown.due + "。")
    lines.append(f"—— {shown.signed}")
    ask = f"，有事打{office.phone}" if office.phone else ""
    lines.append(f"请转告家里老人和邻居{ask}。")
    return "\n".join(lines)
