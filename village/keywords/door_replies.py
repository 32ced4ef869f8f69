"""What a group's leader is answered when he ticks his door list by SMS.

Never longer than three parts, never a phone number in it: whoever reads along on his phone learns names alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.segments import count
from village.keywords.replies import Replies, Reply
from village.notices.door_words import LONGEST_PARTS, numbered_name, tick_words, unit_word
from village.notices.notice import Notice
from village.notices.tick_doors import Listed, Ticked


@dataclass(frozen=True, slots=True)
class DoorReplies:
    replies: Replies

    def ticked(self, done: Ticked) -> Reply:
        """Who was ticked, who had been told before, who is left; DOOR_OK only where somebody was ticked now."""
        notice, word = done.notice, unit_word(done.notice)
        start = f"通知{notice.number}"
        left = self._left(notice, done.left, coming=done.coming)
        numbers = self._left(notice, done.left, names=False, coming=done.coming)
        if done.now:
            start += f"记下{len(done.now)}{word}:{_names(done.now)}"
        if done.before:
            start += f"{'。' if done.now else ''}已记过:{_names(done.before)}"
        return self._fit(
            "DOOR_OK" if done.now else "DOOR_SAME",
            f"{start}。{left}",
            f"{start}。{numbers}",
            f"通知{notice.number}记下{len(done.now)}{word}。{numbers}",
            f"通知{notice.number}记下{len(done.now)}{word},还剩{len(done.left)}{word}",
        )

    def left(self, notice: Notice, left: Sequence[Listed]) -> Reply:
        """上门17: who is still to be told."""
        return self._fit(
            "DOOR_LIST",
            f"通知{notice.number}{self._left(notice, left)}",
            f"通知{notice.number}{self._left(notice, left, names=False)}",
            f"通知{notice.number}还剩{len(left)}{unit_word(notice)},名单见村委会",
        )

    def _left(self, notice: Notice, left: Sequence[Listed], *, names: bool = True, coming: int = 0) -> str:
        """`coming`: on a list that has not left yet; they are not said to be told."""
        if not left and coming:
            return f"单子上的都说到了,还有{coming}{unit_word(notice)}的单子随后发给您"
        if not left:
            return "您这一组都说到了,谢谢" if names else "都说到了"
        who = _names(left) if names else " ".join(str(one.number) for one in left)
        how = f"。说到一{unit_word(notice)}回 {tick_words(notice.number, left[0].number)}"
        return f"还剩{len(left)}{unit_word(notice)}:{who}{how if names else ''}"

    def lists(self, open_lists: Sequence[tuple[Notice, int]]) -> Reply:
        """上门, and several lists are open: which one?"""
        lines = [f"通知{notice.number}剩{left}{unit_word(notice)}" for notice, left in open_lists]
        first = tick_words(open_lists[0][0].number)
        return self.replies.fit(
            "DOOR_LIST", *[",".join(lines[:shown]) + f"。看名单回 {first}" for shown in range(len(lines), 0, -1)]
        )

    def none_open(self) -> Reply:
        return self.replies.fit("DOOR_NONE", "您这一组现在没有要上门的,谢谢")

    def no_list(self, number: int) -> Reply:
        return self.replies.fit("DOOR_NONE", f"没有记:您这一组没有通知{number}的上门单。看有哪些回 上门")

    def not_listed(self, notice: Notice, numbers: Sequence[int], last: int) -> Reply:
        wrong = "、".join(str(number) for number in numbers[:5])
        return self.replies.fit(
            "DOOR_BAD",
            f"没有记:通知{notice.number}的上门单没有{wrong}号,您的是1到{last}号。看名单回 {tick_words(notice.number)}",
            f"没有记:没有这个号。看名单回 {tick_words(notice.number)}",
        )

    def how(self) -> Reply:
        return self.replies.fit(
            "DOOR_HOW",
            "没看懂,没有记。说到了3号和5号,请回:上门17 3 5(17是通知的号)。全说到了回:上门17全部",
            "没看懂,没有记。请回:上门17 3 5(17是通知的号)",
        )

    def corrected(self, notice: Notice) -> Reply:
        return self.replies.fit(
            "DOOR_OLD",
            f"没有记:通知{notice.number}已经更正,您手上的上门单是旧的。请按更正的再去说,新的单子会发给您",
            f"没有记:通知{notice.number}已经更正,请按更正的再去说",
        )

    def stopped(self, notice: Notice) -> Reply:
        return self.replies.fit("DOOR_OLD", f"通知{notice.number}已经停发,不用再上门了,谢谢")

    def not_leader(self) -> Reply:
        return self.replies.fit(
            "DOOR_NO",
            f"没有记:上门单只有组长能勾,用他登记的手机发。您自己收到通知请回9。有事{self.replies.ask}",
            "没有记:上门单只有组长能勾,用他登记的手机发。您自己收到请回9",
        )

    def _fit(self, key: str, *forms: str) -> Reply:
        """The first form of at most three parts: names matter more than money here, but not without end."""
        signed = [f"【{self.replies.signature}】{form}" for form in forms]
        return Reply(key, next((text for text in signed if count(text).parts <= LONGEST_PARTS), signed[-1]))


def _names(doors: Sequence[Listed]) -> str:
    return " ".join(numbered_name(one.number, one.name, alone=one.alone and not one.told) for one in doors)
