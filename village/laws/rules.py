"""Whether a vote counts and whether it passed: the pack's rule and four numbers, nothing else. Pure; integers only.

Never rounds and never guesses: 以上 includes the number itself, 过半数 does not include exactly half, and whoever did
not attend is neither for nor against.
"""

from __future__ import annotations

from dataclasses import dataclass

from village.ground.wording import Wording, say
from village.laws.pack import By, Pack, Rule


class ImpossibleError(ValueError):
    """Numbers no vote can have; carries the sentence that says why."""

    def __init__(self, why: Wording) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Verdict:
    """`valid` None: the law asks no attendance here; `passed` None: nothing is decided, or it is not known whether it
    is valid. `needs_*`: the least that would do; None where nothing is needed."""

    valid: bool | None
    passed: bool | None
    needs_attended: int | None
    needs_yes: int | None
    articles: tuple[str, ...]
    pack: str

    def as_json(self) -> dict[str, object]:
        return {
            "valid": self.valid,
            "passed": self.passed,
            "needs": {"attended": self.needs_attended, "yes": self.needs_yes},
            "articles": list(self.articles),
            "pack": self.pack,
        }


def judge(pack: Pack, kind: str, *, eligible: int, attended: int, yes: int, by: By | None = None) -> Verdict:
    """`eligible` who may vote, `attended` who took part (abstentions and spoiled paper too), `yes` votes for it.

    What is not valid has not passed. Raises RefusedKindError, ImpossibleError, LookupError.
    """
    rule = pack.rule(kind)
    _refuse_impossible(rule, eligible, attended, yes, by)
    attend = rule.attend(by)
    whole = eligible if rule.of_eligible else attended
    valid = None if attend is None else attend.reached(attended, eligible)
    passed = None if rule.passing is None else rule.passing.reached(yes, whole) and attended > 0
    return Verdict(
        valid=valid,
        passed=False if valid is False and passed else passed,
        needs_attended=None if attend is None else attend.least(eligible),
        needs_yes=None if rule.passing is None else max(rule.passing.least(whole), 1),
        articles=rule.articles,
        pack=pack.id,
    )


def _refuse_impossible(rule: Rule, eligible: int, attended: int, yes: int, by: By | None) -> None:
    if by is not None and by not in rule.counted_by:
        unit = say("按人") if by is By.PERSON else say("按户")
        raise ImpossibleError(say("{name}不{unit}算", name=rule.name, unit=unit))
    if eligible < 1:
        raise ImpossibleError(say("应到至少要有1"))
    if attended < 0 or yes < 0:
        raise ImpossibleError(say("人数不能是负的"))
    if attended > eligible:
        raise ImpossibleError(say("参加的{attended}比应到的{eligible}还多", attended=attended, eligible=eligible))
    if yes > attended:
        raise ImpossibleError(say("同意的{yes}比参加的{attended}还多", yes=yes, attended=attended))


def in_words(pack: Pack, kind: str, eligible: int, by: By | None = None) -> Wording:
    """The rule as a sentence for these many: 210户，至少140户参加才算数；参加的过半数同意才通过。"""
    rule = pack.rule(kind)
    attend, unit = rule.attend(by), by or rule.counted_by[0]
    everybody = unit.counted(eligible)
    if rule.passing is None:
        return say("一共请{everybody}。只听意见，不作决议，没有通过不通过。", everybody=everybody)
    of = say("全体的") if rule.of_eligible else say("参加的")
    passing = rule.passing.in_words()
    if attend is None:
        return say("一共{everybody}。多少人参加才算数由章程定；{of}{share}同意才通过。",
                   everybody=everybody, of=of, share=passing)  # fmt: skip
    return say(
        "一共{everybody}，至少{least}参加才算数；{of}{share}同意才通过，弃权的也算参加。",
        everybody=everybody, least=unit.counted(attend.least(eligible)), of=of, share=passing,
    )  # fmt: skip
