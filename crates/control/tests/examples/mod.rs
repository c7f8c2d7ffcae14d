//! One example of every frame. The matches without a wildcard make a new variant fail to compile here.

use std::collections::BTreeMap;

use hotline_control::frames::{
    Account, Admission, Command, DigitVia, EndCause, Event, LegSnapshot, LegState, OnAnswer, OnPeerEnd, OrphanPolicy,
    PlaybackEnd, Quality, RecordingEnd, ToEngine, ToSwitch, Trunk, TrunkMode,
};

/// Variants of `ToSwitch`, those of `Command` counted one by one instead of `Do`.
pub const TO_SWITCH: usize = 8 + 18;
/// Variants of `ToEngine`, those of `Event` counted one by one instead of `Event`.
pub const TO_ENGINE: usize = 3 + 16;

/// Named examples of everything that the engine sends.
pub fn to_switch() -> Vec<(&'static str, ToSwitch)> {
    let commands = commands().into_iter().enumerate();
    let doing = commands.map(|(i, command)| ToSwitch::Do { seq: 70_000 + i as u64, i: i as u32 % 3, command });
    let hello = ToSwitch::Hello {
        epoch: 3,
        protocols: vec![1],
        version: "0.1.0".to_owned(),
        boot: 0x1234_5678_9abc_def0,
        n: 41,
    };
    let settings = [
        ToSwitch::SetTrunks { trunks: vec![trunk("north", TrunkMode::Trusted), trunk("south", TrunkMode::Registered)] },
        ToSwitch::SetAccounts {
            accounts: vec![Account { name: "anna".to_owned(), password: "not-a-secret".to_owned() }],
        },
        ToSwitch::SetAdmission { admission: admission() },
        ToSwitch::SetOrphanPolicy { policy: OrphanPolicy { hold_new_ms: 3_000, end_waiting_after_ms: 600_000 } },
    ];
    let link = [ToSwitch::Ack { n: 42 }, ToSwitch::Ping { id: 1 }, ToSwitch::Drain { within_ms: 3_600_000 }];
    let all = std::iter::once(hello).chain(settings).chain(link).chain(doing);
    all.map(|frame| (switch_name(&frame), frame)).collect()
}

/// Named examples of everything that the switch sends.
pub fn to_engine() -> Vec<(&'static str, ToEngine)> {
    let legs = vec![
        LegSnapshot {
            leg: "s1f-1".to_owned(),
            note: "c-1".to_owned(),
            state: LegState::Answered,
            room: Some("r-1".to_owned()),
            arrived: true,
        },
        LegSnapshot {
            leg: "e70005-0".to_owned(),
            note: String::new(),
            state: LegState::Dialling,
            room: None,
            arrived: false,
        },
    ];
    let welcome = ToEngine::Welcome {
        boot: 0x1234_5678_9abc_def0,
        protocol: 1,
        version: "0.1.0".to_owned(),
        seq: 70_016,
        i: 1,
        n: 42,
        now_us: 5_000_000_000,
        legs,
        recordings: vec!["rec-1".to_owned()],
    };
    let refused = ToEngine::Refused { reason: "epoch 2 is lower than 3".to_owned() };
    let pong = ToEngine::Pong { id: 1, now_us: 5_000_000_123 };
    let events = events().into_iter().enumerate();
    let numbered = events.map(|(i, event)| ToEngine::Event { n: 43 + i as u64, at_us: 5_000_020_000, event });
    let all = [welcome, refused, pong].into_iter().chain(numbered);
    all.map(|frame| (engine_name(&frame), frame)).collect()
}

