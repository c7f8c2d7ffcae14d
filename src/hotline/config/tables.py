# ruff: noqa: E501 - a key a line reads as a table
"""Every table of the file and every key of each: what may be written, and what it means when it is not.

`docs/reference/configuration.md` is drawn from here, so a key that is not explained cannot exist.
"""

from typing import Final

from hotline.config import keys
from hotline.config.keys import Key
from hotline.domain.phrases import PackPhrase

__all__ = [
    "ACCOUNT", "ADMISSION", "COMPANY", "DATABASE", "HOURS", "LOG", "METRICS", "NODES", "NUMBER", "OPERATOR", "QUEUE",
    "SECTIONS", "SIP", "TRUNK",
]  # fmt: skip

_LANGUAGES = keys.choice("ru", "en")
_SECRET = (
    Key(name="password", kind=keys.text, default="", shown="none", says='The password; better `"${A_VARIABLE}"`'),
    Key(name="password_file", kind=keys.text, default="", shown="none", says="A file whose first line is the password"),
)

COMPANY: Final = (
    Key(name="company", kind=keys.text, says="Whose hotline this is"),
    Key(name="language", kind=_LANGUAGES, default="ru", shown="ru", says="Language of numbers that name no other"),
    Key(name="region", kind=keys.text, default="RU", shown="RU", says="Country (ISO) in which numbers without + are read"),
    Key(name="data", kind=keys.text, default="var", shown="var", says="Folder of journal, history, recordings and cache, from here"),
)  # fmt: skip
SIP: Final = (
    Key(name="udp", kind=keys.address, default="0.0.0.0:5060", shown="0.0.0.0:5060", says="Where SIP over UDP is heard"),
    Key(name="tcp", kind=keys.address, default=None, shown="as udp", says="Where SIP over TCP is heard"),
    Key(name="public", kind=keys.text, default=None, shown="none",
        says='Our address behind a NAT: an IP address, or `"stun:host:port"` to find it out'),
    Key(name="rtp", kind=keys.ports, default=(16384, 32767), shown="16384-32767", says="Ports of sound, two to a leg"),
    Key(name="media_threads", kind=keys.whole(0, 256), default=0, shown="0", says="Threads of sound; 0 = processors less one"),
    Key(name="max_legs", kind=keys.whole(1, 100_000), default=4000, shown="4000", says="Legs at once; more are refused with 503"),
)  # fmt: skip
ADMISSION: Final = (
    Key(name="open", kind=keys.network, default=(), shown="[]", says="Networks from which anybody may call; trunks need none"),
    Key(name="phones", kind=keys.network, default=None, shown="everywhere, when there are accounts",
        says="Networks from which accounts may register and call"),
    Key(name="blocked", kind=keys.network, default=(), shown="[]", says="Networks that are refused before anything else"),
    Key(name="max_unproven", kind=keys.whole(0, 100_000), default=200, shown="200",
        says="Calls at once from open networks whose callers have not shown that their address is real"),
    Key(name="per_source", kind=keys.whole(1, 100_000), default=20, shown="20",
        says="Requests a second from one source that is no trunk"),
    Key(name="retry_after", kind=keys.duration, default=5000, shown="5s", says="What a refused caller is told to wait"),
)  # fmt: skip
DATABASE: Final = (
    Key(name="url", kind=keys.text, default="", shown="SQLite in the data folder",
        says='`"postgresql://user:${PASSWORD}@host/name"` or `"sqlite:///path"`'),
)  # fmt: skip
METRICS: Final = (
    Key(name="engine", kind=keys.address, default=None, shown="off", says="Where Prometheus may ask the engine"),
    Key(name="switch", kind=keys.address, default=None, shown="off", says="Where Prometheus may ask the switch"),
)
LOG: Final = (
    Key(name="level", kind=keys.choice("debug", "info", "warning", "error"), default="info", shown="info", says="What is logged"),
)  # fmt: skip
TRUNK: Final = (
    Key(name="name", kind=keys.text, says="What it is called in reports"),
    Key(name="mode", kind=keys.choice("trusted", "registered"), default="trusted", shown="trusted",
        says="`trusted`: its addresses are the proof; `registered`: we register at the provider"),
    Key(name="addresses", kind=keys.network, default=(), shown="[]", says="Networks its calls come from"),
    Key(name="servers", kind=keys.texts, default=(), shown="[]", says="`host:port` of the provider, tried in order"),
    Key(name="user", kind=keys.text, default="", shown="none", says="The login the provider gave"),
    *_SECRET,
    Key(name="realm", kind=keys.text, default="", shown="the first that asks", says="Whose challenge may be answered"),
    Key(name="expires", kind=keys.duration, default=300_000, shown="5m", says="How long one registration lasts"),
    Key(name="options_every", kind=keys.duration, default=30_000, shown="30s", says="How often its health is asked; 0s = never"),
    Key(name="max_channels", kind=keys.whole(0, 100_000), default=0, shown="0", says="Calls at once that the provider allows; 0 = any"),
    Key(name="behind_nat", kind=keys.flag, default=False, shown="false", says="Its sound comes from where its signalling comes"),
    Key(name="allow_refer", kind=keys.flag, default=False, shown="false", says="Whether REFER may be sent to it"),
)  # fmt: skip
ACCOUNT: Final = (Key(name="name", kind=keys.text, says="The login of a phone"), *_SECRET)
NUMBER: Final = (
    Key(name="number", kind=keys.text, says="As people write it: `8 800 ...`, `+7 ...`, or a short number"),
    Key(name="flow", kind=keys.text, says="What answers it"),
    Key(name="language", kind=_LANGUAGES, default=None, shown="the company's", says="What is spoken"),
    Key(name="answer_by", kind=keys.duration, default=None, shown="never",
        says="Sound before the answer is answered after this long, before the provider cuts it off"),
)  # fmt: skip
OPERATOR: Final = (
    Key(name="id", kind=keys.text, default=None, shown="", says="A short name, used by queues and reports"),
    Key(name="range", kind=keys.names, default=None, shown="", says='Many alike instead of `id`: `"op1..op20"`'),
    Key(name="name", kind=keys.text, default=None, shown="the id", says="The person's name"),
    Key(name="device", kind=keys.texts, default=None, shown="account:ID",
        says='Phones in the order they are rung: `"account:NAME"`, or `"sip:user@host:port"`; `{id}` is filled in'),
    *_SECRET,
    Key(name="misses_to_pause", kind=keys.whole(0, 1000), default=2, shown="2", says="Missed calls in a row until he is paused"),
)  # fmt: skip
QUEUE: Final = (
    Key(name="operators", kind=keys.names, default=(), shown="[]", says='Who answers; ranges such as `"op1..op20"` too'),
    Key(name="strategy", kind=keys.choice("longest_idle"), default="longest_idle", shown="longest_idle", says="Who is rung first"),
    Key(name="music", kind=keys.text, default=None, shown="the shipped piece", says="A sound file: WAV, MP3, Ogg or FLAC"),
    Key(name="ring", kind=keys.duration, default=20_000, shown="20s", says="How long one operator is rung"),
    Key(name="wrap_up", kind=keys.duration, default=0, shown="0s", says="Rest after a conversation"),
    Key(name="max_wait", kind=keys.duration, default=None, shown="for ever", says="Then the caller takes `on_timeout`"),
    Key(name="max_length", kind=keys.whole(0, 100_000), default=None, shown="any", says="More callers take `on_full`"),
    Key(name="no_operator", kind=keys.choice("wait", "leave"), default="wait", shown="wait",
        says="When nobody is signed in: wait, or take `on_no_operator` at once"),
    Key(name="greeting", kind=keys.phrases, default=(), shown="[]", says="Said once on the way in"),
    Key(name="announce_position", kind=keys.flag, default=True, shown="true", says="Tell the position, when it has improved"),
    Key(name="announce_gap", kind=keys.duration, default=30_000, shown="30s", says="The least time between two announcements"),
    Key(name="announce_up_to", kind=keys.whole(1, 30), default=30, shown="30", says='Beyond it "more than N" is said'),
    Key(name="record", kind=keys.flag, default=False, shown="false", says="Record conversations, in two channels"),
    Key(name="recording_days", kind=keys.whole(1, 36_500), default=90, shown="90", says="Then a recording is deleted"),
    Key(name="service_level", kind=keys.duration, default=20_000, shown="20s", says="An answer within it is in time"),
    Key(name="short_abandon", kind=keys.duration, default=5000, shown="5s", says="Who hangs up sooner is counted apart"),
    Key(name="waiver", kind=keys.text, default=None, shown="none",
        says="Why no human needs to be in reach from here; `hotline check` lists it"),
)  # fmt: skip
HOURS: Final = (
    Key(name="zone", kind=keys.text, says='Time zone: `"Europe/Moscow"`'),
    Key(name="holidays", kind=keys.text, default=None, shown="none",
        says='Country (and region) whose public holidays are closed: `"RU"`, `"DE-BY"`; moved working days are open as on Fridays'),
    Key(name="exceptions", kind=keys.table, default={}, shown="{}",
        says='Days that differ: `"2026-12-31" = "9:00-15:00"`, `"2027-01-09..2027-01-11" = "closed"`'),
)  # fmt: skip

