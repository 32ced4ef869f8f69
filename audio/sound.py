"""The sounds this house makes: their rates, loudness and bounds, in one place. It never touches a sample."""

from enum import StrEnum

from audio.wav import Encoding

LEVEL_DBFS = -20.0  # RMS of the speech itself, pauses left out: the level telephone networks are planned around
LEVEL_TOLERANCE_DB = 1.0
PEAK_LIMIT_DBFS = -1.0
LEAD_SILENCE_S = 1.0  # the first frames of a call are dropped by the network; see facts/voice.md
LONGEST_TEXT_SYLLABLES = 2000  # twelve minutes; nobody listens longer, and the disk of a Pi is small


class Sound(StrEnum):
    """Where a clip is going to be heard."""

    WIDE = "wide"  # 22 050 Hz, 16 bit: loudspeaker and browser
    TELEPHONE = "telephone"  # 8 000 Hz, 16 bit: SIP, modem voice
    TELEPHONE_ULAW = "telephone-ulaw"  # 8 000 Hz, µ-law: what Twilio and PBXs carry

    @property
    def rate_hz(self) -> int:
        return 22_050 if self is Sound.WIDE else 8_000

    @property
    def encoding(self) -> Encoding:
        return Encoding.ULAW if self is Sound.TELEPHONE_ULAW else Encoding.PCM16
