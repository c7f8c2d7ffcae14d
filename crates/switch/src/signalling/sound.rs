//! A leg's sound: the port in our SDP, the sockets behind it, and what its peer's SDP asks of the media machine.
//!
//! A port is reserved when our SDP is written. Its sockets are bound only when sound may be spent on the leg: at
//! once for proven legs, at the ACK for callers at an open door.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use hotline_control::frames::EndCause;
use hotline_media::{Direction, Law, LegSetup, Target};
use hotline_sip::sdp::{self, Encoding, Session};

use super::Switch;
use super::legs::{End, Index, Media};
use crate::media::message::ToMedia;
use crate::media::sockets::Pair;

/// Another program may hold ports of the range; another switch holds as many in a row as it has legs.
const MOST_PORTS_TRIED: usize = 512;

/// What we say and understand.
const CODECS: [Encoding; 2] = [Encoding::Alaw, Encoding::Ulaw];

impl Switch {
    /// Takes a port for the leg and writes our side of its session. `peer` decides which address of ours stands in it.
    ///
    /// Errors, in words: no port is free, or no codec is shared.
    pub(super) fn reserve_sound(&mut self, index: Index, peer: IpAddr, thread: usize) -> Result<(), &'static str> {
        let Some(leg) = self.legs.get(index) else { return Err("the leg is gone") };
        if leg.media.is_some() {
            return Ok(());
        }
        let is_proven = leg.is_proven;
        let (port, pair) = self.take_port(is_proven)?;
        let Some(leg) = self.legs.get(index) else { return Err("the leg is gone") };
        let address = if self.rtp_bind.is_unspecified() || peer.is_loopback() || self.sip_is_public() {
            self.sip.host_for(peer)
        } else {
            self.rtp_bind
        };
        let id = self.now_us;
        let local = match &leg.remote {
            Some(offer) => offer.answer(id, address, port, &CODECS),
            None => Some(Session::offer(id, address, port)),
        };
        let Some(local) = local else {
            self.ports.give_back(port, self.now_us);
            return Err("no codec in common");
        };
        if let Some(leg) = self.legs.get_mut(index) {
            leg.media = Some(Media { thread, port, local, pair, is_open: false });
        }
        Ok(())
    }

    /// A free port, with its sockets where sound may be spent already: other programs take ports of the range too,
    /// and it must not stand in our SDP then.
    fn take_port(&mut self, with_sockets: bool) -> Result<(u16, Option<Pair>), &'static str> {
        for _ in 0..MOST_PORTS_TRIED {
            let Some(port) = self.ports.take(self.now_us) else { break };
            if !with_sockets {
                return Ok((port, None));
            }
            match Pair::bind(self.rtp_bind, port) {
                Ok(pair) => return Ok((port, Some(pair))),
                Err(_) => {
                    self.figures.port_taken += 1;
                    self.ports.give_back(port, self.now_us);
                }
            }
        }
        self.figures.no_port += 1;
        Err("no RTP port is free")
    }

    /// Opens the leg's sockets and gives them to its media thread; the leg hears silence from then on. Does nothing
    /// twice. A port that somebody else took meanwhile ends the leg: it stands in our SDP already.
    pub(super) fn open_sound(&mut self, index: Index) {
        let Some(leg) = self.legs.get_mut(index) else { return };
        let target = target(leg.remote.as_ref(), leg.source, leg.behind_nat);
        let Some(media) = leg.media.as_mut().filter(|media| !media.is_open) else { return };
        match media.pair.take().map_or_else(|| Pair::bind(self.rtp_bind, media.port), Ok) {
            Ok(pair) => {
                media.is_open = true;
                let (id, thread) = (Arc::clone(&leg.id), media.thread);
                let setup = setup(&id, target);
                self.media.settle(&id, thread);
                self.media.send(&id, ToMedia::Open { setup, pair });
            }
            Err(error) => {
                let port = media.port;
                self.figures.port_taken += 1;
                tracing::warn!(port, %error, "an RTP port cannot be bound");
                self.end(index, End { cause: EndCause::Us, code: 500, q850: 41 });
            }
        }
    }

    /// The peer's session has changed: a hold, another address, another codec.
    pub(super) fn retarget(&mut self, index: Index) {
        let Some(leg) = self.legs.get(index) else { return };
        let Some(target) = target(leg.remote.as_ref(), leg.source, leg.behind_nat) else { return };
        if leg.open_media().is_some() {
            let id = Arc::clone(&leg.id);
            self.media.send(&id, ToMedia::Retarget { leg: Arc::clone(&id), target });
        }
    }

    /// Our session for the peer's new offer; its version grows.
    ///
    /// Errors: no codec in common.
    pub(super) fn renew_session(&mut self, index: Index, offer: Option<Session>) -> Option<String> {
        let leg = self.legs.get_mut(index)?;
        let media = leg.media.as_mut()?;
        let (id, version) = (media.local.id, media.local.version + 1);
        let (address, port) = (media.local.address, media.port);
        let mut local = match &offer {
            Some(offer) => offer.answer(id, address, port, &CODECS)?,
            None => Session::offer(id, address, port),
        };
        local.version = version;
        media.local = local;
        let text = media.local.to_string();
        if offer.is_some() {
            leg.remote = offer;
        }
        Some(text)
    }

    fn sip_is_public(&self) -> bool {
        self.has_public
    }
}

