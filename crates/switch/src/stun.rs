//! One STUN Binding request (RFC 8489): what address do others see us at?

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// Asks `server` from a socket of its own; three tries of a second each.
///
/// Errors: no answer, or an answer that holds no address.
pub fn public_address(server: SocketAddr) -> io::Result<IpAddr> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let request = binding_request(crate::random::bytes()?);
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..3 {
        socket.send(&request)?;
        let mut answer = [0; 1024];
        match socket.recv(&mut answer) {
            Ok(length) => match mapped_address(&answer[..length], &request) {
                Some(address) => return Ok(address.ip()),
                None => last = io::Error::new(io::ErrorKind::InvalidData, "the answer holds no address"),
            },
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Type 0x0001, no attributes, the magic cookie and a fresh transaction id (section 5).
fn binding_request(id: [u8; 12]) -> [u8; 20] {
    let mut request = [0; 20];
    request[1] = 1;
    request[4..8].copy_from_slice(&COOKIE);
    request[8..].copy_from_slice(&id);
    request
}

/// XOR-MAPPED-ADDRESS of a success response to this request (section 14.2).
fn mapped_address(answer: &[u8], request: &[u8; 20]) -> Option<SocketAddr> {
    let (header, mut attributes) = answer.split_at_checked(20)?;
    if header[..2] != [1, 1] || header[4..] != request[4..] {
        return None;
    }
    while let [type_high, type_low, length_high, length_low, rest @ ..] = attributes {
        let length = usize::from(u16::from_be_bytes([*length_high, *length_low]));
        let value = rest.get(..length)?;
        if [*type_high, *type_low] == XOR_MAPPED_ADDRESS {
            return unmask(value, request);
        }
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

fn unmask(value: &[u8], request: &[u8; 20]) -> Option<SocketAddr> {
    let [_, family, port_high, port_low, address @ ..] = value else {
        return None;
    };
    let port = u16::from_be_bytes([port_high ^ COOKIE[0], port_low ^ COOKIE[1]]);
    let mask = &request[4..];
    match (family, address.len()) {
        (1, 4) => {
            let bytes: [u8; 4] = std::array::from_fn(|i| address[i] ^ mask[i]);
            Some((bytes, port).into())
        }
        (2, 16) => {
            let bytes: [u8; 16] = std::array::from_fn(|i| address[i] ^ mask[i]);
            Some((bytes, port).into())
        }
        _ => None,
    }
}

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const XOR_MAPPED_ADDRESS: [u8; 2] = [0x00, 0x20];

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5769 section 2.2: the sample IPv4 response.
    #[test]
    fn the_sample_answer_of_rfc_5769_is_read() {
        let id = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
        let request = binding_request(id);
        let mut answer = vec![1, 1, 0, 12];
        answer.extend_from_slice(&request[4..]);
        answer.extend_from_slice(b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43");
        assert_eq!(mapped_address(&answer, &request), Some(([192, 0, 2, 1], 32853).into()));
        answer[20] = 9;
        assert_eq!(mapped_address(&answer, &request), None);
    }

    #[test]
    fn a_cut_answer_holds_no_address() {
        let request = binding_request([7; 12]);
        let mut answer = vec![1, 1, 0, 12];
        answer.extend_from_slice(&request[4..]);
        answer.extend_from_slice(b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43");
        for length in 0..answer.len() {
            assert_eq!(mapped_address(&answer[..length], &request), None, "{length}");
        }
    }
}
