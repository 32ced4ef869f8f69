"""What can go wrong between a text and a clip, by what the caller does next. Words are plain; traces go to the log."""


class AudioError(Exception):
    """The root of everything this package raises."""


class SpeechError(AudioError):
    """The text could not be made into a clip that is sure to be right; the same text may well succeed later."""


class NothingToSayError(SpeechError):
    """There is no word in the text that a voice could say; trying again is useless."""


class TextTooLongError(SpeechError):
    """The text is longer than any call should last; shorten it."""


class VoiceUnknownError(SpeechError):
    """The configured voice does not exist in the speech program; correct the configuration."""


class ClipStorageError(SpeechError):
    """The clip could not be written: the disk is full, read-only or broken; make room first."""


class LexiconError(AudioError):
    """The committee's pronunciation list has entries that cannot be used; `wrong` has the words of all of them."""

    def __init__(self, message: str, wrong: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.wrong = wrong


class WavError(AudioError):
    """The file is not a WAV of the kind this house makes, or it is damaged."""
