"""A recording's name becomes a path under its root and no other."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotline.domain.ids import RecordingId
from hotline.domain.recording import name as domain_name
from hotline.files.places import NOTE, NameRefused, locate, parse, plain, read_note, recordings, write_note

NAME = "2026/11/23/20261123-191500-in-shop-c1-r1"


def test_a_name_tells_when_and_where(tmp_path: Path) -> None:
    """UTC, direction, and the queue by its plain name."""
    recording = parse(NAME)

    assert recording.begun_at == datetime(2026, 11, 23, 19, 15, tzinfo=UTC)
    assert recording.direction == "in"
    assert recording.is_of("shop")
    assert not recording.is_of("sho")
    assert locate(tmp_path, NAME) == tmp_path / (NAME + ".opus")


@pytest.mark.parametrize("place", ["shop", "tech support", "Склад №1", "../../etc", "", "a" * 60])
def test_the_domains_names_are_understood(tmp_path: Path, place: str) -> None:
    """Whatever the owner calls his queue: the name stays inside, and is found by the queue again."""
    name = domain_name(1_795_461_300_000_000, place, RecordingId("c7-1-r2"))

    assert parse(name).is_of(place)
    assert locate(tmp_path, name).is_relative_to(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "2026/11/23/../../../etc/passwd",
        "2026/11/23/20261123-191500-in-shop/../../x",
        "2026/11/24/20261123-191500-in-shop-c1",
        "2026/13/40/20261340-191500-in-shop-c1",
        "2026/11/23/20261123-191500-in-shop-c1\0",
        "2026/11/23/20261123-191500-in-shop-c1\n",
        "2026/11/23/20261123-191500-up-shop-c1",
        "2026\\11\\23\\20261123-191500-in-shop-c1",
        NAME + ".opus",
        NAME + "x" * 300,
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    """By its form, before any file is touched."""
    with pytest.raises(NameRefused):
        locate(tmp_path, name)


@given(st.text(max_size=80))
def test_no_text_leads_out_of_the_root(text: str) -> None:
    """Any text is a name inside, or is refused."""
    root = Path("/recordings")
    for name in (text, f"2026/11/23/{text}", f"2026/11/23/20261123-191500-in-{text}"):
        try:
            path = locate(root, name)
        except NameRefused:
            continue
        assert path.resolve().is_relative_to(root)
        assert path.suffix == ".opus"


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    """Even where the name itself is in order."""
    outside = tmp_path / "outside"
    outside.mkdir()
    root = tmp_path / "recordings"
    (root / "2026/11").mkdir(parents=True)
    (root / "2026/11/23").symlink_to(outside)

    with pytest.raises(NameRefused, match="leads out"):
        locate(root, NAME)


def test_recordings_are_listed_by_day_and_strangers_passed_over(tmp_path: Path) -> None:
    """Notes, drafts and other people's files are no recordings."""
    names = ["2026/11/23/20261123-191500-in-shop-c2", "2026/11/22/20261122-080000-in-vip-c1"]
    for name in names:
        file = locate(tmp_path, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "2026/11/23/holiday.opus").touch()
    (tmp_path / "2026/11/23/20261122-080000-in-wrong-day.opus").touch()
    (tmp_path / "notes").mkdir()
    write_note(tmp_path, names[0], {})

    assert sorted(names) == [recording.name for recording in recordings(tmp_path)]
    assert [] == list(recordings(tmp_path / "nowhere"))


def test_a_note_lies_beside_its_recording_and_reads_back(tmp_path: Path) -> None:
    """Written whole: no draft is left, a second note takes the first one's place."""
    write_note(tmp_path, NAME, {"call": "c0"})
    file = write_note(tmp_path, NAME, {"call": "c1", "queue": "Склад"})

    assert file == locate(tmp_path, NAME, NOTE)
    assert {"call": "c1", "queue": "Склад"} == read_note(tmp_path, NAME)
    assert [file] == list(file.parent.iterdir())


def test_a_missing_note_is_empty_and_a_broken_one_is_an_error(tmp_path: Path) -> None:
    """Nobody mistakes damage for nothing."""
    assert {} == read_note(tmp_path, NAME)
    file = write_note(tmp_path, NAME, {})
    file.write_text("[1]")
    with pytest.raises(ValueError, match="no table"):
        read_note(tmp_path, NAME)
    file.write_text('{"call"')
    with pytest.raises(ValueError, match="Expecting"):
        read_note(tmp_path, NAME)


def test_a_note_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    """The value has no form in JSON."""
    with pytest.raises(TypeError):
        write_note(tmp_path, NAME, {"call": object()})

    assert [] == list(locate(tmp_path, NAME).parent.iterdir())


def test_a_place_without_plain_letters_has_a_name() -> None:
    """An empty one too."""
    assert plain("") == "call"
    assert plain("a/b c") == "a_b_c"
