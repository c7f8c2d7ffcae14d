//! Small readers and writers of headers over the library's message types.

use std::net::{IpAddr, SocketAddr};

use rsipstack::sip::headers::{make_header, untyped};
use rsipstack::sip::{Header, Headers, Host, Request, Response, StatusCode, Uri, Version};

use crate::api::{Party, Transport};
use crate::framing::tag_of;

/// Every method that we understand, as Allow says it.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE";

/// A From, To, Contact or identity value taken apart.
#[derive(Clone, Debug)]
pub(crate) struct NameAddr {
    pub name: String,
    pub uri: Uri,
    pub tag: Option<String>,
}

impl NameAddr {
    /// `"name" <sip:user@host>;tag=x`, `sip:user@host;tag=x`. `None`: no address in it.
    pub fn parse(value: &str) -> Option<Self> {
        let value = value.trim();
        let (name, uri) = match find_open(value) {
            Some(open) => {
                let close = open + value[open..].find('>')?;
                (unquote(value[..open].trim()), parse_uri(&value[open + 1..close])?)
            }
            // Without <> parameters belong to the header, not to the address (RFC 3261, 20.10).
            None => (String::new(), parse_uri(value.split(';').next()?)?),
        };
        Some(Self { name, uri, tag: tag_of(value).map(str::to_string) })
    }

    pub fn party(&self) -> Party {
        Party { number: self.uri.user().unwrap_or_default().to_string(), name: self.name.clone() }
    }
}

/// An address; escapes in its user part are resolved (the library writes them back).
pub(crate) fn parse_uri(text: &str) -> Option<Uri> {
    if text.contains(['\r', '\n', ' ', '<', '>', '"']) || text.len() > 512 {
        return None;
    }
    let mut uri: Uri = text.parse().ok()?;
    if let Some(auth) = &mut uri.auth {
        auth.user = unescape(&auth.user);
        auth.password = None;
    }
    Some(uri)
}

/// Host and port as an address; `None`: a name, which has to be looked up.
pub(crate) fn literal_address(uri: &Uri) -> Option<SocketAddr> {
    let port = uri.host_with_port.port.as_ref().map_or(5060, |port| port.0);
    match &uri.host_with_port.host {
        Host::IpAddr(ip) => Some(SocketAddr::new(*ip, port)),
        Host::Domain(_) => None,
    }
}

/// The transport that an address asks for; `None`: one that we do not speak.
pub(crate) fn transport_of(uri: &Uri) -> Option<Transport> {
    let asked = uri.params.iter().find_map(|param| match param {
        rsipstack::sip::Param::Transport(transport) => Some(*transport),
        _ => None,
    });
    match asked {
        None | Some(rsipstack::sip::Transport::Udp) => Some(Transport::Udp),
        Some(rsipstack::sip::Transport::Tcp) => Some(Transport::Tcp),
        Some(_) => None,
    }
}

/// Can this address be reached from anywhere, as far as its range says?
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            let is_benchmark = a == 198 && (18..20).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || is_shared
                || is_benchmark)
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            let is_unique_local = first & 0xfe00 == 0xfc00;
            let is_link_local = first & 0xffc0 == 0xfe80;
            !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || is_unique_local || is_link_local)
        }
    }
}

/// The first value of a header by its full name (the library has resolved compact forms).
pub(crate) fn value<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.iter().find(|header| header.name().eq_ignore_ascii_case(name)).map(Header::value)
}

/// All values of a header, in order.
pub(crate) fn values<'a>(headers: &'a Headers, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers.iter().filter(move |header| header.name().eq_ignore_ascii_case(name)).map(Header::value)
}

/// The address of the first Contact.
pub(crate) fn contact(headers: &Headers) -> Option<Uri> {
    NameAddr::parse(split_list(value(headers, "Contact")?).next()?).map(|contact| contact.uri)
}

/// Parts of a list header: at commas outside quotes and angle brackets.
pub(crate) fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut angled, mut escaped) = (false, false, false);
    value
        .split(move |letter: char| {
            if escaped {
                escaped = false;
                return false;
            }
            match letter {
                '\\' if quoted => escaped = true,
                '"' if !angled => quoted = !quoted,
                '<' if !quoted => angled = true,
                '>' if !quoted => angled = false,
                ',' => return !quoted && !angled,
                _ => {}
            }
            false
        })
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// The Record-Route of a message as a list of whole values.
pub(crate) fn record_routes(headers: &Headers) -> Vec<String> {
    values(headers, "Record-Route").flat_map(split_list).take(16).map(str::to_string).collect()
}

/// `Reason: Q.850;cause=16` (RFC 3326).
pub(crate) fn q850(headers: &Headers) -> Option<u8> {
    values(headers, "Reason").flat_map(split_list).find_map(|reason| {
        let (protocol, rest) = reason.split_once(';')?;
        let cause = rest.split(';').find_map(|param| param.trim().strip_prefix("cause=").map(str::trim))?;
        protocol.trim().eq_ignore_ascii_case("q.850").then(|| cause.parse().ok())?
    })
}

/// The Q.850 cause that a final code stands for (RFC 3398, 8.2.6).
pub(crate) fn q850_of_code(code: u16) -> u8 {
    match code {
        200 | 487 => 16,
        401 | 402 | 403 | 407 | 603 => 21,
        404 | 485 | 604 => 1,
        405 => 63,
        406 | 415 | 488 | 606 => 79,
        408 | 504 => 102,
        410 => 22,
        413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => 127,
        480 => 18,
        481 | 400 | 500 => 41,
        482 | 483 => 25,
        484 => 28,
        486 | 600 => 17,
        502 | 503 => 38,
        _ => 31,
    }
}

