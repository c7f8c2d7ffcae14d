//! What each command does.

use std::path::Path;

use hotline_sip::sdp::Direction;
use hotline_sip::{Credentials, Dial, Party, Registration, Target, Trunk};
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::call;
use crate::command::{self, Command, Digits, Hertz, Listen, Play, Register, Via};
use crate::phones::{Due, Input, Phones, local};
use crate::record::Recording;
use crate::voice::Voice;

type Done = Result<(), String>;

impl Phones {
    pub async fn run(&mut self, command: Command) -> Done {
        match command {
            Command::Listen(listen) => self.listen(listen).await,
            Command::Register(register) => self.register(register).await,
            Command::Unregister { phone } => self.unregister(&phone),
            Command::Call(call) => self.call(*call).await,
            Command::Answer { call, tone_hz, file } => {
                let voice = voice(tone_hz.as_ref(), file.as_deref())?;
                if let Some(voice) = voice {
                    self.find(&call)?.media.voice = voice;
                }
                self.answer(&call)
            }
            Command::Reject { call, code } => {
                let call = self.find(&call)?;
                call.sip.reject(call.key, code, None).map_err(|refused| refused.to_string())
            }
            Command::Hangup { call } => {
                let call = self.find(&call)?;
                call.sip.hangup(call.key, 16).map_err(|refused| refused.to_string())
            }
            Command::Cancel { call } => {
                let call = self.find(&call)?;
                if call.answered_at.is_some() {
                    return Err("it is answered already".into());
                }
                call.sip.hangup(call.key, 16).map_err(|refused| refused.to_string())
            }
            Command::Digits(digits) => self.digits(&digits),
            Command::Hold { call } => self.change(&call, Direction::SendOnly),
            Command::Resume { call } => self.change(&call, Direction::SendRecv),
            Command::Play(play) => self.play(&play),
            Command::Mute { call, on } => {
                self.find(&call)?.media.is_muted = on;
                Ok(())
            }
            Command::Record { call, path } => {
                let recording = Recording::create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
                self.find(&call)?.media.recording = Some(recording);
                Ok(())
            }
            Command::ListenFor { call, hz } => {
                self.find(&call)?.media.ear.listen_for(&hz);
                Ok(())
            }
            Command::Heard { call, reset, last_ms } => self.heard(&call, reset, last_ms),
            Command::Report { call, every_ms } => self.report(&call, every_ms),
            Command::Options { to, bind } => self.options(to, &bind).await,
            Command::Calls {} => {
                self.tell_calls();
                Ok(())
            }
            Command::Quit {} => {
                self.is_quitting = true;
                Ok(())
            }
        }
    }

    pub(crate) async fn listen(&mut self, listen: Listen) -> Done {
        let door = self.door(&listen.bind, listen.tcp).await?;
        let address = self.doors[door].sip.local().to_string();
        let phone = listen.phone.clone();
        self.listening.insert((door, phone.clone()), listen);
        self.tell("listening", json!({"phone": phone, "address": address}));
        Ok(())
    }

    pub(crate) async fn register(&mut self, register: Register) -> Done {
        let bind = register.bind.clone().or_else(|| self.bind_of(&register.phone)).unwrap_or_else(command::anywhere);
        let door = self.door(&bind, register.tcp).await?;
        let parameter = if register.tcp { ";transport=tcp" } else { "" };
        let trunk = Trunk {
            name: register.phone.clone(),
            addresses: vec![],
            next_hops: vec![],
            credentials: Some(Credentials { user: register.user.clone(), password: register.password, realm: None }),
            register: Some(Registration {
                server: format!("sip:{}{parameter}", register.server.trim_start_matches("sip:")),
                user: register.user,
                expires: Duration::from_secs(register.expires),
            }),
            options_every: None,
        };
        let door = &mut self.doors[door];
        door.trunks.retain(|known| known.name != trunk.name);
        door.trunks.push(trunk);
        door.sip.set_trunks(door.trunks.clone());
        Ok(())
    }

    pub(crate) fn unregister(&mut self, phone: &str) -> Done {
        let door = self.doors.iter_mut().find(|door| door.trunks.iter().any(|trunk| trunk.name == phone));
        let door = door.ok_or("it is not registered")?;
        door.trunks.retain(|trunk| trunk.name != phone);
        door.sip.set_trunks(door.trunks.clone());
        self.tell("unregistered", json!({"phone": phone, "code": 200, "reason": "asked"}));
        Ok(())
    }

    pub(crate) async fn call(&mut self, ask: command::Call) -> Done {
        if self.calls.contains_key(&ask.call) {
            return Err(format!("the call {} lives already", ask.call));
        }
        let voice = voice(ask.tone_hz.as_ref(), ask.file.as_deref())?;
        let bind = ask.bind.clone().or_else(|| self.bind_of(&ask.phone)).unwrap_or_else(command::anywhere);
        let door = self.door(&bind, ask.tcp).await?;
        let mut media = self.open_media(door, None).await?;
        media.voice = voice.unwrap_or(Voice::Silence);
        let ours = call::offer(self.next_seed(), local(&media)?, ask.codec);
        let sip = self.doors[door].sip.clone();
        let key = sip.dial(dial(&ask, ours.to_string())).map_err(|refused| refused.to_string())?;
        let mut call = self.new_call(sip, door, key, false, media, ours);
        call.hangup_after_ms = ask.hangup_after_ms;
        self.insert(&ask.call, call);
        if let Some(ms) = ask.ring_for_ms {
            self.after(&ask.call, ms, Due::Answer);
        }
        self.tell("trying", json!({"call": ask.call}));
        Ok(())
    }

