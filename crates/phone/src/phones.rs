//! All phones of the process: commands go in, SIP events go in, JSON events come out.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use hotline_sip::{Admission, Config, DialogKey, Event, Sip, Trunk};
use serde_json::{Map, Value, json};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep};

use crate::call::Call;
use crate::command::Listen;
use crate::media::Media;

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
    pub(crate) out: Outlet,
    pub(crate) inputs: mpsc::Sender<Input>,
    pub(crate) began_at: Instant,
    pub(crate) doors: Vec<Door>,
    pub(crate) listening: HashMap<(usize, String), Listen>,
    pub calls: BTreeMap<String, Call>,
    pub(crate) by_key: HashMap<(usize, DialogKey), String>,
    pub(crate) counts: HashMap<String, u64>,
    pub(crate) seed: u32,
    pub is_quitting: bool,
}

/// One SIP socket and what is registered through it.
pub(crate) struct Door {
    pub(crate) asked: String,
    pub(crate) sip: Sip,
    pub(crate) trunks: Vec<Trunk>,
}

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

    pub(crate) async fn line(&mut self, line: &str) {
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

    pub(crate) fn answered(&mut self, name: &str) {
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

    /// The SIP socket of this address, opened at its first use.
    pub(crate) async fn door(&mut self, asked: &str, tcp: bool) -> Result<usize, String> {
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
        tokio::task::spawn_local(async move {
            while let Some(event) = events.recv().await {
                if inputs.send(Input::Sip(at, event)).await.is_err() {
                    return;
                }
            }
        });
        self.doors.push(Door { asked: asked.to_string(), sip, trunks: Vec::new() });
        Ok(at)
    }

    pub(crate) fn bind_of(&self, phone: &str) -> Option<String> {
        let listening = self.listening.values().find(|listen| listen.phone == phone).map(|listen| listen.bind.clone());
        let registered = || {
            self.doors
                .iter()
                .find(|door| door.trunks.iter().any(|trunk| trunk.name == phone))
                .map(|door| door.asked.clone())
        };
        listening.or_else(registered)
    }

    pub(crate) async fn open_media(&mut self, door: usize, peer: Option<IpAddr>) -> Result<Media, String> {
        let sip = &self.doors[door].sip;
        let bound = sip.local().ip();
        let address = if bound.is_unspecified() { sip.host_for(peer.unwrap_or(bound)) } else { bound };
        let seed = self.next_seed();
        Media::open(address, seed).await.map_err(|error| format!("no port for sound: {error}"))
    }

    pub(crate) fn new_call(
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

    pub(crate) fn insert(&mut self, name: &str, mut call: Call) {
        let reader = read(Rc::clone(&call.media.socket), name.to_string(), self.inputs.clone());
        call.tasks.push(tokio::task::spawn_local(reader).abort_handle());
        self.by_key.insert((call.door, call.key), name.to_string());
        self.calls.insert(name.to_string(), call);
    }

    pub(crate) fn after(&mut self, name: &str, ms: u64, due: Due) {
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

    pub(crate) fn find(&mut self, name: &str) -> Result<&mut Call, String> {
        self.calls.get_mut(name).ok_or_else(|| format!("no call {name}"))
    }

    pub(crate) fn next_seed(&mut self) -> u32 {
        self.seed = self.seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        self.seed
    }

    pub(crate) fn tell(&mut self, event: &str, mut object: Value) {
        let at_ms = Instant::now().duration_since(self.began_at).as_millis() as u64;
        object["event"] = json!(event);
        object["at_ms"] = json!(at_ms);
        (self.out)(object);
    }

    /// Has a call not ended yet?
    pub fn is_calling(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Hangs up everything; peers are told within 3 s. What it leads to comes in as inputs meanwhile.
    pub fn goodbye(&self) -> impl Future<Output = ()> + use<> {
        let sips: Vec<Sip> = self.doors.iter().map(|door| door.sip.clone()).collect();
        async move {
            for sip in &sips {
                sip.shutdown(Duration::from_secs(3)).await;
            }
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

pub(crate) fn local(media: &Media) -> Result<SocketAddr, String> {
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