fn commands() -> Vec<Command> {
    let leg = || "s1f-1".to_owned();
    let recording = || "rec-1".to_owned();
    vec![
        Command::Ring { leg: leg() },
        Command::Progress { leg: leg(), answer_by_ms: Some(50_000) },
        Command::Answer { leg: leg() },
        Command::Reject { leg: leg(), code: 486, reason: "Busy Here".to_owned(), retry_after_s: None },
        Command::Hangup { leg: leg(), q850: 16 },
        dial(),
        Command::Play {
            leg: leg(),
            play: "p-1".to_owned(),
            sounds: vec!["prompts/ru/welcome.opus".to_owned(), "prompts/ru/choose.opus".to_owned()],
            repeat: true,
            gap_ms: 300,
            volume_db: -6,
        },
        Command::Stop { leg: leg(), play: "p-1".to_owned() },
        Command::Connect {
            room: "r-1".to_owned(),
            hears: pair(),
            release: vec!["e9-0".to_owned()],
            on_peer_end: OnPeerEnd::Park,
        },
        Command::Record {
            recording: recording(),
            left: vec![leg()],
            right: vec!["e70005-0".to_owned()],
            path: "recordings/2026/11/rec-1.opus".to_owned(),
            max_ms: Some(7_200_000),
        },
        Command::PauseRecording { recording: recording() },
        Command::ResumeRecording { recording: recording() },
        Command::StopRecording { recording: recording() },
        Command::SendDigits { leg: leg(), digits: "12#".to_owned() },
        Command::Tap { leg: leg(), tap: "tap-1".to_owned(), token: "once".to_owned() },
        Command::Feed { leg: leg(), feed: "feed-1".to_owned(), token: "once".to_owned(), generation: 1 },
        Command::Transfer { leg: leg(), to: "sip:+70000000009@198.51.100.7".to_owned() },
        Command::Note { leg: leg(), note: "c-1".to_owned() },
    ]
}

fn dial() -> Command {
    Command::Dial {
        leg: "e70005-0".to_owned(),
        note: "c-1".to_owned(),
        for_leg: Some("s1f-1".to_owned()),
        targets: vec!["account:anna".to_owned(), "sip:op1@192.0.2.9:5290".to_owned()],
        trunk: None,
        from_number: "+70000000001".to_owned(),
        from_name: "Алиса".to_owned(),
        headers: BTreeMap::from([("X-Call".to_owned(), "c-1".to_owned())]),
        ring_for_ms: 20_000,
        group: Some("g-1".to_owned()),
        on_answer: OnAnswer::Join,
        room: "r-1".to_owned(),
        on_peer_end: OnPeerEnd::Release,
    }
}

fn events() -> Vec<Event> {
    let leg = || "s1f-1".to_owned();
    vec![
        Event::LegArrived {
            leg: leg(),
            trunk: Some("north".to_owned()),
            account: None,
            proven: true,
            source: "198.51.100.7:5060".to_owned(),
            caller: "+70000000001".to_owned(),
            caller_name: "Алиса".to_owned(),
            called: "+70008000000".to_owned(),
            sip_call_id: "a84b4c76e66710".to_owned(),
            headers: BTreeMap::from([("Diversion".to_owned(), "<sip:+70000000002@north>".to_owned())]),
        },
        Event::LegProgress { leg: leg(), code: 183, early_media: true },
        Event::LegAnswered {
            leg: leg(),
            answered_us: 5_000_000_000,
            acked_us: 5_000_010_000,
            codec: "pcma".to_owned(),
        },
        Event::LegEnded {
            leg: leg(),
            cause: EndCause::Peer,
            code: 200,
            q850: 16,
            answered_us: Some(5_000_000_000),
            quality: quality(),
        },
        Event::DigitPressed { leg: leg(), digit: "1".to_owned(), via: DigitVia::Rtp, duration_ms: 120 },
        Event::PlaybackEnded {
            leg: leg(),
            play: "p-1".to_owned(),
            reason: PlaybackEnd::Failed,
            detail: "prompts/ru/choose.opus: no such file".to_owned(),
        },
        Event::RecordingClosed {
            recording: "rec-1".to_owned(),
            path: "recordings/2026/11/rec-1.opus".to_owned(),
            duration_ms: 61_020,
            bytes: 183_112,
            reason: RecordingEnd::LegsEnded,
        },
        Event::RoomChanged { room: "r-1".to_owned(), hears: pair() },
        Event::HoldRequested { leg: leg(), held: true },
        Event::TransferRequested { leg: leg(), to: "+70000000009".to_owned(), replaces: Some("s1f-2".to_owned()) },
        Event::QualityChanged { leg: leg(), quality: quality() },
        Event::RegistrationChanged {
            account: "anna".to_owned(),
            contact: Some("sip:anna@192.0.2.9:5062".to_owned()),
            expires_s: 300,
            source: "192.0.2.9:5062".to_owned(),
        },
        Event::TrunkChanged { trunk: "south".to_owned(), up: false, reason: "403 Forbidden".to_owned() },
        Event::TapOpened { leg: leg(), tap: "tap-1".to_owned(), address: "tap.sock".to_owned() },
        Event::AdmissionReport { counts: BTreeMap::from([("stranger".to_owned(), 1_204)]) },
        Event::CommandRefused { seq: 70_003, i: 1, leg: Some(leg()), reason: "the leg is gone".to_owned() },
    ]
}

