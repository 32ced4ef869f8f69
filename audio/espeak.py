"""espeak-ng through pyttsx3's own binding, synchronously. It lives in the worker alone and never plays a sound.

pyttsx3's queue loses utterances and settings under load; the binding underneath it, in synchronous mode, does not.
"""

import ctypes
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import espeakng_loader

RATE_HZ = 22_050
_OK = 0
_PHONEMES_IN_BRACKETS = 0x100  # [[ ]] is phonemes; see speak_lib.h of espeak-ng 1.52
_CHARACTERS_UTF8 = 1
_PAUSE_AT_END = 0x1000
_FLAGS = _CHARACTERS_UTF8 | _PAUSE_AT_END | _PHONEMES_IN_BRACKETS
_TAKE_PHONEMES = 0


class EspeakError(Exception):
    """espeak-ng refused, or stopped before the end of the text."""


class EspeakVoiceError(EspeakError):
    """espeak-ng has no voice of this name."""


class Espeak:
    """The one instance a process may have: espeak-ng keeps its state in globals."""

    def __init__(self) -> None:
        self._binding = _load()
        self._heard: list[bytes] = []
        self._complete = False
        rate_hz = self._binding.Initialize(self._binding.AUDIO_OUTPUT_SYNCHRONOUS, 0)
        if rate_hz != RATE_HZ:
            raise EspeakError(f"espeak-ng speaks at {rate_hz} Hz instead of {RATE_HZ}")
        self._binding.SetSynthCallback(self._hear)
        self._binding.Synth("", flags=_FLAGS)  # from now on `phonemes` too understands [[ ]]

    @property
    def version(self) -> str:
        version: bytes = self._binding.Info()
        return version.decode()

    def say(self, text: str, voice: str, rate_wpm: int) -> bytes:
        """The text as 16-bit mono samples. Raises EspeakError where it was not said to its end."""
        if self._binding.SetVoiceByName(voice.encode()) != _OK:
            raise EspeakVoiceError(voice)
        self._binding.SetParameter(self._binding.RATE, rate_wpm, 0)
        if self._binding.GetParameter(self._binding.RATE) != rate_wpm:
            raise EspeakError(f"espeak-ng did not take the rate {rate_wpm}")
        self._heard.clear()
        self._complete = False
        outcome = self._binding.Synth(text, flags=_FLAGS)
        if outcome != _OK or not self._complete:
            raise EspeakError(f"espeak-ng stopped before the end of the text (code {outcome})")
        samples = b"".join(self._heard)
        self._heard.clear()
        return samples

    def phonemes(self, text: str, voice: str = "cmn") -> str:
        """How the voice would say the text, in espeak's notation, for checking the lexicon."""
        self._binding.SetVoiceByName(voice.encode())
        translate: Callable[..., bytes | None] = self._binding.dll.espeak_TextToPhonemes
        translate.restype = ctypes.c_char_p  # type: ignore[attr-defined]  # ctypes declares a foreign function this way
        buffer = ctypes.create_string_buffer(text.encode())
        rest, said = ctypes.c_void_p(ctypes.addressof(buffer)), []
        while rest.value:
            said.append((translate(ctypes.byref(rest), _CHARACTERS_UTF8, _TAKE_PHONEMES) or b"").decode())
        return " ".join(said)

    def _hear(self, wave: Any, sample_count: int, _events: Any) -> int:
        if sample_count > 0:
            self._heard.append(ctypes.string_at(wave, sample_count * 2))
        self._complete = not wave  # the last call of all comes without a buffer
        return 0


def _load() -> Any:
    # The wheel's library has to be in the process before pyttsx3 looks for one by soname.
    os.environ["ESPEAK_DATA_PATH"] = espeakng_loader.get_data_path()
    library = Path(espeakng_loader.get_library_path())
    ctypes.CDLL(str(library.with_name(library.name + ".1")), mode=ctypes.RTLD_GLOBAL)
    return import_module("pyttsx3.drivers._espeak")
