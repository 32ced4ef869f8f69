"""Facts about records, bundles and envelopes that nobody has touched."""

from __future__ import annotations

import dataclasses
import hashlib

import cbor2
import pytest

from sync import cbor, envelope
from sync.bundle import LARGEST_RAW_BYTES, Ack, make_payload, open_payload, split
from sync.certificate import Certificate, issue, read
from sync.failures import CertificateError, ChainError, FieldError, TooLargeError
from sync.kinds import KINDS, CountyNotice, NoticePublished, PollCounted, Writer, checked, encode_body
from sync.record import Head, Stamp, decode_record, follow, make_record
from tests.sync.samples import COUNTY, START_MS, STRANGER, VILLAGE, records

FOR_COUNTY = COUNTY.sealing.key_id


def travel(payload: bytes) -> bytes:
    """Signed by the village, sealed for the county, opened and verified there."""
    context = envelope.context_for(FOR_COUNTY)
    sealed = envelope.seal(envelope.sign(payload, VILLAGE, context), COUNTY.sealing)
    signed = envelope.unseal(sealed, COUNTY)
    found, signer = envelope.verify(signed, {VILLAGE.public.key_id: VILLAGE.public}.get, context)
    assert signer == VILLAGE.public
    return found


@pytest.mark.parametrize("count", [0, 1, 20, 500])
def test_what_is_sent_is_what_arrives(count):
    made = records(count)
    before = Head.before(VILLAGE.public.log)
    ack = Ack(COUNTY.public.log, 1, 7, bytes(32), ((9, 12), (20, 20)), ((8, "fork"),), 3600)
    opened = open_payload(travel(make_payload(before, made, FOR_COUNTY, ack)), FOR_COUNTY, Writer.VILLAGE)
    assert list(opened.records) == made
    assert opened.ack == ack
    assert opened.before == before
    assert opened.after == (made[-1].head if made else before)


def test_a_bundle_from_the_middle_of_a_log_stands_on_its_own():
    made = records(30)
    opened = open_payload(travel(make_payload(made[9].head, made[10:], FOR_COUNTY, None)), FOR_COUNTY, Writer.VILLAGE)
    assert list(opened.records) == made[10:]
    assert follow(made[9].head, list(opened.records)) == made[-1].head


def test_a_record_is_read_back_from_its_own_encoding():
    for record in records(120):
        assert decode_record(record.encoded, Writer.VILLAGE) == record


def test_a_log_with_a_record_missing_doubled_or_exchanged_is_no_log():
    made = records(5)
    head = Head.before(VILLAGE.public.log)
    assert follow(head, made) == made[-1].head
    for wrong in (made[1:], [made[0], made[0]], [made[0], made[2]], [*made[:2], made[3], made[2]]):
        with pytest.raises(ChainError):
            follow(head, wrong)


def test_records_cost_few_bytes():
    """A figure for the bench; here only that nothing has become absurd."""
    made = records(1000)
    payload = make_payload(Head.before(VILLAGE.public.log), made, FOR_COUNTY, None)
    assert len(payload) / len(made) < 30


def test_a_long_log_is_split_into_bundles_that_fit():
    made = records(9000)
    parts = list(split(made))
    assert [record for part in parts for record in part] == made
    for part in parts:
        sealed = envelope.seal(
            envelope.sign(make_payload(Head.before(VILLAGE.public.log), part, FOR_COUNTY, None), VILLAGE, b""),
            COUNTY.sealing,
        )
        assert len(sealed) <= envelope.LARGEST_BYTES


def test_too_much_for_one_bundle_is_refused_at_the_sender():
    with pytest.raises(TooLargeError):
        make_payload(Head.before(VILLAGE.public.log), records(1) * 5000, FOR_COUNTY, None)
    with pytest.raises(TooLargeError):
        envelope.seal(bytes(envelope.LARGEST_BYTES), COUNTY.sealing)
    assert LARGEST_RAW_BYTES > envelope.LARGEST_BYTES


def test_nothing_personal_has_a_field():
    """The list is the promise; whoever adds a field reads this test first."""
    allowed = {
        "accepted", "as_of_ms", "attended", "audience", "ballots", "basis", "cites", "closed_ms", "closes_ms",
        "complete", "confirmed", "counted_ms", "counts", "county_notice", "delivered", "disk_free_mb", "due_ms",
        "eligible", "groups", "heard", "households", "issued_ms", "issuer", "kind", "late", "ledger", "lines",
        "lines_down", "name", "notice", "noted_ms", "number", "opened_ms", "options", "pack", "passed", "people",
        "poll", "published_ms", "question", "receipts", "roll", "stopped_ms", "text", "unit", "units", "unreached",
        "urgent", "valid", "version", "village", "villages", "waiting", "withdrawn_ms",
    }  # fmt: skip
    names = {field.name for kind in KINDS.values() for field in dataclasses.fields(kind)}
    assert names <= allowed
    named = [kind.__name__ for kind in KINDS.values() if any(f.name == "name" for f in dataclasses.fields(kind))]
    assert named == ["VillageBegan", "CountyBegan"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 0},
        {"number": 100},
        {"number": True},
        {"text": "长" * 1001},
        {"text": b"bytes"},
        {"issuer": "mayor"},
        {"urgent": 1},
        {"published_ms": -1},
        {"due_ms": 1.5},
    ],
)
def test_a_field_that_does_not_fit_is_not_written(wrong):
    good = NoticePublished(1, 1, 17, "committee", "停水", "全村", "household", False, None, START_MS, None)
    assert checked(good) == good
    with pytest.raises(FieldError):
        checked(dataclasses.replace(good, **wrong))


