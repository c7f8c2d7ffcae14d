//! The commands, one JSON object a line. README.md is their page; a key that stands in neither is refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    Listen(Listen),
    Register(Register),
    Unregister {
        phone: String,
    },
    Call(Box<Call>),
    Answer {
        call: String,
        tone_hz: Option<Hertz>,
        file: Option<PathBuf>,
    },
    Reject {
        call: String,
        #[serde(default = "busy")]
        code: u16,
    },
    Hangup {
        call: String,
    },
    Cancel {
        call: String,
    },
    Digits(Digits),
    Hold {
        call: String,
    },
    Resume {
        call: String,
    },
    Play(Play),
    Mute {
        call: String,
        #[serde(default = "yes")]
        on: bool,
    },
    Record {
        call: String,
        path: PathBuf,
    },
    ListenFor {
        call: String,
        hz: Vec<u32>,
    },
    Heard {
        call: String,
        #[serde(default)]
        reset: bool,
        #[serde(default = "second")]
        last_ms: u64,
    },
    Report {
        call: String,
        every_ms: u64,
    },
    Options {
        to: String,
        #[serde(default = "anywhere")]
        bind: String,
    },
    Calls {},
    Quit {},
}

/// A phone that can be called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    pub phone: String,
    #[serde(default = "anywhere")]
    pub bind: String,
    #[serde(default)]
    pub tcp: bool,
    pub answer_after_ms: Option<u64>,
    #[serde(default)]
    pub busy: bool,
    pub reject: Option<u16>,
    #[serde(default = "yes")]
    pub ring: bool,
    #[serde(default)]
    pub early: bool,
    pub hangup_after_ms: Option<u64>,
    pub tone_hz: Option<Hertz>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    pub phone: String,
    #[serde(default = "home")]
    pub server: String,
    pub user: String,
    pub password: String,
    #[serde(default = "five_minutes")]
    pub expires: u64,
    pub bind: Option<String>,
    #[serde(default)]
    pub tcp: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub phone: String,
    pub call: String,
    pub to: String,
    #[serde(default)]
    pub from: String,
    #[serde(default)]
    pub name: String,
    pub bind: Option<String>,
    pub user: Option<String>,
    pub password: Option<String>,
    #[serde(default)]
    pub tcp: bool,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub tone_hz: Option<Hertz>,
    pub file: Option<PathBuf>,
    pub codec: Option<Codec>,
    pub ring_for_ms: Option<u64>,
    pub hangup_after_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    Alaw,
    Ulaw,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digits {
    pub call: String,
    pub digits: String,
    #[serde(default)]
    pub via: Via,
    #[serde(default = "long_enough")]
    pub ms: u32,
    #[serde(default = "gap")]
    pub gap_ms: u32,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    #[default]
    Rfc4733,
    Info,
    Inband,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Play {
    pub call: String,
    pub tone_hz: Option<Hertz>,
    pub file: Option<PathBuf>,
    #[serde(default)]
    pub silence: bool,
    #[serde(default = "level")]
    pub level_db: f32,
    #[serde(default = "yes", rename = "loop")]
    pub is_loop: bool,
}

/// One tone, or two at once.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Hertz {
    One(f32),
    Many(Vec<f32>),
}

impl Hertz {
    pub fn list(&self) -> Vec<f32> {
        match self {
            Self::One(hertz) => vec![*hertz],
            Self::Many(list) => list.clone(),
        }
    }
}

/// The level at which phones speak unless told otherwise, in dBFS.
pub fn level() -> f32 {
    -12.0
}

pub fn anywhere() -> String {
    "127.0.0.1:0".into()
}

fn home() -> String {
    "127.0.0.1:5060".into()
}

fn busy() -> u16 {
    486
}

fn yes() -> bool {
    true
}

fn second() -> u64 {
    1000
}

fn five_minutes() -> u64 {
    300
}

fn long_enough() -> u32 {
    160
}

fn gap() -> u32 {
    80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_heard() {
        let read = |text: &str| serde_json::from_str::<Command>(text);

        assert!(read(r#"{"do":"hangup","call":"a"}"#).is_ok());
        assert!(read(r#"{"do":"play","call":"a","tone_hz":[440,480]}"#).is_ok());
        assert!(read(r#"{"do":"calls"}"#).is_ok());
        for wrong in [
            r#"{"do":"hangup","call":"a","cal":1}"#,
            r#"{"do":"listen","phone":"a","answer_after":1}"#,
            r#"{"do":"dance"}"#,
            r#"{"do":"digits","call":"a","digits":"1","via":"smoke"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