_SAY = Key(name="say", kind=keys.phrases, says="What is said")
_NEXT = Key(name="next", kind=keys.text, default=None, shown="the node below", says="Where the call goes on")
_TURN = "Where the call goes on"
_DONE = Key(name="next", kind=keys.text, default=None, shown="hang up", says="Where the call goes on afterwards")
NODES: Final = {
    "answer": (_NEXT,),
    "say": (_SAY, _NEXT),
    "recording_notice": (
        Key(name="say", kind=keys.phrases, default=(PackPhrase(key="recording-notice-refusable"),), shown="the shipped notice",
            says="What is said"),
        Key(name="refuse_key", kind=keys.text, default="7", shown="7", says="The key that keeps the call unrecorded"),
        _NEXT,
    ),
    "menu": (
        _SAY,
        Key(name="choices", kind=keys.table, says="Pressed keys and the nodes they lead to; 0 leads to a human unless said"),
        Key(name="failed", kind=keys.text, default=None, shown="the flow's first queue", says="Where it goes without a valid key"),
        Key(name="barge_in", kind=keys.flag, default=True, shown="true", says="A key ends the prompt"),
        Key(name="first_digit", kind=keys.duration, default=6000, shown="6s", says="How long the first key is awaited"),
        Key(name="inter_digit", kind=keys.duration, default=3000, shown="3s", says="How long each further key is awaited"),
        Key(name="retries", kind=keys.whole(0, 10), default=2, shown="2", says="How often the menu is said again"),
        Key(name="wrong_key", kind=keys.phrases, default=(PackPhrase(key="wrong-key"),), shown="the shipped phrase",
            says="Said after a key that leads nowhere"),
        Key(name="no_input", kind=keys.phrases, default=(PackPhrase(key="no-input"),), shown="the shipped phrase",
            says="Said when no key came"),
    ),
    "hours": (
        Key(name="table", kind=keys.text, says="Which hours"),
        Key(name="open", kind=keys.text, default=None, shown="the node below", says=_TURN),
        Key(name="closed", kind=keys.text, says=_TURN),
    ),
    "enqueue": (
        Key(name="queue", kind=keys.text, says="Which queue"),
        Key(name="on_timeout", kind=keys.text, default=None, shown="an apology, hang up", says="After `max_wait`"),
        Key(name="on_full", kind=keys.text, default=None, shown="an apology, hang up", says="At `max_length`"),
        Key(name="on_no_operator", kind=keys.text, default=None, shown="an apology, hang up", says="When nobody is signed in"),
        Key(name="keys", kind=keys.table, default={}, shown="{}", says="Keys that leave the queue and where they lead"),
    ),
    "voicemail": (
        Key(name="say", kind=keys.phrases, default=(PackPhrase(key="voicemail"),), shown="the shipped invitation",
            says="What is said before the tone"),
        Key(name="mailbox", kind=keys.text, says="Under which name messages are kept"),
        Key(name="max", kind=keys.duration, default=120_000, shown="2m", says="Longest message"),
        Key(name="min", kind=keys.duration, default=1000, shown="1s", says="A shorter one does not count"),
        _DONE,
    ),
    "echo": (
        Key(name="say", kind=keys.phrases, default=(), shown="nothing", says="What is said first"),
        Key(name="max", kind=keys.duration, default=60_000, shown="1m", says="How long the caller may listen to himself"),
        _DONE,
    ),
    "hangup": (
        Key(name="say", kind=keys.phrases, default=(), shown="nothing", says="What is said first"),
        Key(name="cause", kind=keys.whole(1, 127), default=16, shown="16", says="The Q.850 cause"),
    ),
}  # fmt: skip