    pub(crate) fn answer(&mut self, name: &str) -> Done {
        let call = self.find(name)?;
        let Some(sdp) = call.answer_sdp() else {
            // Told as the refusal that it is; the peer hears 488.
            let _ = call.sip.reject(call.key, 488, None);
            return Err("no codec in common".into());
        };
        call.sip.answer(call.key, &sdp).map_err(|refused| refused.to_string())?;
        self.answered(name);
        Ok(())
    }

    pub(crate) fn digits(&mut self, digits: &Digits) -> Done {
        let call = self.find(&digits.call)?;
        if digits.via != Via::Info {
            let is_inband = digits.via == Via::Inband;
            let pressed = call.media.keys.press(&digits.digits, is_inband, digits.ms, digits.gap_ms);
            return pressed.map_err(|letter| format!("{letter} is no key"));
        }
        for digit in digits.digits.chars().filter(|digit| *digit != ',') {
            let length = Duration::from_millis(u64::from(digits.ms));
            call.sip.send_digit(call.key, digit, length).map_err(|refused| refused.to_string())?;
        }
        Ok(())
    }

    pub(crate) fn change(&mut self, name: &str, direction: Direction) -> Done {
        let call = self.find(name)?;
        let sdp = call.offer_sdp(direction);
        call.sip.change(call.key, &sdp).map_err(|refused| refused.to_string())
    }

    pub(crate) fn play(&mut self, play: &Play) -> Done {
        let voice = match (&play.tone_hz, &play.file, play.silence) {
            (Some(hertz), None, false) => Voice::tones(&hertz.list(), play.level_db),
            (None, Some(path), false) => samples(path, play.is_loop)?,
            (None, None, true) => Voice::Silence,
            _ => return Err("one of tone_hz, file, silence".into()),
        };
        self.find(&play.call)?.media.voice = voice;
        Ok(())
    }

    pub(crate) fn heard(&mut self, name: &str, reset: bool, last_ms: u64) -> Done {
        let call = self.find(name)?;
        let mut heard = call.media.ear.window(Duration::from_millis(last_ms), Instant::now());
        if reset {
            call.media.ear.reset();
        }
        heard["call"] = json!(name);
        self.tell("heard", heard);
        Ok(())
    }

    pub(crate) fn report(&mut self, name: &str, every_ms: u64) -> Done {
        let inputs = self.inputs.clone();
        let call = self.find(name)?;
        if let Some(reporter) = call.reporter.take() {
            reporter.abort();
        }
        if every_ms > 0 {
            let name = name.to_string();
            let task = async move {
                let mut ticks = tokio::time::interval(Duration::from_millis(every_ms.max(20)));
                while inputs.send(Input::Due(name.clone(), Due::Report)).await.is_ok() {
                    ticks.tick().await;
                }
            };
            call.reporter = Some(tokio::task::spawn_local(task).abort_handle());
        }
        Ok(())
    }

    pub(crate) async fn options(&mut self, to: String, bind: &str) -> Done {
        let door = self.door(bind, false).await?;
        let (sip, inputs) = (self.doors[door].sip.clone(), self.inputs.clone());
        tokio::task::spawn_local(async move {
            let code = sip.options(&to).await;
            // The process may be ending: then nobody asks any more.
            let _ = inputs.send(Input::Options(to, code)).await;
        });
        Ok(())
    }

    pub(crate) fn tell_calls(&mut self) {
        let names: Vec<&String> = self.calls.keys().collect();
        let counters: Vec<_> = self.doors.iter().map(|door| door.sip.counters()).collect();
        let event = json!({
            "calls": names,
            "transactions": counters.iter().map(|one| one.transactions).sum::<usize>(),
            "dialogs": counters.iter().map(|one| one.dialogs).sum::<usize>(),
            "streams": counters.iter().map(|one| one.streams).sum::<usize>(),
            "sockets": self.calls.len() + self.doors.len(),
            "lost_events": counters.iter().map(|one| one.lost_events).sum::<u64>(),
        });
        self.tell("calls", event);
    }
}

fn dial(ask: &command::Call, sdp: String) -> Dial {
    let from = ask.from.trim_start_matches("sip:").split('@').next().unwrap_or_default();
    let number = if from.is_empty() { ask.phone.clone() } else { from.to_string() };
    let to = if ask.to.starts_with("sip:") { ask.to.clone() } else { format!("sip:{}", ask.to) };
    let parameter = if ask.tcp && !to.contains("transport=") { ";transport=tcp" } else { "" };
    let credentials = ask.password.as_ref().map(|password| Credentials {
        user: ask.user.clone().unwrap_or_else(|| number.clone()),
        password: password.clone(),
        realm: None,
    });
    Dial {
        targets: vec![Target::Uri(format!("{to}{parameter}"))],
        from: Party { number, name: ask.name.clone() },
        headers: ask.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        sdp,
        credentials,
    }
}

fn voice(hertz: Option<&Hertz>, file: Option<&Path>) -> Result<Option<Voice>, String> {
    match (hertz, file) {
        (Some(_), Some(_)) => Err("tone_hz or file, not both".into()),
        (Some(hertz), None) => Ok(Some(Voice::tones(&hertz.list(), command::level()))),
        (None, Some(path)) => samples(path, true).map(Some),
        (None, None) => Ok(None),
    }
}

fn samples(path: &Path, is_loop: bool) -> Result<Voice, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let samples = hotline_sound::file::samples(bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Voice::Samples { samples, at: 0, is_loop })
}
