//! `hotline-phone call URI`: one call, one JSON summary, one exit code.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use clap::Args;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};

use crate::command::{self, Command, Hertz, Via};
use crate::phones::Phones;

#[derive(Debug, Args)]
pub struct OneShot {
    /// Whom to call: sip:100@127.0.0.1:5060
    pub uri: String,
    /// The caller's number.
    #[arg(long, default_value = "+70000000001")]
    pub from: String,
    /// The caller's name.
    #[arg(long, default_value = "")]
    pub name: String,
    /// Say a tone of so many hertz.
    #[arg(long)]
    pub tone: Option<f32>,
    /// Say a sound file.
    #[arg(long, conflicts_with = "tone")]
    pub file: Option<PathBuf>,
    /// Keys to press after the answer.
    #[arg(long)]
    pub digits: Option<String>,
    /// How long after the answer.
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub digits_after: Duration,
    /// How keys are sent.
    #[arg(long, value_enum, default_value = "rfc4733")]
    pub via: Via,
    /// Hang up so long after the answer.
    #[arg(long = "for", default_value = "5s", value_parser = duration)]
    pub talk: Duration,
    /// Give up when nobody answers in this time.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub ring_for: Duration,
    /// Our own address.
    #[arg(long)]
    pub bind: Option<SocketAddr>,
    /// The user of a challenge.
    #[arg(long, requires = "password_env")]
    pub user: Option<String>,
    /// The environment variable that holds the password.
    #[arg(long)]
    pub password_env: Option<String>,
    #[arg(long)]
    pub tcp: bool,
    /// Write what is heard to this WAV file.
    #[arg(long)]
    pub record: Option<PathBuf>,
}

/// `5s`, `300ms`, `2m`, `10`.
fn duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| format!("{text} is no time like 5s or 300ms"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        _ => Err(format!("{text} is no time like 5s or 300ms")),
    }
}

const NAME: &str = "call";

/// Places the call and prints its summary.
pub async fn run(ask: OneShot) -> ExitCode {
    let password = match ask.password_env.as_deref().map(std::env::var) {
        None => None,
        Some(Ok(password)) => Some(password),
        Some(Err(_)) => {
            eprintln!("the variable that --password-env names is not set");
            return ExitCode::from(2);
        }
    };
    let told: Rc<RefCell<Vec<Value>>> = Rc::default();
    let outlet = Rc::clone(&told);
    let (inputs, mut waiting) = mpsc::channel(1024);
    let mut phones = Phones::new(Box::new(move |event| outlet.borrow_mut().push(event)), inputs);
    if let Err(reason) = phones.run(place(&ask, password)).await {
        eprintln!("{reason}");
        return ExitCode::from(2);
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let mut setup = Value::Null;
    let mut codec = Value::Null;
    let mut digits_due: Option<Instant> = None;
    loop {
        let due = digits_due.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        tokio::select! {
            _ = ticks.tick() => phones.tick(),
            Some(input) = waiting.recv() => phones.take(input).await,
            () = sleep_until(due), if digits_due.is_some() => {
                digits_due = None;
                press(&mut phones, &ask).await;
            }
        }
        let events: Vec<Value> = told.borrow_mut().drain(..).collect();
        for mut event in events {
            match event["event"].as_str() {
                Some("answered") => {
                    setup = event["setup_ms"].take();
                    codec = event["codec"].take();
                    digits_due = ask.digits.as_ref().map(|_| Instant::now() + ask.digits_after);
                }
                Some("ended") => {
                    let is_answered = event["answered"] == json!(true);
                    event["setup_ms"] = setup.clone();
                    event["codec"] = codec.clone();
                    println!("{event}");
                    phones.goodbye().await;
                    return if is_answered { ExitCode::SUCCESS } else { ExitCode::from(1) };
                }
                _ => {}
            }
        }
    }
}

fn place(ask: &OneShot, password: Option<String>) -> Command {
    Command::Call(Box::new(command::Call {
        phone: NAME.into(),
        call: NAME.into(),
        to: ask.uri.clone(),
        from: ask.from.clone(),
        name: ask.name.clone(),
        bind: Some(ask.bind.map_or_else(|| own_address(&ask.uri), |bind| bind.to_string())),
        user: ask.user.clone(),
        password,
        tcp: ask.tcp,
        headers: Default::default(),
        tone_hz: ask.tone.map(Hertz::One),
        file: ask.file.clone(),
        codec: None,
        ring_for_ms: Some(ask.ring_for.as_millis() as u64),
        hangup_after_ms: Some(ask.talk.as_millis() as u64),
    }))
}

/// On this machine we are on loopback, elsewhere on every address.
fn own_address(uri: &str) -> String {
    let is_local = uri.contains("@127.") || uri.contains("@localhost") || uri.starts_with("sip:127.");
    if is_local { command::anywhere() } else { "0.0.0.0:0".into() }
}

async fn press(phones: &mut Phones, ask: &OneShot) {
    let digits = command::Digits {
        call: NAME.into(),
        digits: ask.digits.clone().unwrap_or_default(),
        via: ask.via,
        ms: 160,
        gap_ms: 80,
    };
    if let Err(reason) = phones.run(Command::Digits(digits)).await {
        eprintln!("digits: {reason}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("300ms"), Ok(Duration::from_millis(300)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert!(duration("soon").is_err() && duration("5h").is_err());
    }
}
