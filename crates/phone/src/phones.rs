//! All phones of the process: commands go in, SIP events go in, JSON events come out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::rc::Rc;

use hotline_sip::sdp::Direction;
use hotline_sip::{Admission, Config, Credentials, Dial, DialogKey, Event, Party, Registration, Sip, Target, Trunk};
use serde_json::{Map, Value, json};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Duration, Instant, sleep};

use crate::call::{self, Call};
use crate::command::{self, Command, Digits, Hertz, Listen, Play, Register, Via};
use crate::media::Media;
use crate::record::Recording;
use crate::voice::Voice;

/// What happens to the phones, in order.
pub enum Input {
    /// A line of stdin; `None`: it ended.
    Line(Option<String>),
    Sip(usize, Event),
    /// A datagram of a call's RTP.
    Sound(String, Vec<u8>, Instant),
    Due(String, Due),
    Options(String, Option<u16>),
}

/// What a call's timer is for.
#[derive(Clone, Copy, Debug)]
pub enum Due {
    Answer,
    Hangup,
    Report,
}

/// Where events go.
pub type Outlet = Box<dyn FnMut(Value)>;

pub struct Phones {
    out: Outlet,
    inputs: mpsc::Sender<Input>,
    began_at: Instant,
    doors: Vec<Door>,
    listening: HashMap<(usize, String), Listen>,
    pub calls: BTreeMap<String, Call>,
    by_key: HashMap<(usize, DialogKey), String>,
    counts: HashMap<String, u64>,
    seed: u32,
    pub is_quitting: bool,
}

/// One SIP socket and what is registered through it.
struct Door {
    asked: String,
    sip: Sip,
    trunks: Vec<Trunk>,
    tasks: Vec<AbortHandle>,
}

type Done = Result<(), String>;

impl Phones {
    pub fn new(out: Outlet, inputs: mpsc::Sender<Input>) -> Self {
        let mut phones = Self {
            out,
            inputs,
            began_at: Instant::now(),
            doors: Vec::new(),
            listening: HashMap::new(),
            calls: BTreeMap::new(),
            by_key: HashMap::new(),
            counts: HashMap::new(),
            seed: seed(),
            is_quitting: false,
        };
        phones.tell("ready", json!({"version": env!("CARGO_PKG_VERSION")}));
        phones
    }

    /// Every 20 ms: all calls say their next frame.
    pub fn tick(&mut self) {
        for call in self.calls.values_mut() {
            call.media.tick();
        }
    }

    pub async fn take(&mut self, input: Input) {
        match input {
            Input::Line(Some(line)) if line.trim().is_empty() => {}
            Input::Line(Some(line)) => self.line(&line).await,
            Input::Line(None) => self.is_quitting = true,
            Input::Sip(door, event) => self.sip(door, event).await,
            Input::Sound(name, data, at) => self.sound(&name, &data, at),
            Input::Due(name, due) => self.due(&name, due),
            Input::Options(to, code) => self.tell("options", json!({"to": to, "code": code})),
        }
    }

    async fn line(&mut self, line: &str) {
        let mut object: Map<String, Value> = match serde_json::from_str(line) {
            Ok(object) => object,
            Err(error) => {
                return self.tell("failed", json!({"id": null, "reason": format!("no JSON object: {error}")}));
            }
        };
        let id = object.remove("id");
        let done = match serde_json::from_value(Value::Object(object)) {
            Ok(command) => self.run(command).await,
            Err(error) => Err(error.to_string()),
        };
        match (done, id) {
            (Ok(()), Some(id)) => self.tell("done", json!({"id": id})),
            (Ok(()), None) => {}
            (Err(reason), id) => self.tell("failed", json!({"id": id, "reason": reason})),
        }
    }

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

