//! What must be known of a message before it is parsed, and the guards against two readers reading two messages.
//!
//! The library's parser takes the *last* Content-Length, its stream codec the *first*, and a datagram without one loses
//! its body: so lengths are judged here, once, for both transports (RFC 3261, 18.3 and 20.14).

/// The head of a message, not yet parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glance<'a> {
    pub kind: Kind,
    /// The tag of To; `None` marks a request outside any dialog.
    pub to_tag: Option<&'a str>,
    /// Does it carry Authorization or Proxy-Authorization?
    pub has_credentials: bool,
    pub length: Length,
    /// Where the body begins.
    pub body_at: usize,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Kind {
    Invite,
    Ack,
    Register,
    OtherRequest,
    Response,
}

/// What the Content-Length headers say.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) enum Length {
    Missing,
    Is(usize),
    /// Two different ones, or one that is no number: refused, never guessed.
    Conflicting,
}

/// Looks at a message's head. `None`: there is no whole head, or its first line is no SIP.
pub(crate) fn glance(data: &[u8]) -> Option<Glance<'_>> {
    let head_end = find_blank_line(data)?;
    let head = std::str::from_utf8(&data[..head_end]).ok()?;
    let mut lines = head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let kind = kind(lines.next()?)?;
    let mut glance =
        Glance { kind, to_tag: None, has_credentials: false, length: Length::Missing, body_at: head_end + 4 };
    let mut last_was_length = false;
    for line in lines {
        if line.starts_with([' ', '\t']) {
            if last_was_length {
                glance.length = Length::Conflicting;
            }
            continue;
        }
        let Some((name, value)) = line.split_once(':') else { continue };
        let name = name.trim();
        last_was_length = name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l");
        if last_was_length {
            glance.length = glance.length.and(value.trim());
        } else if name.eq_ignore_ascii_case("to") || name.eq_ignore_ascii_case("t") {
            glance.to_tag = tag_of(value);
        } else if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization") {
            glance.has_credentials = true;
        }
    }
    Some(glance)
}

/// Where the head ends (the index of the CRLF CRLF).
pub(crate) fn find_blank_line(data: &[u8]) -> Option<usize> {
    memchr::memmem::find(data, b"\r\n\r\n")
}

/// The head with every byte that is no UTF-8 replaced, `None` when there is nothing to replace. Display names in old
/// code pages must not hide the headers after them.
pub(crate) fn with_readable_head(data: &[u8]) -> Option<Vec<u8>> {
    let head_end = find_blank_line(data)?;
    if std::str::from_utf8(&data[..head_end]).is_ok() {
        return None;
    }
    let mut readable = String::from_utf8_lossy(&data[..head_end]).replace('\u{FFFD}', "?").into_bytes();
    readable.extend_from_slice(&data[head_end..]);
    Some(readable)
}

/// A final answer made from the request's raw head alone; nothing is kept for it. The tag of To is [`STATELESS_TAG`].
pub(crate) fn stateless(data: &[u8], code: u16, phrase: &str, retry_after_s: Option<u16>) -> Option<Vec<u8>> {
    let head_end = find_blank_line(data)?;
    let head = std::str::from_utf8(&data[..head_end]).ok()?;
    let mut answer = String::with_capacity(head.len() + 64);
    answer.push_str(&format!("SIP/2.0 {code} {phrase}\r\n"));
    let mut copying = false;
    for line in head.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).skip(1) {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or("").trim();
            copying = is_copied(name);
        }
        if !copying {
            continue;
        }
        answer.push_str(line);
        let name = line.split(':').next().unwrap_or("").trim();
        if (name.eq_ignore_ascii_case("to") || name.eq_ignore_ascii_case("t")) && tag_of(line).is_none() {
            answer.push_str(";tag=");
            answer.push_str(STATELESS_TAG);
        }
        answer.push_str("\r\n");
    }
    if let Some(seconds) = retry_after_s {
        answer.push_str(&format!("Retry-After: {seconds}\r\n"));
    }
    answer.push_str("Content-Length: 0\r\n\r\n");
    Some(answer.into_bytes())
}

/// The To tag of every stateless answer: an ACK that carries it belongs to nobody and is dropped unread.
pub(crate) const STATELESS_TAG: &str = "hl-stateless";

