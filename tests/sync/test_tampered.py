"""Every way a bundle can be wrong, each refused by its own name; and noise, never accepted and never a crash."""

from __future__ import annotations

import random
from collections.abc import Callable

import cbor2
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sync import cbor, envelope
from sync.bundle import Bundle, make_payload, open_payload
from sync.failures import BundleError
from sync.kinds import CountyBegan, Writer
from sync.record import Head, Stamp, decode_record, make_record
from tests.sync.samples import COUNTY, START_MS, STRANGER, VILLAGE, records

RECIPIENT = COUNTY.sealing.key_id
CONTEXT = envelope.context_for(RECIPIENT)
KNOWN = {VILLAGE.public.key_id: VILLAGE.public}
LOG = records(6)
START = Head.before(VILLAGE.public.log)
GOOD = make_payload(START, LOG, RECIPIENT, None)


def receive(sealed: bytes) -> Bundle:
    """What the county does with a file: every step there is, in order. Raises BundleError."""
    signed = envelope.unseal(sealed, COUNTY)
    payload, _ = envelope.verify(signed, KNOWN.get, CONTEXT)
    return open_payload(payload, RECIPIENT, Writer.VILLAGE)


def post(payload: bytes, key=VILLAGE) -> bytes:  # type: ignore[no-untyped-def]
    return envelope.seal(envelope.sign(payload, key, CONTEXT), COUNTY.sealing)


def header(place: int, value: object) -> bytes:
    """The good bundle with one field of its header changed, and signed again."""
    read = cbor2.loads(GOOD)
    read[0][place] = value
    return post(cbor.encode(read))


def columns(change: Callable[[list], object]) -> bytes:  # type: ignore[type-arg]
    """The good bundle with its columns changed, not compressed, and signed again."""
    head, carried = cbor2.loads(GOOD)
    read = cbor2.loads(zstandard.ZstdDecompressor().decompress(carried))
    change(read)
    raw = cbor.encode(read)
    head[11], head[12] = 0, len(raw)
    return post(cbor.encode([head, raw]))


def raw_columns(raw: bytes) -> bytes:
    head, _ = cbor2.loads(GOOD)
    head[11], head[12] = 0, len(raw)
    return post(cbor.encode([head, raw]))


def good_columns() -> bytes:
    return zstandard.ZstdDecompressor().decompress(cbor2.loads(GOOD)[1])


def packed(carried: bytes, length: int) -> bytes:
    head, _ = cbor2.loads(GOOD)
    head[11], head[12] = 1, length
    return post(cbor.encode([head, carried]))


def sealed(signed: bytes) -> bytes:
    return envelope.seal(signed, COUNTY.sealing)


def cose(*parts: object, tag: int = 18) -> bytes:
    return sealed(cbor.encode(cbor2.CBORTag(tag, list(parts))))


def signed_with(protected: bytes, payload: bytes = GOOD) -> bytes:
    to_be_signed = cbor.encode(["Signature1", protected, CONTEXT, payload])
    return cose(protected, {}, payload, VILLAGE.sign(to_be_signed))