/// The codec's name in events; empty while none is agreed.
pub(super) fn codec_name(remote: Option<&Session>) -> &'static str {
    match remote.and_then(law) {
        Some((Law::A, _)) => "pcma",
        Some((Law::Mu, _)) => "pcmu",
        None => "",
    }
}

/// The first codec of the peer's list that is ours: for an offer what we answer with, for an answer what it chose.
fn law(remote: &Session) -> Option<(Law, u8)> {
    remote.codecs.iter().find_map(|codec| match codec.encoding {
        Encoding::Alaw => Some((Law::A, codec.payload)),
        Encoding::Ulaw => Some((Law::Mu, codec.payload)),
        Encoding::Other(_) => None,
    })
}

/// What the machine needs of the peer's session. Behind NAT the SDP's host is not where sound comes from; then it is
/// the host that signalling came from (RELIABILITY.md section 2).
fn target(remote: Option<&Session>, source: Option<SocketAddr>, behind_nat: bool) -> Option<Target> {
    let remote = remote?;
    let (law, payload_type) = law(remote)?;
    let told = remote.address.to_canonical();
    let signalled = source.map(|source| source.ip().to_canonical());
    let host = match signalled {
        Some(signalled) if told.is_unspecified() || behind_nat || is_hidden(told, signalled) => signalled,
        _ => told,
    };
    Some(Target {
        rtp: SocketAddr::new(host, remote.port),
        rtcp: remote.rtcp_port.map(|port| SocketAddr::new(host, port)),
        expected_ip: host,
        law,
        payload_type,
        digits_type: remote.digits,
        direction: direction(remote.effective_direction(), remote.port),
    })
}

/// A private address in the SDP of somebody who signals from elsewhere: he does not know that he is behind NAT.
fn is_hidden(told: IpAddr, signalled: IpAddr) -> bool {
    let is_private = match told {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local() || v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64,
        IpAddr::V6(v6) => v6.is_unique_local() || v6.is_unicast_link_local(),
    };
    (is_private || told.is_loopback() != signalled.is_loopback()) && told != signalled
}

/// The peer's direction seen from us (RFC 3264 section 6.1).
fn direction(theirs: sdp::Direction, port: u16) -> Direction {
    match theirs {
        _ if port == 0 => Direction::None,
        sdp::Direction::SendRecv => Direction::Both,
        sdp::Direction::SendOnly => Direction::Receive,
        sdp::Direction::RecvOnly => Direction::Send,
        sdp::Direction::Inactive => Direction::None,
    }
}

/// The kernel's dice give the seeds (RFC 3550 section 5.1); without them the leg's name and the clock have to do.
fn setup(id: &Arc<str>, target: Option<Target>) -> LegSetup {
    let dice =
        crate::random::bytes::<10>().unwrap_or_else(|_| std::array::from_fn(|i| (crate::clock::now_us() >> i) as u8));
    let [a, b, c, d, e, f, g, h, i, j] = dice;
    LegSetup {
        id: Arc::clone(id),
        target,
        ssrc: u32::from_be_bytes([a, b, c, d]),
        sequence: u16::from_be_bytes([e, f]) & 0x7fff,
        timestamp: u32::from_be_bytes([g, h, i, j]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(address: [u8; 4]) -> Session {
        Session::offer(1, address.into(), 4_000)
    }

    #[test]
    fn a_private_address_behind_nat_gives_way_to_the_signalling_source() {
        let source = Some(([203, 0, 113, 9], 1024).into());
        let hidden = target(Some(&session([192, 168, 1, 5])), source, false).expect("a target");
        assert_eq!((hidden.rtp, hidden.expected_ip), (([203, 0, 113, 9], 4_000).into(), [203, 0, 113, 9].into()));
        let open = target(Some(&session([198, 51, 100, 4])), source, false).expect("a target");
        assert_eq!(open.expected_ip, IpAddr::from([198, 51, 100, 4]));
        let told = target(Some(&session([198, 51, 100, 4])), source, true).expect("a target");
        assert_eq!(told.expected_ip, IpAddr::from([203, 0, 113, 9]));
    }

    #[test]
    fn a_peer_that_only_sends_hears_nothing_of_us() {
        let mut held = session([198, 51, 100, 4]);
        held.direction = sdp::Direction::SendOnly;
        assert_eq!(target(Some(&held), None, false).map(|target| target.direction), Some(Direction::Receive));
    }
}