def test_the_record_format_does_not_drift():
    """Frozen: other programs, and bundles of years ago, read this."""
    body = CountyNotice(1, "防火", "县应急局", START_MS, None, ())
    record = make_record(Head.before(COUNTY.public.log), Stamp(b"b" * 8, 5, START_MS, True), body)
    time = b"\x1b" + START_MS.to_bytes(8, "big")
    by_hand = b"".join(
        (
            b"\x8d\x01\x50", COUNTY.public.log, b"\x01\x01\x58\x20", bytes(32), b"\x18\x78\x01\x00",
            b"\x48bbbbbbbb\x05", time, b"\x01", b"\x86\x01\x66", "防火".encode(), b"\x6c",
            "县应急局".encode(), time, b"\xf6\x80",
        )
    )  # fmt: skip
    assert record.encoded == by_hand
    assert record.hash == hashlib.sha256(b"ejiajia/record/1" + record.encoded).digest()
    again = cbor2.loads(record.encoded)
    assert again[5:8] == [120, 1, 0]
    assert again[12] == [1, "防火", "县应急局", START_MS, None, []]


def test_the_frozen_bundle_of_this_version_still_opens():
    """Made once with the keys of `samples`; a change that cannot read it needs a new version number."""
    signed = bytes.fromhex(FROZEN)
    payload, _ = envelope.verify(signed, {VILLAGE.public.key_id: VILLAGE.public}.get, envelope.context_for(FOR_COUNTY))
    opened = open_payload(payload, FOR_COUNTY, Writer.VILLAGE)
    assert [record.body for record in opened.records] == [
        PollCounted(
            3, START_MS, 210, b"r" * 32, 168, (131, 30, None), 1, True, True, "cn-2018", b"m" * 32, b"l" * 32, True
        )
    ]
    assert opened.records[0].hash.hex() == FROZEN_HASH


def test_signing_is_rfc_9052s():
    """The structure written out by hand: 84, "Signature1", protected, external_aad, payload (RFC 9052, 4.4)."""
    signed = envelope.sign(b"This is the content.", VILLAGE, b"aad")
    tag = cbor2.loads(signed)
    protected, unprotected, payload, signature = tag.value
    assert tag.tag == 18
    assert (dict(unprotected), payload) == ({}, b"This is the content.")
    assert protected == b"\xa2\x01\x27\x04\x48" + VILLAGE.public.key_id
    by_hand = b"\x84\x6aSignature1" + b"\x4d" + protected + b"\x43aad" + b"\x54" + payload
    VILLAGE.public.verify(signature, by_hand)
    assert signed[:2] == b"\xd2\x84"


def test_a_certificate_is_the_countys_and_nobody_elses():
    certificate = Certificate(
        COUNTY.public.log, 3, "青山村", VILLAGE.public, VILLAGE.sealing, VILLAGE.public.log, 1, START_MS, START_MS + 1
    )
    issued = issue(COUNTY, certificate)
    assert read(issued, COUNTY.public) == certificate
    with pytest.raises(CertificateError):
        read(issued, STRANGER.public)
    with pytest.raises(CertificateError):
        read(issue(STRANGER, certificate), COUNTY.public)
    for place in range(len(issued)):
        with pytest.raises(CertificateError):
            read(issued[:place] + bytes([issued[place] ^ 1]) + issued[place + 1 :], COUNTY.public)


def test_the_encoder_of_bodies_is_the_decoders_twin():
    for record in records(120):
        assert checked(record.body) == record.body
        assert cbor.decode(cbor.encode(encode_body(record.body))) is not None


FROZEN = (
    "d2844da2012704486113787101801efda058cd828d010150e936cdeec083f9101fa4c5f05470d3aa01070158206868686868"
    "6868686868686868686868686868686868686868686868686868685820298c64aad7f302e931e6c91f48f44dcac0e1fe19aa"
    "0f85f93857c95938607fde48a45a68dbc58bb70df6010118b0586128b52ffd20b0c50200c404878118208148628100810581"
    "1b000001a243b70e898101818f182001810381098118d2815820728118a8828103831883181ef6810181f581f58167636e2d"
    "323031388158206d8158206c81f50410000db971682f33025840ba9521cf398c977aac6b51f48aec64b8ad36d561d4e721e4"
    "1ba3914aec04d5731bdc454eec73b2b85264232e88b627867e1b8b1aef26ecdd7cb4436ebc72420c"
)
FROZEN_HASH = "298c64aad7f302e931e6c91f48f44dcac0e1fe19aa0f85f93857c95938607fde"
