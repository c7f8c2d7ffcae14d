//! The way in: from the socket through the gate, the framing guards and the parser into the transaction layer.
//!
//! Nothing is kept waiting on the way: what a batch brought is dispatched before the next one is read.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use rsipstack::sip::{Response, SipMessage};
use rsipstack::transport::SipConnection;
use tokio::time::{Duration, Instant};
use tracing::debug;

use crate::api::Transport;
use crate::core::{Core, count, library_transport, sip_addr};
use crate::datagrams::{BATCH, Batch, Socket};
use crate::framing::{Glance, Kind, Length, glance, stateless, with_readable_head};
use crate::gate::{Class, Verdict, Why};
use crate::message;

impl Core {
    /// The receive loop: batch by batch, yielding after full ones so that verbs and timers have their turn.
    pub async fn receive(self: Rc<Self>, socket: Arc<Socket>) {
        let mut batch = Batch::new();
        let mut full_since = None;
        loop {
            let Ok(taken) = batch.receive(&socket).await else {
                // ICMP errors surface here; the next datagram is as good as any.
                tokio::task::yield_now().await;
                continue;
            };
            if taken < BATCH {
                // The socket is drained: the burst is over before its last messages are judged.
                full_since = None;
                self.overloaded.set(false);
            }
            let now = Instant::now();
            let mut admitted = 0;
            for at in 0..taken {
                if let Some((data, source)) = batch.datagram(at) {
                    admitted += usize::from(self.datagram(data, source, now).await);
                }
            }
            // What was dropped or turned away costs next to nothing: a flood of it is no reason to refuse the others.
            if taken == BATCH && admitted >= BATCH / 2 {
                let since = *full_since.get_or_insert(now);
                self.overloaded.set(now.duration_since(since) >= OVERLOADED_AFTER);
            }
            if taken == BATCH {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Judges and takes one datagram. False: it went no further than the gate and the framing guards.
    async fn datagram(self: &Rc<Self>, data: &[u8], source: SocketAddr, now: Instant) -> bool {
        count(&self.tally.received);
        let class = self.gate.borrow().class(source.ip(), now);
        if class == Class::Stranger {
            // Not even looked at.
            count(&self.tally.strangers);
            return false;
        }
        if data == b"\r\n\r\n" {
            self.sender.send(b"\r\n", source);
            return false;
        }
        let readable = with_readable_head(data);
        let data = readable.as_deref().unwrap_or(data);
        let Some(seen) = glance(data) else {
            count(&self.tally.unreadable);
            return false;
        };
        if !self.pass(data, &seen, source, &class) {
            return false;
        }
        let available = data.len() - seen.body_at;
        let body = match seen.length {
            Length::Missing => Some(data[seen.body_at..].to_vec()),
            Length::Is(length) if length <= available => None,
            _ => {
                self.refuse(data, source, 400, "Bad Content-Length", None);
                return false;
            }
        };
        let Ok(mut message) = SipMessage::try_from(data) else {
            count(&self.tally.unreadable);
            return false;
        };
        if let Some(body) = body {
            match &mut message {
                SipMessage::Request(request) => request.body = body,
                SipMessage::Response(response) => response.body = body,
            }
        }
        self.take(message, self.udp.clone(), source, Transport::Udp, class).await;
        true
    }

    /// The gate's word, carried out. False: the message is dealt with.
    fn pass(&self, data: &[u8], seen: &Glance<'_>, source: SocketAddr, class: &Class) -> bool {
        let verdict = self.gate.borrow().judge(class, source, seen, self.load());
        match verdict {
            Verdict::Admit => return true,
            Verdict::Silence(Why::Stranger) => count(&self.tally.strangers),
            Verdict::Silence(Why::Limited) => count(&self.tally.limited),
            Verdict::Silence(Why::Nobodys) => {}
            Verdict::Busy => {
                let retry_after_s = self.gate.borrow().admission().retry_after_s;
                self.refuse(data, source, 503, "Service Unavailable", Some(retry_after_s));
            }
        }
        false
    }

    /// The same for a message on a stream: a stateless answer goes back on it.
    pub async fn pass_stream(
        &self,
        data: &[u8],
        seen: &Glance<'_>,
        source: SocketAddr,
        now: Instant,
        connection: &SipConnection,
    ) -> Option<Class> {
        let class = self.gate.borrow().class(source.ip(), now);
        let verdict = self.gate.borrow().judge(&class, source, seen, self.load());
        match verdict {
            Verdict::Admit => Some(class),
            Verdict::Silence(_) => {
                count(&self.tally.limited);
                None
            }
            Verdict::Busy => {
                count(&self.tally.refused_503);
                let retry_after_s = self.gate.borrow().admission().retry_after_s;
                let answer = stateless(data, 503, "Service Unavailable", Some(retry_after_s))?;
                let answer = SipMessage::try_from(answer.as_slice()).ok()?;
                // A stream that ended takes its answer with it.
                let _ = connection.send(answer, None).await;
                None
            }
        }
    }

    fn refuse(&self, data: &[u8], source: SocketAddr, code: u16, phrase: &str, retry_after_s: Option<u16>) {
        count(if code == 503 { &self.tally.refused_503 } else { &self.tally.refused_400 });
        let is_answerable = glance(data).is_some_and(|seen| !matches!(seen.kind, Kind::Response | Kind::Ack));
        if is_answerable && let Some(answer) = stateless(data, code, phrase, retry_after_s) {
            self.sender.send(&answer, source);
        }
    }

    /// A parsed message enters the transaction layer; what comes out of it is dispatched at once.
    pub async fn take(
        self: &Rc<Self>,
        message: SipMessage,
        connection: SipConnection,
        source: SocketAddr,
        transport: Transport,
        class: Class,
    ) {
        let Ok(message) = SipConnection::update_msg_received(message, source, library_transport(transport)) else {
            count(&self.tally.unreadable);
            return;
        };
        if let SipMessage::Response(response) = &message
            && self.repeat_ack(response, &connection).await
        {
            return;
        }
        let from = sip_addr(source, transport);
        if let Err(error) = self.endpoint.on_received_message(message, connection, &from).await {
            debug!(%source, %error, "a message that no transaction takes");
            count(&self.tally.unreadable);
        }
        loop {
            let arrived = self.arrivals.borrow_mut().try_recv();
            let Ok(transaction) = arrived else { break };
            crate::arrive::dispatch(self, transaction, source, transport, &class).await;
        }
    }

    /// A 2xx that came again gets its ACK again, whatever the transaction layer has forgotten.
    async fn repeat_ack(&self, response: &Response, connection: &SipConnection) -> bool {
        if !(200..300).contains(&response.status_code.code()) {
            return false;
        }
        let headers = &response.headers;
        let (Some(call_id), Some(cseq)) = (message::value(headers, "Call-ID"), message::value(headers, "CSeq")) else {
            return false;
        };
        let ack = {
            let acks = self.acks.borrow();
            let Some(sent) = acks.get(call_id) else { return false };
            let tag = message::value(headers, "To").and_then(crate::framing::tag_of);
            let is_same = cseq.split_whitespace().eq([sent.cseq.to_string().as_str(), "INVITE"]);
            if !is_same || tag != Some(sent.to_tag.as_str()) {
                return false;
            }
            (sent.ack.clone(), sip_addr(sent.peer, sent.transport))
        };
        // A failed write is repaired by the next copy of the answer.
        let _ = connection.send(ack.0.into(), Some(&ack.1)).await;
        true
    }
}

/// The kernel's buffer never ran dry for so long: more comes in than we can do. A process that was merely not given the
/// processor for a moment catches up sooner.
const OVERLOADED_AFTER: Duration = Duration::from_millis(250);