/// The answer's code for a cause with which we refuse a call (RFC 3398, 7.2.4.1).
pub(crate) fn code_of_q850(cause: u8) -> u16 {
    match cause {
        1..=3 => 404,
        17 => 486,
        19 | 31 => 480,
        21 => 403,
        22 => 410,
        27 | 38 | 102 => 502,
        28 => 484,
        34 | 41 | 42 | 47 => 503,
        65 | 79 | 88 => 488,
        _ => 480,
    }
}

/// The headers that an answer repeats (RFC 3261, 8.2.6), with our tag on To.
pub(crate) fn reply_head(request: &Request, local_tag: Option<&str>) -> Vec<Header> {
    let mut head: Vec<Header> = request
        .headers
        .iter()
        .filter(|header| {
            matches!(
                header,
                Header::Via(_)
                    | Header::From(_)
                    | Header::To(_)
                    | Header::CallId(_)
                    | Header::CSeq(_)
                    | Header::RecordRoute(_)
            )
        })
        .cloned()
        .collect();
    for header in &mut head {
        if let (Header::To(to), Some(tag)) = (header, local_tag)
            && tag_of(to.value()).is_none()
        {
            let with_tag = format!("{};tag={tag}", to.value());
            to.replace(with_tag);
        }
    }
    head
}

/// An answer from its repeated head.
pub(crate) fn reply(head: &[Header], code: u16, more: Vec<Header>, body: Option<String>) -> Response {
    let mut headers: Vec<Header> = Vec::with_capacity(head.len() + more.len() + 2);
    headers.extend_from_slice(head);
    headers.extend(more);
    push_body(&mut headers, body.as_deref());
    Response {
        status_code: StatusCode::from(code),
        wire_reason: None,
        version: Version::V2,
        headers: headers.into(),
        body: body.unwrap_or_default().into_bytes(),
    }
}

/// Content-Type and Content-Length.
pub(crate) fn push_body(headers: &mut Vec<Header>, body: Option<&str>) {
    if body.is_some() {
        headers.push(Header::ContentType(untyped::ContentType::new("application/sdp")));
    }
    headers.push(Header::ContentLength((body.map_or(0, str::len) as u32).into()));
}

/// A header by name, as the variant by which the library finds it again.
pub(crate) fn header(name: &str, value: impl Into<String>) -> Header {
    make_header(name, value.into())
}

/// A body as text; SDP and DTMF bodies are nothing else.
pub(crate) fn text(body: &[u8]) -> Option<String> {
    if body.is_empty() { None } else { std::str::from_utf8(body).ok().map(str::to_string) }
}

/// A display name or user as a quoted string; line breaks cannot pass.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted.push('"');
    quoted
}

/// `"name" <uri>`, without the name when there is none.
pub(crate) fn name_addr(name: &str, uri: &str) -> String {
    if name.is_empty() { format!("<{uri}>") } else { format!("{} <{uri}>", quoted(name)) }
}

/// `+70001234567` as `+7000***67`: enough to follow a call, too little to call back.
pub(crate) fn masked(number: &str) -> String {
    let letters: Vec<char> = number.chars().collect();
    if letters.len() < 7 {
        return "***".into();
    }
    let head: String = letters[..letters.len() - 5].iter().take(5).collect();
    let tail: String = letters[letters.len() - 2..].iter().collect();
    format!("{head}***{tail}")
}

/// Bytes that may stand in a user part as they are; the library escapes the rest.
fn unescape(user: &str) -> String {
    let bytes = user.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| user.get(at + 1..at + 3)).flatten();
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|byte| *byte >= 0x20) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The `<` that opens the address: not one inside a quoted name.
fn find_open(value: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    value.char_indices().find_map(|(at, letter)| {
        if escaped {
            escaped = false;
            return None;
        }
        match letter {
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

fn unquote(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return name.to_string();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut escaped = false;
    for letter in inner.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(letter);
            escaped = false;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_taken_apart() {
        let party = NameAddr::parse("\"An\\\"na, <boss>\" <sip:+7%20000@h:5062;x=1>;tag=9").expect("an address");
        assert_eq!(
            (party.name.as_str(), party.uri.user(), party.tag.as_deref()),
            ("An\"na, <boss>", Some("+7 000"), Some("9"))
        );
        assert_eq!(party.uri.to_string(), "sip:+7%20000@h:5062;x=1");
        let bare = NameAddr::parse("sip:op1@h;tag=3").expect("an address");
        assert_eq!((bare.uri.to_string().as_str(), bare.tag.as_deref()), ("sip:op1@h", Some("3")));
    }

    #[test]
    fn lists_are_split_outside_quotes_and_brackets() {
        let parts: Vec<_> = split_list("\"a,b\" <sip:a,b@h>, <sip:c@h>;x=\"1,2\"").collect();
        assert_eq!(parts, ["\"a,b\" <sip:a,b@h>", "<sip:c@h>;x=\"1,2\""]);
    }

    #[test]
    fn addresses_that_only_we_can_reach_are_not_public() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "192.168.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "100.64.0.1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
        assert!(is_public("8.8.8.8".parse().expect("an address")));
    }

    #[test]
    fn numbers_in_logs_are_masked() {
        assert_eq!(masked("+70001234567"), "+7000***67");
        assert_eq!(masked("100"), "***");
    }
}
