"""Both languages read and write the same bytes (`contract/`, written by crates/control)."""

import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from hotline.voice import frames

CONTRACT = Path(__file__).parents[2] / "contract"
LISTING: dict[str, list[dict[str, Any]]] = json.loads((CONTRACT / "frames.json").read_text())
UNIONS: dict[str, Any] = {"to_switch": frames.ToSwitch, "to_engine": frames.ToEngine}
CASES = [(way, entry["file"], entry["frame"]) for way in UNIONS for entry in LISTING[way]]


@pytest.mark.parametrize(("way", "file", "readable"), CASES, ids=[case[1] for case in CASES])
def test_a_golden_frame_reads_as_listed_and_writes_back_identically(
    way: str, file: str, readable: dict[str, Any]
) -> None:
    golden = (CONTRACT / file).read_bytes()
    body = golden[4:] if int.from_bytes(golden[:4], "big") == len(golden) - 4 else golden
    frame = msgspec.msgpack.decode(body, type=UNIONS[way])

    assert json.loads(msgspec.json.encode(frame)) == readable
    assert msgspec.msgpack.encode(frame) == body


def test_every_frame_command_and_event_has_a_golden_example() -> None:
    seen = set()
    for _, _, readable in CASES:
        seen.add(readable["t"])
        seen.update(inner["t"] for key in ("command", "event") if (inner := readable.get(key)))
    unions = (frames.ToSwitch, frames.ToEngine, frames.Command, frames.AnyEvent)
    ours = {kind.__name__ for union in unions for kind in get_args(union)}

    assert ours == seen


def test_a_frame_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        frames.decode(msgspec.msgpack.encode({"t": "Nonsense"}))
