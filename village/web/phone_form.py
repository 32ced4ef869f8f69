"""The form of one phone at the desk: what it showed, what the clerk changed there, and what changed meanwhile.

A page stands open for an hour, and by then the villager has opted out by SMS or another clerk has ticked something.
What the clerk did not touch is therefore left as it is now, whatever his page still shows. Never decides who wins:
where both changed the same field, the clerk sees what it is now and chooses again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from village.ground.wording import RefusalError, Wording, say
from village.people.store import Channel, Opted, PhoneRow
from village.web.kit.forms import Form

SHOWN_FIELD = "_shown"

OPTED: dict[str, Wording] = {"all": say("都收"), "alerts": say("只收预警"), "none": say("全部退订")}

CHANNELS: dict[str, Wording] = {"sms": say("短信"), "call": say("打电话念"), "both": say("短信和电话")}

_CHANNEL, _OPTED = say("怎么通知"), say("收不收通知")


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """What the form can change."""

    channel: Channel
    slow: bool
    home_only: bool
    opted: Opted

    @classmethod
    def of(cls, phone: PhoneRow) -> PhoneSettings:
        return cls(phone.channel, phone.slow, phone.home_only, phone.opted)

    @property
    def stamp(self) -> str:
        """Goes with the form and comes back with it."""
        return f"{self.channel} {int(self.slow)} {int(self.home_only)} {self.opted}"

    def as_form(self, sent: Form) -> Form:
        """As if this had been filled in, in a page that gives back what was sent."""
        ticks = {name: ["1"] for name in ("slow", "home_only") if getattr(self, name)}
        return Form({"channel": [self.channel], "opted": [self.opted], **ticks}, nonce=sent.nonce)


def settings_wanted(form: Form, now: PhoneSettings) -> PhoneSettings:
    """What the phone is to be: as it is now, but for what the clerk changed on his page.

    Raises RefusalError (422 for what is no choice; 409 where the same field was changed meanwhile to something else, or
    where the page does not say what it showed).
    """
    channel = cast(Channel, form.choice("channel", _CHANNEL, CHANNELS))
    opted = cast(Opted, form.choice("opted", _OPTED, OPTED))
    shown = _shown(form)
    if shown is None:
        raise RefusalError(say("这一页是旧的，什么都没有记。下面是现在的样子，要改就再改一次。"), status=409)
    for what, words, chosen, was, is_now in (
        (_OPTED, OPTED, opted, shown.opted, now.opted),
        (_CHANNEL, CHANNELS, channel, shown.channel, now.channel),
    ):
        if _both_changed(chosen, was, is_now):
            raise RefusalError(
                say(
                    "“{what}”刚刚改成了“{now}”，您选的是“{chosen}”，什么都没有记。"
                    "下面是现在的样子，按本人的意思再选一次。",
                    what=what,
                    now=words[is_now],
                    chosen=words[chosen],
                ),
                status=409,
            )
    return PhoneSettings(
        channel if channel != shown.channel else now.channel,
        form.has("slow") if form.has("slow") != shown.slow else now.slow,
        form.has("home_only") if form.has("home_only") != shown.home_only else now.home_only,
        opted if opted != shown.opted else now.opted,
    )


def settings_again(form: Form, now: PhoneSettings) -> PhoneSettings:
    """What a refused form shows next: what the clerk changed stays changed, all else is as it is now."""
    shown = _shown(form)
    if shown is None:
        return now
    channel, opted = form.text("channel"), form.text("opted")
    keeps_channel = channel in CHANNELS and channel != shown.channel and shown.channel == now.channel
    keeps_opted = opted in OPTED and opted != shown.opted and shown.opted == now.opted
    return PhoneSettings(
        cast(Channel, channel) if keeps_channel else now.channel,
        form.has("slow") if form.has("slow") != shown.slow else now.slow,
        form.has("home_only") if form.has("home_only") != shown.home_only else now.home_only,
        cast(Opted, opted) if keeps_opted else now.opted,
    )


def _both_changed(chosen: str, was: str, is_now: str) -> bool:
    return chosen != was and is_now not in (was, chosen)


def _shown(form: Form) -> PhoneSettings | None:
    """What the page showed; None where it says nothing that can be read."""
    parts = form.text(SHOWN_FIELD).split(" ")
    if len(parts) != 4:
        return None
    channel, slow, home_only, opted = parts
    if channel not in CHANNELS or opted not in OPTED or not {slow, home_only} <= {"0", "1"}:
        return None
    return PhoneSettings(cast(Channel, channel), slow == "1", home_only == "1", cast(Opted, opted))