    async fn listen(&mut self, listen: Listen) -> Done {
        let door = self.door(&listen.bind, listen.tcp).await?;
        let address = self.doors[door].sip.local().to_string();
        let phone = listen.phone.clone();
        self.listening.insert((door, phone.clone()), listen);
        self.tell("listening", json!({"phone": phone, "address": address}));
        Ok(())
    }

    async fn register(&mut self, register: Register) -> Done {
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

    fn unregister(&mut self, phone: &str) -> Done {
        let door = self.doors.iter_mut().find(|door| door.trunks.iter().any(|trunk| trunk.name == phone));
        let door = door.ok_or("it is not registered")?;
        door.trunks.retain(|trunk| trunk.name != phone);
        door.sip.set_trunks(door.trunks.clone());
        self.tell("unregistered", json!({"phone": phone, "code": 200, "reason": "asked"}));
        Ok(())
    }

    async fn call(&mut self, ask: command::Call) -> Done {
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

    fn answer(&mut self, name: &str) -> Done {
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

    fn answered(&mut self, name: &str) {
        let Some(call) = self.calls.get_mut(name) else { return };
        let now = Instant::now();
        call.answered_at = Some(now);
        let (codec, setup) = (call.codec(), now.duration_since(call.began_at));
        let hangup_after_ms = call.hangup_after_ms;
        self.tell("answered", json!({"call": name, "codec": codec, "setup_ms": setup.as_millis() as u64}));
        if let Some(ms) = hangup_after_ms {
            self.after(name, ms, Due::Hangup);
        }
    }

    fn digits(&mut self, digits: &Digits) -> Done {
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

    fn change(&mut self, name: &str, direction: Direction) -> Done {
        let call = self.find(name)?;
        let sdp = call.offer_sdp(direction);
        call.sip.change(call.key, &sdp).map_err(|refused| refused.to_string())
    }

    fn play(&mut self, play: &Play) -> Done {
        let voice = match (&play.tone_hz, &play.file, play.silence) {
            (Some(hertz), None, false) => Voice::tones(&hertz.list(), play.level_db),
            (None, Some(path), false) => samples(path, play.is_loop)?,
            (None, None, true) => Voice::Silence,
            _ => return Err("one of tone_hz, file, silence".into()),
        };
        self.find(&play.call)?.media.voice = voice;
        Ok(())
    }

    fn heard(&mut self, name: &str, reset: bool, last_ms: u64) -> Done {
        let call = self.find(name)?;
        let mut heard = call.media.ear.window(Duration::from_millis(last_ms), Instant::now());
        if reset {
            call.media.ear.reset();
        }
        heard["call"] = json!(name);
        self.tell("heard", heard);
        Ok(())
    }

    fn report(&mut self, name: &str, every_ms: u64) -> Done {
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

    async fn options(&mut self, to: String, bind: &str) -> Done {
        let door = self.door(bind, false).await?;
        let (sip, inputs) = (self.doors[door].sip.clone(), self.inputs.clone());
        tokio::task::spawn_local(async move {
            let code = sip.options(&to).await;
            // The process may be ending: then nobody asks any more.
            let _ = inputs.send(Input::Options(to, code)).await;
        });
        Ok(())
    }

    fn tell_calls(&mut self) {
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

    async fn sip(&mut self, door: usize, event: Event) {
        match event {
            Event::Incoming(incoming) => self.arrive(door, *incoming).await,
            Event::Registered { .. } | Event::Unregistered { .. } | Event::Transfer { .. } => {}
            Event::TrunkChanged { trunk, up: true, .. } => {
                let expires = self.doors[door]
                    .trunks
                    .iter()
                    .find(|known| known.name == trunk)
                    .and_then(|known| known.register.as_ref());
                let expires = expires.map(|register| register.expires.as_secs());
                self.tell("registered", json!({"phone": trunk, "expires": expires}));
            }
            Event::TrunkChanged { trunk, up: false, reason } => {
                self.tell("unregistered", json!({"phone": trunk, "code": null, "reason": reason}));
            }
            Event::Progress { key, .. }
            | Event::Answered { key, .. }
            | Event::Acked { key, .. }
            | Event::Changed { key, .. }
            | Event::ChangeAnswered { key, .. }
            | Event::Digit { key, .. } => {
                if let Some(name) = self.by_key.get(&(door, key)).cloned() {
                    self.of_call(&name, event);
                }
            }
            Event::Ended(ended) => {
                if let Some(name) = self.by_key.remove(&(door, ended.key)) {
                    self.ended(&name, &ended);
                }
            }
        }
    }

    fn of_call(&mut self, name: &str, event: Event) {
        let Some(call) = self.calls.get_mut(name) else { return };
        match event {
            Event::Progress { code, sdp, .. } => {
                call.rang = true;
                call.early |= sdp.is_some();
                if let Some(sdp) = &sdp {
                    call.take_answer(sdp);
                }
                self.tell("ringing", json!({"call": name, "code": code, "early": sdp.is_some()}));
            }
            Event::Answered { sdp, .. } => {
                if let Some(sdp) = sdp {
                    call.take_answer(&sdp);
                }
                self.answered(name);
            }
            Event::Acked { sdp, .. } => {
                if let Some(sdp) = sdp {
                    call.take_answer(&sdp);
                }
                self.tell("acked", json!({"call": name}));
            }
            Event::Changed { key, sdp, held } => {
                let accepted = match call.accept_change(sdp.as_deref()) {
                    Some(answer) => call.sip.accept_change(key, &answer),
                    None => call.sip.refuse_change(key, 488),
                };
                if accepted.is_ok() && call.is_held_by_peer != held {
                    call.is_held_by_peer = held;
                    self.tell(if held { "held" } else { "resumed" }, json!({"call": name}));
                }
            }
            Event::ChangeAnswered { answer, .. } => {
                if let Ok(Some(sdp)) = &answer {
                    call.take_answer(sdp);
                }
                let code = answer.err().unwrap_or(200);
                self.tell("changed", json!({"call": name, "code": code}));
            }
            Event::Digit { digit, .. } => {
                call.digits.push(digit);
                self.tell("digit", json!({"call": name, "digit": digit, "via": "info"}));
            }
            _ => {}
        }
    }

    async fn arrive(&mut self, door: usize, incoming: hotline_sip::Incoming) {
        let sip = self.doors[door].sip.clone();
        let key = incoming.key;
        let exact = (door, incoming.called.clone());
        let listen = self.listening.get(&exact).or_else(|| self.listening.get(&(door, "*".into()))).cloned();
        // A refusal that finds its call gone has nobody to tell.
        let refuse = |code| {
            let _ = sip.reject(key, code, None);
        };
        let Some(listen) = listen else { return refuse(404) };
        if listen.busy {
            return refuse(486);
        }
        if let Some(code) = listen.reject {
            return refuse(code);
        }
        let offer = match incoming.offer.as_deref().map(hotline_sip::sdp::Session::parse) {
            Some(Err(_)) => return refuse(488),
            Some(Ok(session)) => Some(session),
            None => None,
        };
        let Ok(media) = self.open_media(door, Some(incoming.source.ip())).await else { return refuse(500) };
        let Ok(here) = local(&media) else { return refuse(500) };
        let ours = call::offer(self.next_seed(), here, None);
        let count = self.counts.entry(incoming.called.clone()).or_default();
        *count += 1;
        let name = format!("{}#{count}", incoming.called);
        let mut call = self.new_call(sip.clone(), door, key, true, media, ours);
        call.offer = offer;
        call.hangup_after_ms = listen.hangup_after_ms;
        if let Some(hertz) = &listen.tone_hz {
            call.media.voice = Voice::tones(&hertz.list(), command::level());
        }
        let early = listen.early.then(|| call.answer_sdp()).flatten();
        self.insert(&name, call);
        let headers: BTreeMap<String, String> = incoming.headers.into_iter().collect();
        self.tell(
            "incoming",
            json!({
                "phone": incoming.called, "call": name, "from": incoming.from.number, "name": incoming.from.name,
                "to": incoming.called, "headers": headers,
            }),
        );
        // The caller may have given up already: `ended` follows then.
        let _ = match (early, listen.ring) {
            (Some(sdp), _) => sip.progress(key, &sdp),
            (None, true) => sip.ring(key),
            (None, false) => Ok(()),
        };
        if let Some(ms) = listen.answer_after_ms {
            self.after(&name, ms, Due::Answer);
        }
    }

    fn sound(&mut self, name: &str, data: &[u8], at: Instant) {
        let Some(call) = self.calls.get_mut(name) else { return };
        if let Some(digit) = call.media.take(data, at) {
            call.digits.push(digit);
            self.tell("digit", json!({"call": name, "digit": digit, "via": "rfc4733"}));
        }
    }

    fn due(&mut self, name: &str, due: Due) {
        let Some(call) = self.calls.get_mut(name) else { return };
        match due {
            // For an incoming call its answer is due, for an outgoing one its end of ringing.
            Due::Answer if call.answered_at.is_some() => {}
            Due::Answer if call.is_incoming => {
                if let Err(reason) = self.answer(name) {
                    self.tell("failed", json!({"id": null, "reason": format!("{name}: {reason}")}));
                }
            }
            // It may have ended in the same moment.
            Due::Answer | Due::Hangup => {
                let _ = call.sip.hangup(call.key, 16);
            }
            Due::Report => {
                let _ = self.heard(name, false, 1000);
            }
        }
    }

    fn ended(&mut self, name: &str, ended: &hotline_sip::Ended) {
        let Some(call) = self.calls.remove(name) else { return };
        let now = Instant::now();
        let talk = call.answered_at.map_or(0, |answered| now.duration_since(answered).as_millis() as u64);
        let by = match ended.by {
            hotline_sip::By::Us => "us",
            hotline_sip::By::Peer => "peer",
            hotline_sip::By::Timeout => "timeout",
        };
        self.tell(
            "ended",
            json!({
                "call": name, "code": ended.code, "reason": ended.reason, "by": by, "talk_ms": talk, "q850": ended.q850,
                "answered": call.answered_at.is_some(), "rang": call.rang, "early": call.early, "digits": call.digits,
                "heard": call.media.ear.whole(now),
            }),
        );
    }

    /// The SIP socket of this address, opened at its first use.
    async fn door(&mut self, asked: &str, tcp: bool) -> Result<usize, String> {
        if let Some(at) = self.doors.iter().position(|door| door.asked == asked) {
            return Ok(at);
        }
        let address: SocketAddr = asked.parse().map_err(|_| format!("{asked} is no IP:PORT"))?;
        let config = Config {
            tcp: tcp.then_some(address),
            user_agent: format!("hotline-phone/{}", env!("CARGO_PKG_VERSION")),
            ..Config::on(address)
        };
        let (sip, mut events) = Sip::start(config).await.map_err(|error| error.to_string())?;
        sip.set_admission(wide_open());
        let (at, inputs) = (self.doors.len(), self.inputs.clone());
        let forward = tokio::task::spawn_local(async move {
            while let Some(event) = events.recv().await {
                if inputs.send(Input::Sip(at, event)).await.is_err() {
                    return;
                }
            }
        });
        self.doors.push(Door {
            asked: asked.to_string(),
            sip,
            trunks: Vec::new(),
            tasks: vec![forward.abort_handle()],
        });
        Ok(at)
    }

    fn bind_of(&self, phone: &str) -> Option<String> {
        let listening = self.listening.values().find(|listen| listen.phone == phone).map(|listen| listen.bind.clone());
        let registered = || {
            self.doors
                .iter()
                .find(|door| door.trunks.iter().any(|trunk| trunk.name == phone))
                .map(|door| door.asked.clone())
        };
        listening.or_else(registered)
    }

    async fn open_media(&mut self, door: usize, peer: Option<IpAddr>) -> Result<Media, String> {
        let sip = &self.doors[door].sip;
        let bound = sip.local().ip();
        let address = if bound.is_unspecified() { sip.host_for(peer.unwrap_or(bound)) } else { bound };
        let seed = self.next_seed();
        Media::open(address, seed).await.map_err(|error| format!("no port for sound: {error}"))
    }

    fn new_call(
        &self,
        sip: Sip,
        door: usize,
        key: DialogKey,
        is_incoming: bool,
        media: Media,
        ours: hotline_sip::sdp::Session,
    ) -> Call {
        Call {
            sip,
            door,
            key,
            is_incoming,
            media,
            ours,
            offer: None,
            began_at: Instant::now(),
            answered_at: None,
            is_held_by_peer: false,
            hangup_after_ms: None,
            rang: false,
            early: false,
            digits: String::new(),
            tasks: Vec::new(),
            reporter: None,
        }
    }

    fn insert(&mut self, name: &str, mut call: Call) {
        let reader = read(Rc::clone(&call.media.socket), name.to_string(), self.inputs.clone());
        call.tasks.push(tokio::task::spawn_local(reader).abort_handle());
        self.by_key.insert((call.door, call.key), name.to_string());
        self.calls.insert(name.to_string(), call);
    }

    fn after(&mut self, name: &str, ms: u64, due: Due) {
        let (inputs, owned) = (self.inputs.clone(), name.to_string());
        let timer = tokio::task::spawn_local(async move {
            sleep(Duration::from_millis(ms)).await;
            // Without a reader the process is ending.
            let _ = inputs.send(Input::Due(owned, due)).await;
        });
        if let Some(call) = self.calls.get_mut(name) {
            call.tasks.push(timer.abort_handle());
        }
    }

    fn find(&mut self, name: &str) -> Result<&mut Call, String> {
        self.calls.get_mut(name).ok_or_else(|| format!("no call {name}"))
    }

    fn next_seed(&mut self) -> u32 {
        self.seed = self.seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        self.seed
    }

    fn tell(&mut self, event: &str, mut object: Value) {
        let at_ms = Instant::now().duration_since(self.began_at).as_millis() as u64;
        object["event"] = json!(event);
        object["at_ms"] = json!(at_ms);
        (self.out)(object);
    }

    /// Hangs up everything; peers are told within 3 s.
    pub async fn quit(&mut self) {
        for door in &self.doors {
            door.sip.shutdown(Duration::from_secs(3)).await;
        }
        for door in &self.doors {
            door.tasks.iter().for_each(AbortHandle::abort);
        }
    }
}

async fn read(socket: Rc<UdpSocket>, name: String, inputs: mpsc::Sender<Input>) {
    let mut buffer = [0; 2048];
    loop {
        // An ICMP error is the peer's closed port: what comes next may be sound again.
        let Ok((length, _)) = socket.recv_from(&mut buffer).await else { continue };
        if inputs.send(Input::Sound(name.clone(), buffer[..length].to_vec(), Instant::now())).await.is_err() {
            return;
        }
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

fn local(media: &Media) -> Result<SocketAddr, String> {
    media.socket.local_addr().map_err(|error| error.to_string())
}

/// Phones are for tests: they take calls from everyone and as many as come.
fn wide_open() -> Admission {
    let everyone = ["0.0.0.0/0", "::/0"].iter().filter_map(|net| net.parse().ok()).collect();
    Admission {
        open: everyone,
        unproven_max: usize::MAX,
        per_source: 1_000_000,
        per_source_burst: 1_000_000,
        ..Admission::default()
    }
}

fn seed() -> u32 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish() as u32
}