def flipped(data: bytes, place: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def set_column(kind: int, column: int, values: object) -> Callable[[list], object]:  # type: ignore[type-arg]
    def change(read: list) -> None:  # type: ignore[type-arg]
        group = next(group for group in read[6] if group[0] == kind)
        group[2 + column] = values

    return change


def rename(read: list) -> None:  # type: ignore[type-arg]
    read[0][0] = read[6][0][0] = 99


def county_record() -> bytes:
    record = make_record(START, Stamp(b"b" * 8, 1, START_MS, True), CountyBegan("某县"))
    return make_payload(START, [record], RECIPIENT, None)


GOOD_SEALED = post(GOOD)
KID = VILLAGE.public.key_id

WRONG: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not-a-bundle"),
    "a web page": (b"<html>404</html>", "not-a-bundle"),
    "cut off in the prefix": (GOOD_SEALED[:9], "not-a-bundle"),
    "a quarter of a megabyte and a byte": (GOOD_SEALED + bytes(envelope.LARGEST_BYTES), "too-large"),
    "another suite": (GOOD_SEALED[:3] + b"\x02" + GOOD_SEALED[4:], "unknown-suite"),
    "for another county": (envelope.seal(envelope.sign(GOOD, VILLAGE, CONTEXT), STRANGER.sealing), "not-for-us"),
    "a bit of the seal": (flipped(GOOD_SEALED, 40), "seal"),
    "the last bit": (flipped(GOOD_SEALED, -1), "seal"),
    "cut off": (GOOD_SEALED[:-7], "seal"),
    "a byte more": (GOOD_SEALED + b"\x00", "seal"),
    "plain inside": (sealed(GOOD), "not-signed"),
    "noise inside": (sealed(b"\xff\x00noise"), "not-signed"),
    "another COSE message": (cose(b"", {}, GOOD, bytes(64), tag=98), "not-signed"),
    "something outside the signature": (cose(cbor.encode({1: -8, 4: KID}), {7: 1}, GOOD, bytes(64)), "not-signed"),
    "a short signature": (cose(cbor.encode({1: -8, 4: KID}), {}, GOOD, bytes(63)), "not-signed"),
    "a header with a third field": (signed_with(cbor.encode({1: -8, 4: KID, 5: 1})), "not-signed"),
    "a header in another order": (signed_with(b"\xa2\x04\x48" + KID + b"\x01\x27" + b"\x00"), "not-signed"),
    "signed with ECDSA": (signed_with(cbor.encode({1: -7, 4: KID})), "algorithm"),
    "signed by nobody we know": (post(GOOD, STRANGER), "unknown-signer"),
    "a stranger under a known name": (
        cose(cbor.encode({1: -8, 4: KID}), {}, GOOD, STRANGER.sign(GOOD)),
        "signature",
    ),
    "a changed payload": (
        sealed(envelope.sign(GOOD, VILLAGE, CONTEXT).replace(VILLAGE.public.log, bytes(16))),
        "signature",
    ),
    "signed for another county": (
        sealed(envelope.sign(GOOD, VILLAGE, envelope.context_for(STRANGER.sealing.key_id))),
        "signature",
    ),
    "made for another county, signed for us": (header(8, STRANGER.sealing.key_id), "recipient"),
    "a payload with bytes behind it": (post(GOOD + b"\x00"), "not-canonical"),
    "a payload that is no CBOR": (post(b"\x9f\x01\xff"), "not-canonical"),
    "a payload that is a number": (post(b"\x01"), "header"),
    "a header too short": (post(cbor.encode([cbor2.loads(GOOD)[0][:-1], b""])), "header"),
    "another version": (header(0, 2), "header"),
    "true for one": (header(0, True), "header"),
    "another suite inside": (header(1, 2), "unknown-suite"),
    "a log of fifteen bytes": (header(2, bytes(15)), "header"),
    "an epoch of none": (header(3, 0), "header"),
    "five thousand records": (header(5, 5000), "header"),
    "an acknowledgement that is none": (header(9, [1, 2]), "header"),
    "an acknowledgement backwards": (header(9, [bytes(16), 1, 3, bytes(32), [[9, 4]], [], None]), "header"),
    "wants to become a gigabyte": (header(12, 2**30), "too-large"),
    "a bomb": (packed(zstandard.ZstdCompressor().compress(bytes(2**24)), 1000), "compression"),
    "a bomb that says so": (packed(zstandard.ZstdCompressor().compress(bytes(2**24)), 2**24), "too-large"),
    "two frames": (packed(zstandard.ZstdCompressor().compress(good_columns()) * 2, len(good_columns())), "compression"),
    "a frame cut off": (packed(cbor2.loads(GOOD)[1][:-3], len(good_columns())), "compression"),
    "one record fewer than said": (header(5, 5), "count"),
    "one record more than said": (header(5, 7), "count"),
    "records nobody announced": (header(5, 0), "count"),
    "another head": (header(7, bytes(32)), "head"),
    "another beginning": (header(6, b"x" * 32), "head"),
    "another place": (header(4, 2), "head"),
    "a field changed": (columns(set_column(22, 2, [211])), "head"),
    "a kind nobody knows": (columns(rename), "unknown-kind"),
    "a kind of tomorrow": (columns(lambda read: read[6][0].__setitem__(1, 2)), "unknown-kind"),
    "a kind only the county writes": (post(county_record()), "forbidden-kind"),
    "a field too many": (columns(lambda read: read[6][0].append([1])), "field"),
    "a field that is too large": (columns(set_column(22, 0, [-5])), "field"),
    "a time that is a text": (columns(lambda read: read[4].__setitem__(0, "now")), "field"),
    "a float": (columns(set_column(22, 2, [210.0])), "field"),
    "columns of other lengths": (columns(lambda read: read[3].pop()), "count"),
    "a boot named twice": (columns(lambda read: read[1].append(read[1][0])), "not-canonical"),
    "an indefinite array": (raw_columns(b"\x9f" + good_columns()[1:] + b"\xff"), "not-canonical"),
    "a number in its long form": (raw_columns(good_columns().replace(b"\x00", b"\x18\x00", 1)), "not-canonical"),
    "bytes behind the columns": (raw_columns(good_columns() + b"\x00"), "not-canonical"),
}  # fmt: skip