fn pair() -> BTreeMap<String, Vec<String>> {
    let (caller, called) = ("s1f-1".to_owned(), "e70005-0".to_owned());
    BTreeMap::from([(caller.clone(), vec![called.clone()]), (called, vec![caller])])
}

fn quality() -> Quality {
    Quality {
        packets_in: 3_050,
        packets_out: 3_051,
        lost: 1,
        jitter_us: 1_875,
        rtt_us: 20_400,
        max_gap_ms: 61,
        foreign: 0,
    }
}

fn trunk(name: &str, mode: TrunkMode) -> Trunk {
    Trunk {
        name: name.to_owned(),
        mode,
        addresses: vec!["198.51.100.0/24".to_owned()],
        servers: vec!["198.51.100.7:5060".to_owned(), "198.51.100.8:5060;transport=tcp".to_owned()],
        user: "hotline".to_owned(),
        password: "not-a-secret".to_owned(),
        realm: "north.example".to_owned(),
        expires_s: 300,
        options_every_s: 30,
        max_channels: 100,
        behind_nat: false,
        allow_refer: false,
    }
}

fn admission() -> Admission {
    Admission {
        open: vec!["127.77.0.0/16".to_owned()],
        accounts: vec!["0.0.0.0/0".to_owned()],
        blocked: vec!["203.0.113.0/24".to_owned()],
        max_unproven: 200,
        max_legs: 4_000,
        per_source_rate: 20,
        retry_after_s: 5,
    }
}

fn switch_name(frame: &ToSwitch) -> &'static str {
    match frame {
        ToSwitch::Hello { .. } => "Hello",
        ToSwitch::Do { command, .. } => command_name(command),
        ToSwitch::Ack { .. } => "Ack",
        ToSwitch::SetTrunks { .. } => "SetTrunks",
        ToSwitch::SetAccounts { .. } => "SetAccounts",
        ToSwitch::SetAdmission { .. } => "SetAdmission",
        ToSwitch::SetOrphanPolicy { .. } => "SetOrphanPolicy",
        ToSwitch::Ping { .. } => "Ping",
        ToSwitch::Drain { .. } => "Drain",
    }
}

fn engine_name(frame: &ToEngine) -> &'static str {
    match frame {
        ToEngine::Welcome { .. } => "Welcome",
        ToEngine::Refused { .. } => "Refused",
        ToEngine::Event { event, .. } => event_name(event),
        ToEngine::Pong { .. } => "Pong",
    }
}

fn command_name(command: &Command) -> &'static str {
    match command {
        Command::Ring { .. } => "Ring",
        Command::Progress { .. } => "Progress",
        Command::Answer { .. } => "Answer",
        Command::Reject { .. } => "Reject",
        Command::Hangup { .. } => "Hangup",
        Command::Dial { .. } => "Dial",
        Command::Play { .. } => "Play",
        Command::Stop { .. } => "Stop",
        Command::Connect { .. } => "Connect",
        Command::Record { .. } => "Record",
        Command::PauseRecording { .. } => "PauseRecording",
        Command::ResumeRecording { .. } => "ResumeRecording",
        Command::StopRecording { .. } => "StopRecording",
        Command::SendDigits { .. } => "SendDigits",
        Command::Tap { .. } => "Tap",
        Command::Feed { .. } => "Feed",
        Command::Transfer { .. } => "Transfer",
        Command::Note { .. } => "Note",
    }
}

fn event_name(event: &Event) -> &'static str {
    match event {
        Event::LegArrived { .. } => "LegArrived",
        Event::LegProgress { .. } => "LegProgress",
        Event::LegAnswered { .. } => "LegAnswered",
        Event::LegEnded { .. } => "LegEnded",
        Event::DigitPressed { .. } => "DigitPressed",
        Event::PlaybackEnded { .. } => "PlaybackEnded",
        Event::RecordingClosed { .. } => "RecordingClosed",
        Event::RoomChanged { .. } => "RoomChanged",
        Event::HoldRequested { .. } => "HoldRequested",
        Event::TransferRequested { .. } => "TransferRequested",
        Event::QualityChanged { .. } => "QualityChanged",
        Event::RegistrationChanged { .. } => "RegistrationChanged",
        Event::TrunkChanged { .. } => "TrunkChanged",
        Event::TapOpened { .. } => "TapOpened",
        Event::AdmissionReport { .. } => "AdmissionReport",
        Event::CommandRefused { .. } => "CommandRefused",
    }
}
