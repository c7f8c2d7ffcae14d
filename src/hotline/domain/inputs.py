"""What comes in: events of the switch, actions of people, the passing of time.

Every input carries `at` (microseconds on the journal's axis) and `utc` (microseconds since 1970).
"""

from dataclasses import dataclass
from typing import Literal

from hotline.domain.ids import CallId, LegId, OperatorId, PlayId, RecordingId
from hotline.domain.settings import Settings

__all__ = [
    "CommandRefused",
    "DigitPressed",
    "HangUpCall",
    "HoldRequested",
    "Input",
    "LegAnswered",
    "LegArrived",
    "LegEnded",
    "LegProgress",
    "Opened",
    "PlaybackEnded",
    "PresenceChosen",
    "Quality",
    "RecordingClosed",
    "RegistrationChanged",
    "Resumed",
    "SettingsChanged",
    "SwitchLost",
    "TimeCame",
    "TrunkChanged",
    "WrapUpFinished",
]

EndCause = Literal[
    "peer", "us", "refused", "ring_timeout", "withdrawn", "unreachable", "never_acked", "silent", "orphaned", "lost"
]
"""As the switch says it (`frames.EndCause`), and `lost`: the leg died with the switch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Input:
    at: int
    utc: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Sums of a leg's media since it began (crates/control frames.rs)."""

    packets_in: int = 0
    packets_out: int = 0
    lost: int = 0
    jitter_us: int = 0
    rtt_us: int = 0
    max_gap_ms: int = 0
    foreign: int = 0


# --- from the switch ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LegArrived(_Input):
    """Somebody calls. Numbers are E.164 where they are telephone numbers, else as received; `caller` may be empty."""

    leg: LegId
    called: str
    caller: str
    caller_name: str = ""
    trunk: str | None = None
    account: str | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LegProgress(_Input):
    """A provisional answer of a dialled leg; `code` is its SIP status."""

    leg: LegId
    code: int
    early_media: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered(_Input):
    """A dialled leg was answered, or our answer to an arriving leg was acknowledged (that proves the caller)."""

    leg: LegId
    answered_at: int
    """When the 200 was sent or received, on the journal's axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LegEnded(_Input):
    """A leg is gone: exactly one for each."""

    leg: LegId
    cause: EndCause
    code: int = 0
    q850: int = 0
    quality: Quality = Quality()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed(_Input):
    """One key: 0-9, *, #, A-D."""

    leg: LegId
    digit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackEnded(_Input):
    """A play has ended, by itself, by command, or because it could not be played."""

    leg: LegId
    play: PlayId
    reason: Literal["finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingClosed(_Input):
    """A recording is on disk."""

    recording: RecordingId
    path: str
    duration_ms: int
    size: int
    reason: Literal["stopped", "legs_ended", "max_length", "disk_full", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequested(_Input):
    """The far end holds us, or takes us back (re-INVITE)."""

    leg: LegId
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationChanged(_Input):
    """An account's phone can be reached, or no longer."""

    account: str
    reachable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkChanged(_Input):
    """A carrier connection went down or came up."""

    trunk: str
    up: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused(_Input):
    """The switch could not do what was asked, most often because the leg is gone."""

    leg: LegId | None
    command: str
    reason: str
    recording: RecordingId | None = None
    """Which, when the command was Record and its name is known; else it is found by the leg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchLost(_Input):
    """The switch began anew (a new boot): every leg of the old one is gone."""

    boot: int


# --- from people and the engine -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(_Input):
    """A journal begins: `seed` makes names unique across journals."""

    seed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChanged(_Input):
    """The owner's settings, new or the same."""

    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChosen(_Input):
    """An operator (or somebody for him) chose: `ready`, `paused` with a reason, `signed_out`."""

    operator: OperatorId
    presence: Literal["ready", "paused", "signed_out"]
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpFinished(_Input):
    """An operator is done with his after-call work."""

    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUpCall(_Input):
    """Somebody in charge ends a call."""

    call: CallId
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeCame(_Input):
    """Due times up to `at` have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(_Input):
    """The engine was away from `since` to `at`; nobody is blamed for the gap."""

    since: int


Input = (
    LegArrived
    | LegProgress
    | LegAnswered
    | LegEnded
    | DigitPressed
    | PlaybackEnded
    | RecordingClosed
    | HoldRequested
    | RegistrationChanged
    | TrunkChanged
    | CommandRefused
    | SwitchLost
    | Opened
    | SettingsChanged
    | PresenceChosen
    | WrapUpFinished
    | HangUpCall
    | TimeCame
    | Resumed
)
