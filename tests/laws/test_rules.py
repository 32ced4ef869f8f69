"""Every kind's edges: exactly half, exactly two thirds, one more, one less; and what no numbers may do."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from village.cli import main
from village.laws.pack import By, Kind, PackError, Refused, newest_pack, pack_of, read_pack
from village.laws.rules import ImpossibleError, in_words, judge

EDGES = [
    # kind, by, N, A, Y, valid, passed
    ("assembly", None, 300, 149, 149, False, False),
    ("assembly", None, 300, 150, 150, False, False),  # exactly half is not more than half
    ("assembly", None, 300, 151, 151, True, True),
    ("assembly", None, 300, 151, 75, True, False),
    ("assembly", None, 300, 151, 76, True, True),
    ("assembly", None, 300, 200, 100, True, False),  # a tie fails
    ("assembly", None, 300, 200, 101, True, True),
    ("household", None, 210, 139, 139, False, False),
    ("household", None, 210, 140, 70, True, False),
    ("household", None, 210, 140, 71, True, True),
    ("household", None, 210, 141, 71, True, True),
    ("household", None, 210, 141, 70, True, False),
    ("household", None, 211, 140, 140, False, False),  # two thirds of 211 are 140.67
    ("household", None, 211, 141, 141, True, True),
    ("representatives", None, 30, 19, 19, False, False),
    ("representatives", None, 30, 20, 10, True, False),
    ("representatives", None, 30, 20, 11, True, True),
    ("group", "household", 27, 17, 17, False, False),
    ("group", "household", 27, 18, 9, True, False),
    ("group", "household", 27, 18, 10, True, True),
    ("group", "person", 99, 65, 65, False, False),
    ("group", "person", 99, 66, 33, True, False),
    ("group", "person", 99, 66, 34, True, True),
    ("collective", None, 300, 199, 199, False, False),
    ("collective", None, 300, 200, 199, True, False),  # two thirds of all, not of those who came
    ("collective", None, 300, 200, 200, True, True),
    ("collective", None, 300, 300, 199, True, False),
    ("collective", None, 300, 300, 200, True, True),
    ("collective-representatives", None, 30, 19, 19, None, False),
    ("collective-representatives", None, 30, 20, 20, None, True),
    ("collective-representatives", None, 30, 30, 19, None, False),
    ("consultation", "person", 300, 150, 150, False, False),
    ("consultation", "person", 300, 151, 75, True, False),
    ("consultation", "person", 300, 151, 76, True, True),
    ("consultation", "household", 210, 139, 139, False, False),
    ("consultation", "household", 210, 140, 70, True, False),
    ("consultation", "household", 210, 140, 71, True, True),
    ("opinion", None, 300, 3, 1, None, None),
    ("opinion", None, 300, 300, 300, None, None),
]


@pytest.mark.parametrize("edge", EDGES, ids=str)
def test_the_command_knows_the_edges(capsys, edge):
    kind, by, eligible, attended, yes, valid, passed = edge
    asked = ["rule", "--kind", kind, "--eligible", str(eligible), "--attended", str(attended), "--yes", str(yes)]
    assert main([*asked, *(["--by", by] if by else []), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["valid"], told["passed"], told["pack"]) == (valid, passed, newest_pack().id)
    assert bool(told["articles"]) == (kind != "opinion")


@pytest.mark.parametrize("kind", list(Refused))
def test_what_may_not_be_decided_is_refused_with_its_article(capsys, kind):
    assert main(["rule", "--kind", kind, "--eligible", "9", "--attended", "9", "--yes", "9", "--json"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert all(article in told.err for article in newest_pack().refused[kind].articles)


@pytest.mark.parametrize(
    ("numbers", "why"),
    [
        ("0 0 0", "至少要有1"),
        ("10 11 3", "还多"),
        ("10 5 6", "还多"),
        ("10 -1 0", "负"),
        ("10 5 -5", "负"),
    ],
)
def test_impossible_numbers_are_wrong_use(capsys, numbers, why):
    eligible, attended, yes = numbers.split()
    assert main(["rule", "--kind", "assembly", f"--eligible={eligible}", f"--attended={attended}", f"--yes={yes}"]) == 2
    assert why in capsys.readouterr().err


def test_a_kind_is_counted_only_by_what_the_law_counts(capsys):
    asked = ["rule", "--kind", "household", "--by", "person", "--eligible", "9", "--attended", "9", "--yes", "9"]
    assert main(asked) == 2
    assert "户代表" in capsys.readouterr().err


def test_an_unknown_kind_and_a_word_for_a_number_are_wrong_use(capsys):
    for asked in (["--kind", "dinner", "--eligible", "9"], ["--kind", "assembly", "--eligible", "九"]):
        with pytest.raises(SystemExit) as refused:
            main(["rule", *asked, "--attended", "9", "--yes", "9"])
        assert refused.value.code == 2


def test_full_width_digits_are_digits(capsys):
    asked = ["rule", "--kind", "household", "--eligible", "２１０", "--attended", "１４０", "--yes", "７１", "--json"]
    assert main(asked) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True


def test_it_tells_a_person_too(capsys):
    assert main(["rule", "--kind", "household", "--eligible", "210", "--attended", "128", "--yes", "100"]) == 0
    told = capsys.readouterr().out
    assert "参加的不够数（至少140）" in told
    assert "没有人核对" in told


_NUMBERS = st.integers(1, 5000).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(0, n)).flatmap(
        lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), st.integers(0, pair[1]))
    )
)
_RANK = {None: 0, False: 0, True: 1}


@given(_NUMBERS, st.sampled_from(list(Kind)))
def test_more_people_and_more_yes_never_hurt(numbers, kind):
    eligible, attended, yes = numbers
    here = judge(newest_pack(), kind, eligible=eligible, attended=attended, yes=yes)
    assert not (here.passed and here.valid is False)
    if yes < attended:
        more = judge(newest_pack(), kind, eligible=eligible, attended=attended, yes=yes + 1)
        assert _RANK[more.passed] >= _RANK[here.passed]
    if attended < eligible:
        fuller = judge(newest_pack(), kind, eligible=eligible, attended=attended + 1, yes=yes)
        assert _RANK[fuller.valid] >= _RANK[here.valid]


@given(_NUMBERS, st.sampled_from(list(Kind)))
def test_what_is_said_to_be_needed_is_the_least_that_does(numbers, kind):
    eligible, attended, _ = numbers
    told = judge(newest_pack(), kind, eligible=eligible, attended=attended, yes=0)
    if told.needs_attended is not None and told.needs_attended <= eligible:
        at, below = told.needs_attended, told.needs_attended - 1
        assert judge(newest_pack(), kind, eligible=eligible, attended=at, yes=0).valid
        assert not judge(newest_pack(), kind, eligible=eligible, attended=below, yes=0).valid
    if told.needs_yes is not None and told.needs_yes <= attended and told.valid is not False:
        assert judge(newest_pack(), kind, eligible=eligible, attended=attended, yes=told.needs_yes).passed
        assert not judge(newest_pack(), kind, eligible=eligible, attended=attended, yes=told.needs_yes - 1).passed


def test_the_rule_is_said_in_words():
    assert str(in_words(newest_pack(), "household", 210)) == (
        "一共210户，至少140户参加才算数；参加的过半数同意才通过，弃权的也算参加。"
    )
    assert "不作决议" in str(in_words(newest_pack(), "opinion", 600))
    assert "全体的三分之二以上" in str(in_words(newest_pack(), "collective", 300))


def test_no_pack_of_ours_claims_that_a_person_has_reviewed_it():
    assert not newest_pack().reviewed
    assert newest_pack().warning


def test_an_unknown_pack_is_none():
    for name in ("cn-1900", "../cn-2018", ""):
        with pytest.raises(LookupError):
            pack_of(name)


@pytest.mark.parametrize(
    ("was", "instead"),
    [
        ("share = [2, 3]", "share = [4, 3]"),
        ("strict = true", 'strict = "yes"'),
        ('of = "attended"', 'of = "everybody"'),
        ('unit = "household"', 'unit = "tribe"'),
        ("[kinds.household]", "[kinds.dinner]"),
        ('articles = ["村民委员会组织法第十五条"]', "articles = []"),
        ("in_force", "out_of_force"),
        ("attend = {", "atend = {"),
        ("pass = {", "pas = {"),
        ("attend_household = {", "attend_househould = {"),
        ("attend = {", "attend_household = {"),
        ("strict = false }", "strict = false, off = 1 }"),
        ("warning =", "warnings ="),
        ('by = ""', 'bye = ""\nby = ""'),
        ("reason =", 'note = ""\nreason ='),
        ("words = [", "words = [3, "),
    ],
)
def test_a_pack_that_does_not_hold_together_is_refused(was, instead):
    from importlib import resources

    text = (resources.files("village.laws") / "packs" / "cn-2018.toml").read_text("utf-8")
    assert was in text
    with pytest.raises(PackError):
        read_pack(text.replace(was, instead))


def test_impossible_says_why_by_name():
    with pytest.raises(ImpossibleError, match="按人"):
        judge(newest_pack(), Kind.HOUSEHOLD, eligible=1, attended=1, yes=1, by=By.PERSON)
