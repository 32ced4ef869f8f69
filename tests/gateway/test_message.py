"""Facts about states: no carrier's word takes a message back."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.message import FINAL, LIFETIME_MS, MOVES, RANK, Priority, State, lifted

WORDS = st.lists(st.sampled_from([State.ACCEPTED, State.DELIVERED, State.FAILED]), max_size=6)


def test_every_state_has_its_moves_and_its_rank() -> None:
    assert set(MOVES) == set(RANK) == set(State)
    assert set(LIFETIME_MS) == set(Priority)


def test_nothing_leaves_delivered_and_only_delivery_leaves_a_final_state() -> None:
    assert MOVES[State.DELIVERED] == frozenset()
    for state in FINAL - {State.DELIVERED}:
        assert MOVES[state] == {State.DELIVERED}


def test_only_what_was_never_sent_can_be_withdrawn_for_good() -> None:
    assert State.SENDING not in MOVES[State.ACCEPTED]
    assert State.SENDING not in MOVES[State.UNKNOWN]


@given(st.sampled_from(State), WORDS)
def test_a_carriers_words_never_lower_the_rank(start: State, words: list[State]) -> None:
    state = start
    for word in words:
        after = lifted(state, word)
        assert RANK[after] >= RANK[state]
        assert after == state or after in MOVES[state]
        state = after


@given(st.sampled_from([State.SENDING, State.UNKNOWN, State.ACCEPTED]), WORDS)
def test_words_in_any_order_and_number_end_in_the_same_state(start: State, words: list[State]) -> None:
    def end(order: tuple[State, ...]) -> State:
        state = start
        for word in order:
            state = lifted(state, word)
        return state

    orders = set(itertools.permutations(words[:4]))
    assert len({end(order) for order in orders}) == 1
    assert end(tuple(words)) == end(tuple(words) * 2)


def test_a_late_sent_does_not_overwrite_delivered() -> None:
    assert lifted(State.DELIVERED, State.ACCEPTED) == State.DELIVERED
    assert lifted(State.FAILED, State.ACCEPTED) == State.FAILED
    assert lifted(State.FAILED, State.DELIVERED) == State.DELIVERED
