"""How long a text must last, from its phonemes and the rate. It never hears the sound it is compared with.

Fitted on 383 sentences (every reply of facts/sms.md, the call scripts, random GB2312 characters) spoken by espeak-ng
1.52 at 150 words a minute: residual 1.6 % standard deviation, 6.2 % at most; from 110 to 160 words a minute 9.4 % at
most; whole messages 2.9 % at most. A lost rate setting (175, espeak's own) is 15 to 30 % off.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LOWEST_RATE_WPM = 110
HIGHEST_RATE_WPM = 160
TOLERANCE = 0.10
TOLERANCE_FLOOR_S = 0.1
# Below 150 words a minute the fit is coarser (快存水 is 12 % off, three rare characters 20 %); a lost rate is further.
SLOW_TOLERANCE = 0.12
SLOW_TOLERANCE_FLOOR_S = 0.18
_FITTED_AT_WPM = 150
PIECE_TOLERANCE = 0.20  # of one sentence, so that a short one cut off does not hide behind long ones
PIECE_TOLERANCE_FLOOR_S = 0.2
OUTSIDE_TOLERANCE = 0.35
OUTSIDE_TOLERANCE_FLOOR_S = 0.5
MEASURED_SENTENCES = (
    "停水。",
    "十二月六日，星期日，从早上八点到下午三点停水。",
    "请各家各户提前把水存好，老人和孩子不要到水库边上去。",
    "有事请打村委会电话，八八零零，幺二三四。",
)

_BASE_S = 0.435  # onset and the pause at the end of a sentence
_PAUSE_S = 0.240
_PHONEME_S = {
    "'": 0.033, "n": 0.062, "N": 0.089, "S": 0.106, "X": 0.109, "f": 0.088, "g": 0.092, "h": 0.022, "j": 0.069,
    "k": 0.053, "l": 0.042, "m": 0.046, "p": 0.047, "r": 0.075, "s": 0.086, "t": 0.027, "w": 0.061, "z": 0.029,
}  # fmt: skip
_TONE_S = {"11": 0.092, "214": 0.178, "35": 0.174, "51": 0.166, "55": 0.166}
_STRETCH = (
    (100, 1.589),
    (110, 1.429),
    (120, 1.297),
    (130, 1.175),
    (140, 1.078),
    (150, 1.0),
    (160, 0.926),
    (175, 0.823),
)
_TONES = re.compile("214|51|55|35|11")
_SYLLABLE = re.compile(r"\[\[[^\]]*\]\]|[\u3400-\u9fff々\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER = re.compile("[A-Z]")
_UNITS_PER_PAUSE = 1.2
_SHORTEST_UNIT_S, _LONGEST_UNIT_S = 0.12, 0.75  # 500 and 80 syllables a minute: nobody speaks beyond these
_PAUSES = re.compile("[，、；：]")
_SENTENCE = re.compile(r"[^。！？]+[。！？]?")
_CLAUSE = re.compile(r"[^，、；：]+[，、；：]?")
_LONGEST_PIECE_SYLLABLES = 120


@dataclass(frozen=True, slots=True)
class Tempo:
    """How fast an outside voice speaks, measured on MEASURED_SENTENCES: it has no phonemes to predict from."""

    base_s: float
    unit_s: float

    @classmethod
    def fitted(cls, lengths_s: Sequence[float]) -> "Tempo":
        """The straight line through the lengths of MEASURED_SENTENCES. Raises ValueError where nobody speaks so."""
        points = [(units(sentence), length_s) for sentence, length_s in zip(MEASURED_SENTENCES, lengths_s, strict=True)]
        mean_units = sum(size for size, _ in points) / len(points)
        mean_s = sum(length_s for _, length_s in points) / len(points)
        unit_s = sum((size - mean_units) * (length_s - mean_s) for size, length_s in points) / sum(
            (size - mean_units) ** 2 for size, _ in points
        )
        tempo = cls(mean_s - unit_s * mean_units, unit_s)
        if not _SHORTEST_UNIT_S <= unit_s <= _LONGEST_UNIT_S:
            raise ValueError(f"{unit_s:.3f} s a syllable")
        for sentence, length_s in zip(MEASURED_SENTENCES, lengths_s, strict=True):
            if not tempo.fits(sentence, length_s):
                raise ValueError(f"{length_s:.2f} s instead of {tempo.predicted_s(sentence):.2f} for a sentence")
        return tempo

    def predicted_s(self, words: str) -> float:
        """The length of the words in seconds."""
        return self.base_s + self.unit_s * units(words)

    def fits(self, words: str, length_s: float) -> bool:
        """Whether the words may have this length. Wide: syllables differ, and no phonemes say by how much."""
        expected_s = self.predicted_s(words)
        return abs(length_s - expected_s) <= OUTSIDE_TOLERANCE * expected_s + OUTSIDE_TOLERANCE_FLOOR_S


def units(words: str) -> float:
    """Syllables, with letters as one each and a pause as a little more than one."""
    return _size(words) + _UNITS_PER_PAUSE * len(_PAUSES.findall(words))


def syllables(spoken: str) -> int:
    """How many syllables the text has: one a character, one for each [[phonemes]]."""
    return len(_SYLLABLE.findall(spoken))


def spoken_syllables(phonemes: str) -> int:
    """How many syllables the voice made of it: each carries a tone."""
    return len(_TONES.findall(phonemes))


def predicted_s(pieces: Sequence[str], phonemes: Sequence[str], rate_wpm: int) -> float:
    """The length of the speech in seconds, silence in front not included."""
    total_s = 0.0
    for piece, sounds in zip(pieces, phonemes, strict=True):
        tones = Counter(_TONES.findall(sounds))
        letters = Counter(sounds)
        total_s += _BASE_S + _PAUSE_S * len(_PAUSES.findall(piece))
        total_s += sum(_TONE_S[tone] * count for tone, count in tones.items())
        total_s += sum(seconds * letters[letter] for letter, seconds in _PHONEME_S.items())
    return total_s * _stretch(rate_wpm)


def fits(length_s: float, expected_s: float, rate_wpm: int) -> bool:
    """Whether speech of this length can be what was predicted."""
    if rate_wpm < _FITTED_AT_WPM:
        return abs(length_s - expected_s) <= SLOW_TOLERANCE * expected_s + SLOW_TOLERANCE_FLOOR_S
    return abs(length_s - expected_s) <= TOLERANCE * expected_s + TOLERANCE_FLOOR_S


def pieces(spoken: str) -> list[str]:
    """The text cut at its sentences, and a sentence that is too long at its clauses, so that memory stays bounded."""
    cut: list[str] = []
    for sentence in _SENTENCE.findall(spoken):
        if _size(sentence) <= _LONGEST_PIECE_SYLLABLES:
            cut.append(sentence)
        else:
            cut.extend(_clauses(sentence))
    return [piece for piece in cut if _size(piece)]


def _size(words: str) -> int:
    """Syllables and single letters; for the built-in voice the letters are written as syllables already."""
    return syllables(words) + len(_LETTER.findall(words))


def _clauses(sentence: str) -> list[str]:
    cut, current = [], ""
    for clause in _CLAUSE.findall(sentence):
        for part in _slices(clause):
            if current and _size(current + part) > _LONGEST_PIECE_SYLLABLES:
                cut.append(current)
                current = ""
            current += part
    return [*cut, current]


def _slices(clause: str) -> list[str]:
    """A clause without any pause in 120 syllables is no sentence a person wrote; it is cut where it has to be."""
    units = re.findall(r"\[\[[^\]]*\]\]|.", clause)
    return [
        "".join(units[start : start + _LONGEST_PIECE_SYLLABLES])
        for start in range(0, len(units), _LONGEST_PIECE_SYLLABLES)
    ]


def _stretch(rate_wpm: int) -> float:
    for (slow, long), (fast, short) in pairwise(_STRETCH):
        if slow <= rate_wpm <= fast:
            return long + (short - long) * (rate_wpm - slow) / (fast - slow)
    raise ValueError(f"no speech was measured at {rate_wpm} words per minute")
