"""What has become true, in the past tense. State changes only by applying these; history is folded from them.

Each fact carries `at` (microseconds on the journal's axis) and, where it matters, whom it concerns.
The journal keeps them for ever: a field is added with a default or not at all.
One catalogue in one file, long on purpose: whoever reads a journal finds every word of it here.
"""

from dataclasses import dataclass
from typing import Literal

from hotline.domain.ids import CallId, LegId, OfferId, OperatorId, PlayId, QueueId, RecordingId, TicketId
from hotline.domain.inputs import EndCause, Quality
from hotline.domain.settings import Settings
from hotline.domain.state import CallState, ExitReason, Presence, Purpose

__all__ = [
    "AccountChanged",
    "CallAnswered",
    "CallArrived",
    "CallEnded",
    "CallFailed",
    "CallMoved",
    "CallProgressed",
    "CallProven",
    "DeclineForgotten",
    "DigitTaken",
    "Fact",
    "HoldChanged",
    "HoursChecked",
    "JournalOpened",
    "LegDialled",
    "LegGone",
    "LegWasAnswered",
    "MenuMissed",
    "NodeEntered",
    "NoticeGiven",
    "OfferAccepted",
    "OfferDeclined",
    "OfferExpired",
    "OfferMade",
    "OfferRinging",
    "OfferUnreachable",
    "OfferWithdrawn",
    "OperatorBack",
    "Outcome",
    "PlayEnded",
    "PlayStarted",
    "PositionAnnounced",
    "PositionKept",
    "PresenceChanged",
    "QueueJoined",
    "QueueLeft",
    "RecordingEnded",
    "RecordingRefused",
    "RecordingStarted",
    "SettingsTaken",
    "SwitchBegan",
    "TalkEnded",
    "TalkStarted",
    "TrunkHealthChanged",
    "VoicemailLeft",
    "WasAway",
    "WrapUpEnded",
    "WrapUpStarted",
]

