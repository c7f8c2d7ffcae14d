//! A phone of two sockets that says exactly what a scenario wants: no stack of ours is in it.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use hotline_sound::{FRAME_SAMPLES, Law, tone};

use super::PATIENCE;

/// One phone with one call.
pub struct Phone {
    pub sip: UdpSocket,
    pub rtp: UdpSocket,
    pub name: String,
    call_id: String,
    tag: String,
    branch: String,
    cseq: u32,
    server: SocketAddr,
    /// The INVITE that came in, or the To of the one that went out, once known.
    peer: Option<Message>,
    rtp_to: Option<SocketAddr>,
    sequence: u16,
    /// Messages that came while another was waited for.
    kept: Vec<Message>,
    is_caller: bool,
}

/// One SIP message, cut up as far as a test needs.
#[derive(Clone, Debug)]
pub struct Message {
    pub first: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub from: SocketAddr,
}

impl Message {
    fn read(text: &str, from: SocketAddr) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let headers =
            lines.filter_map(|line| line.split_once(':')).map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()));
        Self { first, headers: headers.collect(), body: body.to_owned(), from }
    }

    pub fn code(&self) -> Option<u16> {
        self.first.strip_prefix("SIP/2.0 ")?.split(' ').next()?.parse().ok()
    }

    pub fn is(&self, method: &str) -> bool {
        self.first.starts_with(&format!("{method} "))
    }

    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    fn all(&self, name: &str) -> String {
        let same = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.map(|(_, value)| format!("{name}: {value}\r\n")).collect()
    }

    fn media(&self) -> Option<SocketAddr> {
        let host = self.body.lines().find_map(|line| line.strip_prefix("c=IN IP4 "))?.trim();
        let port = self.body.lines().find_map(|line| line.strip_prefix("m=audio "))?.split(' ').next()?;
        format!("{host}:{port}").parse().ok()
    }
}

