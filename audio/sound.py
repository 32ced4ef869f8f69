"""The sounds this house makes: their rates, loudness and bounds, in one place. It never touches a sample."""

from enum import StrEnum

from audio.wav import Encoding

LEVEL_DBFS = -20.0  # RMS of the speech itself, pauses left out: the level telephone networks are planned around
LEVEL_TOLERANCE_DB = 1.0
PEAK_LIMIT_DBFS = -1.0
LEAD_SILENCE_S = 1.0  # the first frames of a call are dropped by the network; see facts/voice.md
LONGEST_TEXT_SYLLABLES = 2000  # twelve minutes; nobody listens longer, and the disk of a Pi is small


class Pace(StrEnum):
    """How fast a person wants to be spoken to."""

    NORMAL = "normal"  # 155 words a minute of espeak-ng: 167 字 a minute, as facts/voice.md asks
    SLOW = "slow"  # 124: about 134 字 a minute
    SLOWER = "slower"  # 112: about 120 字 a minute; below 110 the length of speech was never measured

    @property
    def share(self) -> float:
        """Of the normal rate."""
        return _PACE_SHARES[self]

    @property
    def one_step_slower(self) -> "Pace":
        """For a repeat; the slowest stays what it is."""
        return Pace.SLOWER if self is not Pace.NORMAL else Pace.SLOW


_PACE_SHARES = {Pace.NORMAL: 1.0, Pace.SLOW: 0.8, Pace.SLOWER: 0.72}


class Tone(StrEnum):
    """What is heard before words."""

    SIREN = "siren"  # before an emergency, on the phone and from the loudspeaker
    CHIME = "chime"  # before anything else the loudspeaker says

    @property
    def duration_s(self) -> float:
        return 2.0  # the emergency script of facts/voice.md begins with two seconds; the chime has time to fade


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