impl Length {
    fn and(self, value: &str) -> Self {
        let number =
            if value.len() <= 9 && value.bytes().all(|byte| byte.is_ascii_digit()) { value.parse().ok() } else { None };
        match (self, number) {
            (Self::Missing, Some(number)) => Self::Is(number),
            (Self::Is(before), Some(number)) if before == number => self,
            _ => Self::Conflicting,
        }
    }
}

fn kind(line: &str) -> Option<Kind> {
    if line.starts_with("SIP/2.0 ") {
        return Some(Kind::Response);
    }
    let (method, rest) = line.split_once([' ', '\t'])?;
    if !rest.trim_end().ends_with("SIP/2.0") {
        return None;
    }
    Some(match method {
        "INVITE" => Kind::Invite,
        "ACK" => Kind::Ack,
        "REGISTER" => Kind::Register,
        _ => Kind::OtherRequest,
    })
}

fn is_copied(name: &str) -> bool {
    ["via", "v", "from", "f", "to", "t", "call-id", "i", "cseq"].iter().any(|copied| name.eq_ignore_ascii_case(copied))
}

/// The tag parameter after the address of a From or To value.
pub(crate) fn tag_of(value: &str) -> Option<&str> {
    let after_address = match value.rfind('>') {
        Some(at) => &value[at..],
        None => value,
    };
    after_address.split(';').skip(1).find_map(|param| {
        let (name, tag) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("tag").then(|| tag.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVITE: &str = "INVITE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK1\r\n\
        From: \"a;tag=no\" <sip:a@x>;tag=1\r\nTo: <sip:100@127.0.0.1>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n";

    fn with(lines: &str) -> Vec<u8> {
        format!("{INVITE}{lines}\r\nv=0\r\n").into_bytes()
    }

    #[test]
    fn two_different_lengths_are_a_conflict_and_two_equal_ones_are_not() {
        let read = |lines: &str| glance(&with(lines)).map(|glance| glance.length);

        assert_eq!(read(""), Some(Length::Missing));
        assert_eq!(read("Content-Length: 5\r\n"), Some(Length::Is(5)));
        assert_eq!(read("Content-Length: 5\r\nl: 5\r\n"), Some(Length::Is(5)));
        assert_eq!(read("Content-Length: 5\r\nl: 6\r\n"), Some(Length::Conflicting));
        assert_eq!(read("content-length : 5\r\nContent-Length: 0\r\n"), Some(Length::Conflicting));
        assert_eq!(read("Content-Length: 5\r\n 0\r\n"), Some(Length::Conflicting));
        assert_eq!(read("Content-Length: +5\r\n"), Some(Length::Conflicting));
        assert_eq!(read("Content-Length: 99999999999999999999\r\n"), Some(Length::Conflicting));
    }

    #[test]
    fn a_tag_inside_a_display_name_is_no_tag() {
        assert_eq!(tag_of(" \"x;tag=1\" <sip:a@b>"), None);
        assert_eq!(tag_of(" <sip:a@b;tag=2>;TAG = 3 ;x"), Some("3"));
        assert_eq!(tag_of(" sip:a@b;tag=4"), Some("4"));
    }

    #[test]
    fn a_stateless_answer_carries_what_the_client_matches_by() {
        let answer = stateless(&with(""), 503, "Service Unavailable", Some(5)).expect("an answer");
        let answer = String::from_utf8(answer).expect("text");

        assert!(answer.starts_with("SIP/2.0 503 Service Unavailable\r\nVia: SIP/2.0/UDP 127.0.0.1:5061"));
        assert!(answer.contains("To: <sip:100@127.0.0.1>;tag=hl-stateless\r\n"));
        assert!(answer.contains("CSeq: 1 INVITE\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"));
    }

    #[test]
    fn a_name_in_an_old_code_page_does_not_hide_the_rest() {
        let mut data = b"INVITE sip:1@h SIP/2.0\r\nFrom: \"".to_vec();
        data.extend_from_slice(&[0xC0, 0xED, 0xED, 0xE0]);
        data.extend_from_slice(b"\" <sip:a@b>;tag=1\r\nTo: <sip:1@h>;tag=9\r\n\r\n");
        assert_eq!(glance(&data), None);

        let readable = with_readable_head(&data).expect("something to replace");

        assert_eq!(glance(&readable).and_then(|glance| glance.to_tag.map(str::to_string)), Some("9".into()));
    }
}
