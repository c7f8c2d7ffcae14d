//! One call of one phone.

use hotline_sip::sdp::{Codec, Direction, Encoding, Session};
use hotline_sip::{DialogKey, Sip};
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::media::{Media, Peer};

/// A call, from its first packet to its end.
pub struct Call {
    pub sip: Sip,
    /// Which of the process's SIP sockets it uses.
    pub door: usize,
    pub key: DialogKey,
    pub is_incoming: bool,
    pub media: Media,
    /// Our own description; its version grows with every change.
    pub ours: Session,
    /// The peer's offer of an incoming call, until it is answered.
    pub offer: Option<Session>,
    pub began_at: Instant,
    pub answered_at: Option<Instant>,
    pub is_held_by_peer: bool,
    pub hangup_after_ms: Option<u64>,
    pub rang: bool,
    pub early: bool,
    pub digits: String,
    /// Ends the tasks that belong to it (its socket's reader, its timers).
    pub tasks: Vec<AbortHandle>,
    pub reporter: Option<AbortHandle>,
}

impl Call {
    /// The SDP with which an incoming call is answered; media goes by it from now on. `None`: no codec in common.
    pub fn answer_sdp(&mut self) -> Option<String> {
        let Some(offer) = self.offer.as_ref() else { return Some(self.ours.to_string()) };
        let accept = [Encoding::Alaw, Encoding::Ulaw];
        let answer = offer.answer(self.ours.id, self.ours.address, self.ours.port, &accept)?;
        // The codec that we answered with is the one that both use.
        let chosen = Session { codecs: answer.codecs.clone(), ..offer.clone() };
        self.media.peer = Peer::of(&chosen);
        self.ours = answer;
        Some(self.ours.to_string())
    }

    /// Takes the peer's answer to our offer.
    pub fn take_answer(&mut self, sdp: &str) {
        if let Ok(session) = Session::parse(sdp) {
            self.media.peer = Peer::of(&session).or(self.media.peer.take());
        }
    }

    /// Our next offer, in this direction.
    pub fn offer_sdp(&mut self, direction: Direction) -> String {
        self.ours.version += 1;
        self.ours.direction = direction;
        self.ours.to_string()
    }

    /// Answers the peer's new offer in kind.
    pub fn accept_change(&mut self, offer: Option<&str>) -> Option<String> {
        let version = self.ours.version + 1;
        if let Some(offer) = offer.and_then(|text| Session::parse(text).ok()) {
            self.offer = Some(offer);
            self.answer_sdp()?;
        }
        self.ours.version = version;
        Some(self.ours.to_string())
    }

    pub fn codec(&self) -> &'static str {
        self.media.peer.as_ref().map_or("none", Peer::codec)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        for task in self.tasks.iter().chain(&self.reporter) {
            task.abort();
        }
    }
}

/// Our offer at this port, with one codec or both.
pub fn offer(seed: u32, at: std::net::SocketAddr, codec: Option<crate::command::Codec>) -> Session {
    let mut session = Session::offer(u64::from(seed), at.ip(), at.port());
    let wanted = match codec {
        Some(crate::command::Codec::Alaw) => Some(Encoding::Alaw),
        Some(crate::command::Codec::Ulaw) => Some(Encoding::Ulaw),
        None => None,
    };
    session.codecs.retain(|codec: &Codec| wanted.as_ref().is_none_or(|wanted| codec.encoding == *wanted));
    session
}
