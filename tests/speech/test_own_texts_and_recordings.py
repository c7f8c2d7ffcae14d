"""The owner's own words and files: rendered and copied once, named by content, told when unheard."""

import logging
import wave
from pathlib import Path

import pytest

from hotline.domain.phrases import Music, OwnFile, OwnText, PackPhrase, Position
from hotline.speech import Speech, engines
from hotline.speech.pack import SHIPPED
from tests.speech.kit import absent, company, tone_file, voice

OWN = OwnText(text="Магазин закрыт на учёт.")


def test_with_no_engine_the_pack_speaks(tmp_path: Path) -> None:
    """A first call sounds good on a machine without any voice."""
    speech = Speech(tmp_path / "sounds", engines=())
    settings = company(PackPhrase(key="welcome"), music=Music(), greeting=(PackPhrase(key="please-wait"),))

    assert [] == speech.prepare(settings)
    assert [str(SHIPPED / "ru/welcome.flac")] == speech.sounds(PackPhrase(key="welcome"), "ru")
    assert [str(SHIPPED / "en/position-3.flac")] == speech.sounds(Position(number=3), "en")
    assert [str(SHIPPED / "common/hold.flac")] == speech.sounds(Music(), "ru")
    assert not (tmp_path / "sounds").exists()


def test_with_no_engine_an_own_text_is_a_finding_that_says_what_to_do(tmp_path: Path) -> None:
    """It names place, language, packages, the way out and the text."""
    speech = Speech(tmp_path, engines=(absent(), absent("en")))
    (finding,) = speech.prepare(company(OWN))

    assert finding.severity == "error"
    assert finding.where == "flow main, hello"
    assert finding.sentence == (
        'no voice for this text in Russian: install absent-voice, or give a recorded file: "Магазин закрыт на учёт."'
    )
    assert speech.voice_of(OWN.text, "ru") == "no voice"


def test_an_own_text_is_rendered_by_the_first_installed_voice_and_trimmed(tmp_path: Path) -> None:
    """Half a second of silence around it becomes 60 ms at each end."""
    engine = voice(tmp_path)
    speech = Speech(tmp_path / "sounds", engines=(absent(), engine))

    assert [] == speech.prepare(company(OWN))
    (file,) = speech.sounds(OWN, "ru")
    with wave.open(file) as sound:
        seconds = sound.getnframes() / sound.getframerate()
    assert seconds == pytest.approx(0.05 * len(OWN.text) + 0.12, abs=0.02)
    assert speech.voice_of(OWN.text, "ru") == "tester tone"


def test_a_text_is_rendered_once(tmp_path: Path) -> None:
    """A second start finds the file; spaces and line ends make no other text."""
    engine = voice(tmp_path)
    first = Speech(tmp_path / "sounds", engines=(engine,))
    first.prepare(company(OWN))
    (file,) = first.sounds(OWN, "ru")
    made = Path(file).stat()
    again = Speech(tmp_path / "sounds", engines=(engine,))
    spaced = OwnText(text=" Магазин закрыт\n на учёт. ")
    again.prepare(company(spaced))

    assert [file] == again.sounds(spaced, "ru")
    assert (made.st_ino, made.st_mtime_ns) == (Path(file).stat().st_ino, Path(file).stat().st_mtime_ns)


def test_another_voice_gives_another_file(tmp_path: Path) -> None:
    """The old file stays: someone may be listening to it."""
    files = set()
    for name in ("anna", "boris"):
        speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path, name=name),))
        speech.prepare(company(OWN))
        files.update(speech.sounds(OWN, "ru"))

    assert len(files) == 2
    assert all(Path(file).exists() for file in files)