SECTIONS: Final = (
    ("The company", "", "At the top of the file, before any table.", COMPANY),
    ("SIP and sound", "[sip]", "Ports and addresses. A change needs a restart.", SIP),
    ("Who may call", "[admission]", "Everybody else gets silence.", ADMISSION),
    ("History", "[database]", "A projection of the journal; it may be away for a while.", DATABASE),
    ("Figures", "[metrics]", "Prometheus, on a local port.", METRICS),
    ("Log", "[log]", "JSON lines on standard error, numbers masked.", LOG),
    ("Trunks", "[[trunks]]", "Connections to carriers.", TRUNK),
    ("Accounts", "[[accounts]]", "Phones of nobody in particular; an operator's password makes an account by itself.", ACCOUNT),
    ("Numbers", "[[numbers]]", "What callers dial.", NUMBER),
    ("Operators", "[[operators]]", "People who answer. A password makes the account `account:ID` for his phone.", OPERATOR),
    ("Queues", "[queues.NAME]", "Where callers wait.", QUEUE),
    ("Hours", "[hours.NAME]",
     'Days as keys: `mon-fri = "9:00-18:00"`, `sat = ["9:00-13:00", "14:00-16:00"]`, `"sat,sun" = "closed"`; '
     "`22:00-6:00` runs past midnight, `0:00-24:00` is all day. A day that is not named is closed.", HOURS),
)  # fmt: skip