Outcome = Literal[
    "blocked_capacity",
    "blocked_defence",
    "lost_before_answer",
    "menu_abandon",
    "self_served",
    "closed_hours",
    "voicemail",
    "system_failure",
    "answered",
    "short_abandon",
    "abandoned_waiting",
    "abandoned_ringing",
    "timeout_exit",
    "key_exit",
    "no_operator_exit",
    "full_exit",
    "closed_exit",
    "queue_system_failure",
]
"""FEATURES.md 5.1: each call ends in exactly one; the last nine were offered to a queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    at: int


# --- the hotline as a whole -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOpened(_Fact):
    """A journal began; `seed` makes its names unique."""

    seed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsTaken(_Fact):
    """From here on these settings hold; calls keep the flows they began with."""

    settings: Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchBegan(_Fact):
    """A new switch; the legs of the one before are gone (each has its own LegGone)."""

    boot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WasAway(_Fact):
    """The engine was away from `since` until now; nobody is blamed for the gap."""

    since: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrunkHealthChanged(_Fact):
    """A carrier connection went down or came up."""

    trunk: str
    up: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChanged(_Fact):
    """A registered phone came or went."""

    account: str
    reachable: bool


# --- a call and its flow --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CallArrived(_Fact):
    """t0. `number` is the entry of the settings that matched, an operator's dial code, or empty."""

    utc: int
    call: CallId
    leg: LegId
    number: str
    called: str
    caller: str
    caller_name: str
    trunk: str | None
    account: str | None
    proven: bool
    flow: str
    language: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProven(_Fact):
    """The caller's address is real: his ACK came."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnswered(_Fact):
    """t1: the answer signal; billing begins."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class CallProgressed(_Fact):
    """Early media is open: the caller hears us, unbilled."""

    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntered(_Fact):
    """The call has come to a node of its flow, which begins in `state`."""

    call: CallId
    node: str
    state: CallState


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMoved(_Fact):
    """Within its node the call is now in `state`, at the latest until `until`."""

    call: CallId
    state: CallState
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursChecked(_Fact):
    """The call asked whether we are open."""

    call: CallId
    table: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed(_Fact):
    """Our fault: the flow leads nowhere, or runs in a circle."""

    call: CallId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayStarted(_Fact):
    """A leg hears something from here on, unless the switch refuses it."""

    call: CallId
    leg: LegId
    play: PlayId
    purpose: Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayEnded(_Fact):
    """It hears it no longer."""

    call: CallId
    play: PlayId
    reason: Literal["finished", "stopped", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DigitTaken(_Fact):
    """A key that means something where the call is; `until` bounds the wait for the next one."""

    call: CallId
    digit: str
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuMissed(_Fact):
    """No key, or a key that leads nowhere."""

    call: CallId
    node: str
    pressed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeGiven(_Fact):
    """The caller has heard that he will be recorded; `refuse_key` keeps him unrecorded until he is connected."""

    call: CallId
    refuse_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRefused(_Fact):
    """He is not recorded: he pressed the key, or the notice could not be played to him."""

    call: CallId
    because: Literal["key", "notice_failed"] = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEnded(_Fact):
    """t6 of the caller. `billed_ms` runs from the answer signal to here."""

    call: CallId
    outcome: Outcome
    ended_by: Literal["caller", "operator", "system"]
    billed_ms: int
    cause: EndCause
    q850: int


# --- legs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LegDialled(_Fact):
    """We rang somebody; `target` is the first address that is tried."""

    leg: LegId
    call: CallId
    target: str
    operator: OperatorId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegWasAnswered(_Fact):
    """The far end answered, or acknowledged our answer."""

    leg: LegId
    call: CallId


@dataclass(frozen=True, slots=True, kw_only=True)
class LegGone(_Fact):
    """A connection has ended; `operator` is set when it was to one."""

    leg: LegId
    call: CallId
    cause: EndCause
    code: int
    q850: int
    quality: Quality
    operator: OperatorId | None = None


# --- the queue ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueJoined(_Fact):
    """t2. `since` is the ticket's own clock: kept when the caller comes back through the menu."""

    call: CallId
    ticket: TicketId
    queue: QueueId
    since: int
    wait_until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAnnounced(_Fact):
    """The caller was told his position; `announce_up_to` + 1 stands for "more than"."""

    call: CallId
    ticket: TicketId
    position: int
    next_at: int | None = None
    """When there may be another announcement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionKept(_Fact):
    """There was nothing better to announce; `next_at` is when it is looked at again."""

    ticket: TicketId
    next_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLeft(_Fact):
    """`waited_ms` counts from the ticket's own clock."""

    call: CallId
    ticket: TicketId
    queue: QueueId
    reason: ExitReason
    waited_ms: int
    short: bool = False
    """Abandoned within the queue's short-abandon time."""
    ringing: bool = False
    """Abandoned while a phone was ringing for him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMade(_Fact):
    """t3, when it is the ticket's first. The operator is ringing until `expires_at`."""

    offer: OfferId
    call: CallId
    ticket: TicketId
    queue: QueueId
    operator: OperatorId
    leg: LegId
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRinging(_Fact):
    """His phone said 180."""

    offer: OfferId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAccepted(_Fact):
    """He answered."""

    offer: OfferId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferDeclined(_Fact):
    """His phone refused, by his hand or because it was busy: no miss."""

    offer: OfferId
    code: int
    until: int
    """He does not get this ticket again before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineForgotten(_Fact):
    """The operator may be offered this ticket again."""

    ticket: TicketId
    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferExpired(_Fact):
    """A miss (RONA): he did not answer in time; the caller is back in his place."""

    offer: OfferId
    misses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferUnreachable(_Fact):
    """His device could not be reached: nobody's miss."""

    offer: OfferId
    code: int
    until: int
    """He is tried again then, or when his phone registers anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorBack(_Fact):
    """The pause after an unreachable device is over."""

    operator: OperatorId


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferWithdrawn(_Fact):
    """The caller left or another won."""

    offer: OfferId
    reason: Literal["caller_left", "other_won", "switch_lost", "operator_left"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkStarted(_Fact):
    """t4 = t5: operator and caller hear each other."""

    call: CallId
    operator: OperatorId
    leg: LegId
    queue: QueueId
    room: str
    waited_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldChanged(_Fact):
    """The operator, or the caller, holds the other or takes him back."""

    call: CallId
    by: Literal["caller", "operator"]
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkEnded(_Fact):
    """t6 of the talk. `talked_ms` runs from TalkStarted and has `held_ms` in it."""

    call: CallId
    operator: OperatorId
    talked_ms: int
    held_ms: int
    ended_by: Literal["caller", "operator", "system"]


# --- operators ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChanged(_Fact):
    """What the operator chose, or what the system chose for him: always with who and why."""

    operator: OperatorId
    presence: Presence
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpStarted(_Fact):
    """After-call work; t7 is its end."""

    operator: OperatorId
    call: CallId
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WrapUpEnded(_Fact):
    """He may be offered calls again."""

    operator: OperatorId
    by: Literal["operator", "timer", "system"]


# --- recordings -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted(_Fact):
    """Recording was asked for; the switch may still refuse it."""

    recording: RecordingId
    call: CallId
    name: str
    kind: Literal["talk", "voicemail"]
    legs: tuple[LegId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingEnded(_Fact):
    """The file is closed; an empty `path` means that there is none."""

    recording: RecordingId
    call: CallId
    path: str
    duration_ms: int
    size: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoicemailLeft(_Fact):
    """A message long enough to be one."""

    call: CallId
    mailbox: str
    recording: RecordingId
    duration_ms: int


Fact = (
    JournalOpened
    | SettingsTaken
    | SwitchBegan
    | WasAway
    | TrunkHealthChanged
    | AccountChanged
    | CallArrived
    | CallProven
    | CallAnswered
    | CallProgressed
    | NodeEntered
    | CallMoved
    | HoursChecked
    | CallFailed
    | PlayStarted
    | PlayEnded
    | DigitTaken
    | MenuMissed
    | NoticeGiven
    | RecordingRefused
    | CallEnded
    | LegDialled
    | LegWasAnswered
    | LegGone
    | QueueJoined
    | PositionAnnounced
    | PositionKept
    | QueueLeft
    | OfferMade
    | OfferRinging
    | OfferAccepted
    | OfferDeclined
    | DeclineForgotten
    | OfferExpired
    | OfferUnreachable
    | OperatorBack
    | OfferWithdrawn
    | TalkStarted
    | HoldChanged
    | TalkEnded
    | PresenceChanged
    | WrapUpStarted
    | WrapUpEnded
    | RecordingStarted
    | RecordingEnded
    | VoicemailLeft
)