def test_a_text_that_the_pack_says_needs_no_voice(tmp_path: Path) -> None:
    """Word for word the recorded phrase: it is preferred to any engine."""
    text = OwnText(text="Спасибо за звонок. До свидания!")
    speech = Speech(tmp_path, engines=())

    assert [] == speech.prepare(company(text))
    assert [str(SHIPPED / "ru/goodbye.flac")] == speech.sounds(text, "ru")
    assert speech.voice_of(text.text, "ru") == "rhvoice irina (recorded)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("crash", "tester ended with code 1: the voice has a cold"),
        ("silence", "tester wrote only silence"),
        ("nothing", "tester wrote no readable sound"),
    ],
)
def test_a_voice_that_fails_is_told_and_leaves_nothing_behind(tmp_path: Path, text: str, reason: str) -> None:
    """No draft, no empty sound under a good name."""
    speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path),))
    (finding,) = speech.prepare(company(OwnText(text=text), OWN))

    assert reason in finding.sentence
    assert len(list((tmp_path / "sounds").iterdir())) == 1
    assert [] == speech.sounds(OwnText(text=text), "ru")


def test_a_voice_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start of the hotline does not wait for it for ever."""
    monkeypatch.setattr(engines, "RENDER_TIMEOUT_S", 0.5)
    speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path),))
    (finding,) = speech.prepare(company(OwnText(text="hang")))

    assert "did not finish within 0.5 s" in finding.sentence


@pytest.mark.parametrize(
    ("text", "reason"),
    [("  ", "nothing to say"), ("— 😀!", "nothing to say"), ("а" * 2001, "longer than 2000 characters")],
)
def test_a_text_that_cannot_be_said_is_told(tmp_path: Path, text: str, reason: str) -> None:
    """Empty and endless texts never reach a voice."""
    (finding,) = Speech(tmp_path, engines=(voice(tmp_path),)).prepare(company(OwnText(text=text)))

    assert reason in finding.sentence


def test_a_flow_with_two_languages_is_prepared_in_both(tmp_path: Path) -> None:
    """A voice that is missing for one of them is told for that one."""
    settings = company(OwnText(text="Hello there"), language="en")
    speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path), absent("en")))
    (finding,) = speech.prepare(settings)

    assert "in English" in finding.sentence


@pytest.mark.parametrize(
    ("text", "language", "remark"),
    [
        ("Магазин закрыт", "en", "a voice that speaks English"),
        ("For English press two", "ru", "a voice that speaks Russian"),
        ("Ваш iPhone готов", "ru", None),
        ("Your phone is ready", "en", None),
        ("8 800 555", "ru", None),
    ],
)
def test_a_text_in_the_letters_of_another_language_is_remarked(
    tmp_path: Path, text: str, language: str, remark: str | None
) -> None:
    """It is made all the same: the owner may mean it."""
    speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path), voice(tmp_path, "en")))
    findings = speech.prepare(company(OwnText(text=text), language=language))

    assert [finding.severity for finding in findings] == (["warning"] if remark else [])
    assert all(remark in finding.sentence for finding in findings if remark)
    assert speech.sounds(OwnText(text=text), language)


def test_a_recording_is_copied_by_its_content(tmp_path: Path) -> None:
    """The owner may change his file: what plays under the old path stays what it was."""
    mine = tone_file(tmp_path / "Hello.WAV")
    speech = Speech(tmp_path / "sounds", engines=())
    assert [] == speech.prepare(company(OwnFile(path=str(mine)), music=Music(path=str(mine))))
    (first,) = speech.sounds(OwnFile(path=str(mine)), "ru")
    before = Path(first).read_bytes()
    assert [first] == speech.sounds(Music(path=str(mine)), "ru")

    tone_file(mine, seconds=0.7)
    assert [] == speech.prepare(company(OwnFile(path=str(mine))))
    (second,) = speech.sounds(OwnFile(path=str(mine)), "ru")

    assert first != second
    assert before == Path(first).read_bytes()
    assert second.endswith(".wav")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "there is no such file"),
        (b"", "the file is empty"),
        (b"#!/bin/sh\necho this is no music\n", "this is no WAV, MP3, Ogg or FLAC file"),
        (b"RIFF\0\0\0\0AVI LIST", "this is no WAV, MP3, Ogg or FLAC file"),
    ],
)
def test_a_file_that_is_no_sound_is_told(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """By its first bytes, where the switch is not at hand."""
    file = tmp_path / "hello.mp3"
    if content is not None:
        file.write_bytes(content)
    (finding,) = Speech(tmp_path / "sounds", engines=()).prepare(company(OwnFile(path=str(file))))

    assert finding.sentence == f"{file}: {reason}"
    assert [] == Speech(tmp_path / "sounds", engines=()).sounds(OwnFile(path=str(file)), "ru")


@pytest.mark.parametrize("head", [b"ID3\x04", b"\xff\xfb\x90\x64", b"\xff\xf3\x40\xc4", b"OggS\0\x02", b"fLaC\0"])
def test_the_known_containers_are_accepted(tmp_path: Path, head: bytes) -> None:
    """MP3 with and without a tag, Ogg, FLAC."""
    file = tmp_path / "hello"
    file.write_bytes(head + bytes(100))

    assert [] == Speech(tmp_path / "sounds", engines=()).prepare(company(OwnFile(path=str(file))))


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    """Nor is it read."""
    (finding,) = Speech(tmp_path / "sounds", engines=()).prepare(company(OwnFile(path=str(tmp_path))))

    assert finding.sentence == f"{tmp_path}: this is not a file"


def test_the_switch_has_the_last_word_on_a_file(tmp_path: Path) -> None:
    """What it says on its error output becomes the finding."""
    mine = tone_file(tmp_path / "hello.wav")
    switch = tmp_path / "switch"
    switch.write_text(
        '#!/bin/sh\n[ "$1 $3" = "sound --json" ] || exit 2\necho "hotline-switch: $2: it is cut short" >&2\nexit 1\n'
    )
    switch.chmod(0o755)
    speech = Speech(tmp_path / "sounds", engines=(), switch=switch)
    (finding,) = speech.prepare(company(OwnFile(path=str(mine))))
    assert finding.sentence == f"{mine}: it is cut short"

    switch.write_text('#!/bin/sh\necho \'{"duration_ms": 500, "lufs": -20.0, "peak": 0.2}\'\n')
    assert [] == speech.prepare(company(OwnFile(path=str(mine))))


def test_a_phrase_that_the_pack_lacks_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As a finding at start; in the log once, however many callers come."""
    speech = Speech(tmp_path, engines=())
    (finding,) = speech.prepare(company(PackPhrase(key="no-such-thing")))
    assert finding.sentence == 'the prompt pack has no phrase "no-such-thing" in Russian'

    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            assert [] == speech.sounds(PackPhrase(key="no-such-thing"), "ru")
    assert len(caplog.records) == 1


def test_calls_go_on_with_the_settings_they_began_with(tmp_path: Path) -> None:
    """After a reload the sounds of the former settings are still known."""
    speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path),))
    speech.prepare(company(OWN))
    before = speech.sounds(OWN, "ru")
    speech.prepare(company(OwnText(text="Мы снова открыты.")))

    assert before
    assert before == speech.sounds(OWN, "ru")


def test_progress_is_told_phrase_by_phrase(tmp_path: Path) -> None:
    """For a start that renders much."""
    steps: list[tuple[int, int]] = []
    speech = Speech(tmp_path / "sounds", engines=(voice(tmp_path),))
    speech.prepare(company(OWN, PackPhrase(key="goodbye")), lambda done, of: steps.append((done, of)))

    assert [(1, 2), (2, 2)] == steps


def test_a_cache_that_takes_no_file_is_told(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "sounds").write_text("in the way")
    (finding,) = Speech(tmp_path / "sounds", engines=(voice(tmp_path),)).prepare(company(OWN))

    assert "could not be kept" in finding.sentence