impl Phone {
    pub fn new(name: &str, server: SocketAddr) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let nth = NEXT.fetch_add(1, Ordering::Relaxed);
        let sip = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let rtp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        sip.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        rtp.set_read_timeout(Some(Duration::from_millis(5))).expect("a timeout");
        Self {
            sip,
            rtp,
            name: name.to_owned(),
            call_id: format!("{name}-{nth}-{}@test", std::process::id()),
            tag: format!("t{nth}"),
            branch: format!("z9hG4bK-{name}-{nth}"),
            cseq: 1,
            server,
            peer: None,
            rtp_to: None,
            sequence: 1,
            kept: Vec::new(),
            is_caller: true,
        }
    }

    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.name, self.address())
    }

    pub fn address(&self) -> SocketAddr {
        self.sip.local_addr().expect("bound")
    }

    /// INVITE with an offer of A-law and telephone events.
    pub fn invite(&mut self, number: &str) {
        let sdp = self.sdp();
        let body = format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}", sdp.len());
        let text = self.request("INVITE", number, &body);
        self.sip.send_to(text.as_bytes(), self.server).expect("sent");
    }

    pub fn cancel(&mut self, number: &str) {
        let text = self.request("CANCEL", number, "Content-Length: 0\r\n\r\n");
        self.sip.send_to(text.as_bytes(), self.server).expect("sent");
    }

    /// Waits for the final answer of the INVITE; ACKs it.
    pub fn answer(&mut self, number: &str) -> Message {
        let answer = self.final_answer();
        self.ack(number);
        answer
    }

    /// Waits for the final answer and leaves it without ACK.
    pub fn final_answer(&mut self) -> Message {
        let answer = self.wait("a final answer", |message| {
            message.code().is_some_and(|code| code >= 200) && message.header("CSeq").ends_with("INVITE")
        });
        self.rtp_to = answer.media();
        self.peer = Some(answer.clone());
        answer
    }

    /// ACKs the final answer: in the INVITE's transaction after a refusal, in one of its own after a 200 (RFC 3261 13.2.2.4).
    pub fn ack(&mut self, number: &str) {
        if self.peer.as_ref().and_then(Message::code) == Some(200) {
            self.branch = format!("z9hG4bK-ack-{}", self.tag);
        }
        let text = self.request("ACK", number, "Content-Length: 0\r\n\r\n");
        self.sip.send_to(text.as_bytes(), self.server).expect("sent");
    }

    /// Waits for an INVITE to this phone.
    pub fn invited(&mut self) -> Message {
        let invite = self.wait("an INVITE", |message| message.is("INVITE"));
        self.is_caller = false;
        self.rtp_to = invite.media();
        self.peer = Some(invite.clone());
        invite
    }

    /// Answers a request that came in.
    pub fn reply(&self, request: &Message, code: u16) {
        let sdp = if code == 200 && request.is("INVITE") { self.sdp() } else { String::new() };
        let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let tag = if code > 100 && !request.header("To").contains("tag=") {
            format!(";tag={}", self.tag)
        } else {
            String::new()
        };
        let text = format!(
            "SIP/2.0 {code} Whatever\r\n{}From: {}\r\nTo: {}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <{}>\r\n{kind}Content-Length: {}\r\n\r\n{sdp}",
            request.all("Via"),
            request.header("From"),
            request.header("To"),
            request.header("Call-ID"),
            request.header("CSeq"),
            self.uri(),
            sdp.len()
        );
        self.sip.send_to(text.as_bytes(), request.from).expect("sent");
    }

    /// BYE, and its answer.
    pub fn hang_up(&mut self) -> u16 {
        let peer = self.peer.clone().expect("a call");
        self.cseq += 1;
        let (from, to) = match self.is_caller {
            true => (format!("<{}>;tag={}", self.uri(), self.tag), peer.header("To").to_owned()),
            false => (format!("{};tag={}", peer.header("To"), self.tag), peer.header("From").to_owned()),
        };
        let call_id = if self.is_caller { self.call_id.as_str() } else { peer.header("Call-ID") };
        let contact = peer.header("Contact").trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        let text = format!(
            "BYE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK-bye-{}\r\nMax-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\nCSeq: {} BYE\r\nContent-Length: 0\r\n\r\n",
            self.address(),
            self.tag,
            self.cseq + 10
        );
        self.sip.send_to(text.as_bytes(), self.server).expect("sent");
        let answer = self
            .wait("the answer to BYE", |message| message.code().is_some() && message.header("CSeq").ends_with("BYE"));
        answer.code().unwrap_or(0)
    }

    /// Waits for a request inside the call and answers it 200.
    pub fn expect_request(&mut self, method: &str) -> Message {
        let request = self.wait(method, |message| message.is(method));
        if method != "ACK" {
            self.reply(&request, 200);
        }
        request
    }

    /// The first message that fits; others are kept.
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Message) -> bool) -> Message {
        let begun = Instant::now();
        loop {
            if let Some(index) = self.kept.iter().position(&fits) {
                return self.kept.remove(index);
            }
            assert!(begun.elapsed() < PATIENCE, "{} never got {what}; but {:?}", self.name, self.firsts());
            let mut bytes = [0; 4_096];
            if let Ok((length, from)) = self.sip.recv_from(&mut bytes) {
                self.kept.push(Message::read(&String::from_utf8_lossy(&bytes[..length]), from));
            }
        }
    }

    fn firsts(&self) -> Vec<&str> {
        self.kept.iter().map(|message| message.first.as_str()).collect()
    }

    /// Says a tone (0 says silence) for a while and returns what it heard meanwhile, with the longest gap between two
    /// packets.
    pub fn talk(&mut self, hertz: f32, long: Duration) -> Heard {
        let to = self.rtp_to.expect("the call has sound");
        let mut voice = tone::Tone::new(hertz.max(1.0), if hertz > 0.0 { -10.0 } else { -96.0 });
        let begun = Instant::now();
        let mut heard = Heard::default();
        let mut last: Option<Instant> = None;
        let mut sent = Instant::now();
        for frame in 0..(long.as_millis() / 20) as u32 {
            let mut packet = vec![0x80, 8];
            packet.extend_from_slice(&self.sequence.to_be_bytes());
            packet.extend_from_slice(&(u32::from(self.sequence) * 160).to_be_bytes());
            packet.extend_from_slice(&[7, 7, 7, 7]);
            let samples = voice.samples(FRAME_SAMPLES);
            packet.extend(samples.iter().map(|sample| Law::A.encode(*sample)));
            self.sequence += 1;
            self.rtp.send_to(&packet, to).expect("sent");
            heard.longest_pause = heard.longest_pause.max(sent.elapsed());
            sent = Instant::now();
            while begun.elapsed() < Duration::from_millis(20) * (frame + 1) {
                self.hear(&mut heard, &mut last);
            }
        }
        heard
    }

    fn hear(&mut self, heard: &mut Heard, last: &mut Option<Instant>) {
        let mut bytes = [0; 2_000];
        let Ok((length, _)) = self.rtp.recv_from(&mut bytes) else { return };
        let now = Instant::now();
        if let Some(before) = last.replace(now) {
            heard.longest_gap = heard.longest_gap.max(now - before);
        }
        heard.packets += 1;
        match bytes[1] & 0x7f {
            8 => heard.samples.extend(bytes[12..length].iter().map(|octet| Law::A.decode(*octet))),
            101 => heard.digit_packets += 1,
            _ => {}
        }
    }

    /// Presses a key by RFC 4733: a beginning, and its end three times.
    pub fn press(&mut self, event: u8) {
        let to = self.rtp_to.expect("the call has sound");
        let at = u32::from(self.sequence) * 160;
        for (end, duration) in [(0_u8, 160_u16), (0, 320), (0x80, 480), (0x80, 480), (0x80, 480)] {
            let mut packet = vec![0x80, 101];
            packet.extend_from_slice(&self.sequence.to_be_bytes());
            packet.extend_from_slice(&at.to_be_bytes());
            packet.extend_from_slice(&[7, 7, 7, 7, event, end | 10]);
            packet.extend_from_slice(&duration.to_be_bytes());
            self.sequence += 1;
            self.rtp.send_to(&packet, to).expect("sent");
        }
    }

    fn request(&self, method: &str, number: &str, rest: &str) -> String {
        let to = match self.peer.as_ref().filter(|_| method == "ACK") {
            Some(peer) => peer.header("To").to_owned(),
            None => format!("<sip:{number}@{}>", self.server),
        };
        format!(
            "{method} sip:{number}@{} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={}\r\nMax-Forwards: 70\r\nFrom: <{}>;tag={}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\nContact: <{}>\r\n{rest}",
            self.server,
            self.address(),
            self.branch,
            self.uri(),
            self.tag,
            self.call_id,
            self.cseq,
            self.uri()
        )
    }

    fn sdp(&self) -> String {
        let port = self.rtp.local_addr().expect("bound").port();
        format!(
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
        )
    }
}

/// What came in while a phone talked.
#[derive(Debug, Default)]
pub struct Heard {
    pub samples: Vec<i16>,
    pub packets: usize,
    pub digit_packets: usize,
    pub longest_gap: Duration,
    /// The longest time between two packets that the phone itself sent.
    pub longest_pause: Duration,
}

impl Heard {
    /// Is the tone heard in the last part of it?
    pub fn tone(&self, hertz: f32) -> bool {
        let last = self.samples.len().saturating_sub(3_200);
        self.samples.len() >= 1_600 && tone::is_heard(&self.samples[last..], hertz)
    }
}
