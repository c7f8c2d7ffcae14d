"""Speech: turns the domain's phrases into sound files, from the shipped pack or a voice."""

from hotline.speech.speech import Speech

__all__ = ["Speech"]