def test_the_good_one_is_good():
    assert list(receive(GOOD_SEALED).records) == LOG


@pytest.mark.parametrize("how", list(WRONG))
def test_each_wrong_bundle_is_refused_by_its_own_name(how):
    data, name = WRONG[how]
    with pytest.raises(BundleError) as refused:
        receive(data)
    assert refused.value.name == name


def test_there_are_many_names_and_no_two_alike():
    names = [kind.name for kind in BundleError.__subclasses__()]
    assert len(names) == len(set(names)) >= 20


def accepts(step: Callable[[bytes], object], data: bytes) -> bool:
    """False where it is refused by one of our names; anything else that is raised fails the test."""
    try:
        step(data)
    except BundleError:
        return False
    return True


def _open(payload: bytes) -> Bundle:
    return open_payload(payload, RECIPIENT, Writer.VILLAGE)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_never_accepted(noise):
    assert not accepts(receive, noise)
    assert not accepts(receive, envelope.MAGIC + b"\x01" + RECIPIENT + noise)
    assert not accepts(receive, sealed(noise))
    assert not accepts(_open, noise)
    assert not accepts(_open, cbor.encode([cbor2.loads(GOOD)[0], noise]))
    assert not accepts(lambda data: decode_record(data, Writer.VILLAGE), noise)


_CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=40) | st.text(max_size=20)
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=13) | st.dictionaries(st.integers() | st.text(max_size=3), inner),
    max_leaves=40,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(_CBOR, st.integers(0, 12))
def test_other_cbor_is_never_accepted(value, place):
    head, carried = cbor2.loads(GOOD)
    encoded = cbor.encode(value)
    assert not accepts(_open, encoded)
    assert not accepts(_open, cbor.encode([value, carried]))
    assert not accepts(lambda data: decode_record(data, Writer.VILLAGE), encoded)
    if value != head[place] or type(value) is not type(head[place]):
        changed = [*head[:place], value, *head[place + 1 :]]
        # the acknowledgement alone may be there or not: nothing but the signature binds it
        assert place == 9 or not accepts(_open, cbor.encode([changed, carried]))
    raw = cbor2.loads(good_columns())
    for column in range(len(raw)):
        if raw[column] != value:
            head[11], head[12] = 0, 0
            other = cbor.encode([*raw[:column], value, *raw[column + 1 :]])
            head[12] = len(other)
            assert not accepts(_open, cbor.encode([head, other]))


def test_a_changed_byte_at_every_layer_is_never_accepted():
    """Inside the signature too: what was signed by a thief's program is still refused where it is not ours."""
    dice = random.Random(7)
    raw = good_columns()
    head = cbor2.loads(GOOD)[0]
    for _ in range(3000):
        place = dice.randrange(len(raw))
        match dice.randrange(3):
            case 0:
                other = raw[:place] + bytes([dice.randrange(256)]) + raw[place + 1 :]
            case 1:
                other = raw[:place] + raw[place + 1 :]
            case _:
                other = raw[:place] + bytes([dice.randrange(256)]) + raw[place:]
        if other != raw:
            head[11], head[12] = 0, len(other)
            assert not accepts(_open, cbor.encode([head, other]))
    for record in LOG:
        for place in range(len(record.encoded)):
            other = flipped(record.encoded, place)
            try:
                changed = decode_record(other, Writer.VILLAGE)
            except BundleError:
                continue
            assert changed.hash != record.hash  # another record of ours; the chain tells
    for place in range(len(GOOD_SEALED)):
        assert not accepts(receive, flipped(GOOD_SEALED, place))
