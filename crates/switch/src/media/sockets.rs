//! The two UDP sockets of a leg, and the few system calls that carry its packets.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// RTP on an even port, RTCP on the odd one above it.
#[derive(Debug)]
pub struct Pair {
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
    /// Once the source is locked the kernel drops everybody else, and a send needs no address.
    connected: bool,
}

impl Pair {
    /// Errors: a port is in use by another program, or the process is out of descriptors.
    pub fn bind(address: IpAddr, port: u16) -> io::Result<Self> {
        let (rtp, rtcp) = (bind((address, port).into())?, bind((address, port + 1).into())?);
        // Expedited forwarding (RFC 4594); a network that ignores it does no harm.
        let _ = rustix::net::sockopt::set_ip_tos(&rtp, EXPEDITED);
        Ok(Self { rtp, rtcp, connected: false })
    }

    /// Accept and send only from and to this address from now on.
    pub fn lock(&mut self, source: SocketAddr) {
        // Refused by the kernel: then every packet goes on with its address, and the machine drops strangers.
        self.connected = self.rtp.connect(source).is_ok();
    }

    /// Accept from everywhere again: a re-INVITE may bring a new source.
    pub fn unlock(&mut self) {
        if std::mem::take(&mut self.connected) {
            let _ = rustix::net::connect_unspec(&self.rtp);
        }
    }

    /// Sends one packet; false when the kernel had no room or said that nobody listens.
    #[inline]
    pub fn send(&self, to: SocketAddr, packet: &[u8]) -> bool {
        let sent = if self.connected { self.rtp.send(packet) } else { self.rtp.send_to(packet, to) };
        sent.is_ok()
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::DGRAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    rustix::net::bind(&socket, &address)?;
    Ok(socket.into())
}

/// How many datagrams one system call takes at most.
pub const BATCH: usize = 8;

/// The longest datagram that is looked at; G.711 at 20 ms has 172 bytes. A longer one is cut and then refused.
pub const LONGEST: usize = 1_500;

/// Room for a batch of datagrams with their senders; made once for each thread.
pub struct Inbox {
    bytes: Box<[[u8; LONGEST]; BATCH]>,
    names: Box<[libc::sockaddr_storage; BATCH]>,
    vectors: Box<[libc::iovec; BATCH]>,
    headers: Box<[libc::mmsghdr; BATCH]>,
}

// SAFETY: the pointers inside `vectors` and `headers` point only into the boxes of the same Inbox, which move with it.
unsafe impl Send for Inbox {}

impl Inbox {
    pub fn new() -> Self {
        let mut bytes = Box::new([[0; LONGEST]; BATCH]);
        // SAFETY: sockaddr_storage, iovec and mmsghdr are plain C structs for which all zeroes is a value.
        let mut names: Box<[libc::sockaddr_storage; BATCH]> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        let mut vectors: Box<[libc::iovec; BATCH]> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        let mut headers: Box<[libc::mmsghdr; BATCH]> = Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
        for i in 0..BATCH {
            vectors[i] = libc::iovec { iov_base: bytes[i].as_mut_ptr().cast(), iov_len: LONGEST };
            headers[i].msg_hdr.msg_iov = &raw mut vectors[i];
            headers[i].msg_hdr.msg_iovlen = 1;
            headers[i].msg_hdr.msg_name = (&raw mut names[i]).cast();
        }
        Self { bytes, names, vectors, headers }
    }

    /// Takes one datagram, the cheapest way; 0 when there is none.
    #[inline]
    pub fn receive_one(&mut self, socket: RawFd) -> usize {
        let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        // SAFETY: the bytes and the name belong to this Inbox and are as long as said.
        let received = unsafe {
            libc::recvfrom(
                socket,
                self.bytes[0].as_mut_ptr().cast(),
                LONGEST,
                libc::MSG_DONTWAIT,
                (&raw mut self.names[0]).cast(),
                &raw mut length,
            )
        };
        let Ok(received) = u32::try_from(received) else { return 0 };
        self.headers[0].msg_len = received;
        1
    }

    /// Takes what waits at the socket, at most `BATCH`; 0 when nothing does. Errors of the socket (an ICMP answer
    /// to what we sent) count as nothing.
    #[inline]
    pub fn receive(&mut self, socket: RawFd, at_most: usize) -> usize {
        for header in &mut self.headers[..at_most] {
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        }
        debug_assert!(self.vectors.len() >= at_most);
        // SAFETY: every header points at a vector, a name and bytes that this Inbox owns on the heap and that do not
        // move; `at_most` is within BATCH by the slice above.
        let received = unsafe {
            libc::recvmmsg(
                socket,
                self.headers.as_mut_ptr(),
                at_most as libc::c_uint,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        usize::try_from(received).unwrap_or(0)
    }

    /// The `i`th datagram of the last `receive` and who sent it.
    #[inline]
    pub fn datagram(&mut self, i: usize) -> Option<(SocketAddr, &mut [u8])> {
        let length = (self.headers[i].msg_len as usize).min(LONGEST);
        let from = address(&self.names[i])?;
        Some((from, &mut self.bytes[i][..length]))
    }
}

/// An IPv4 or IPv6 address as the kernel wrote it.
#[inline]
fn address(name: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: ss_family says that the kernel filled in a sockaddr_in, which is smaller than the storage.
            let v4 = unsafe { &*std::ptr::from_ref(name).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some((ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let v6 = unsafe { &*std::ptr::from_ref(name).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some((ip.to_canonical(), u16::from_be(v6.sin6_port)).into())
        }
        _ => None,
    }
}

impl AsFd for Pair {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.rtp.as_fd()
    }
}

impl AsRawFd for Pair {
    fn as_raw_fd(&self) -> RawFd {
        self.rtp.as_raw_fd()
    }
}

/// DSCP EF in the byte that IPv4 calls type of service.
const EXPEDITED: u8 = 0xb8;

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn pair() -> Pair {
        (40_000..42_000).step_by(2).find_map(|port| Pair::bind(HERE, port).ok()).expect("a free pair of ports")
    }

    fn wait(socket: &UdpSocket) {
        use rustix::event::{PollFd, PollFlags, poll};
        let second = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
        assert_eq!(poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&second)), Ok(1));
    }

    #[test]
    fn a_batch_names_each_sender() {
        let pair = pair();
        let to = pair.rtp.local_addr().expect("bound");
        let senders = [UdpSocket::bind((HERE, 0)).expect("a port"), UdpSocket::bind((HERE, 0)).expect("a port")];
        for (sender, word) in senders.iter().zip([b"one", b"two"]) {
            sender.send_to(word, to).expect("sent");
        }
        wait(&pair.rtp);
        let mut inbox = Inbox::new();
        assert_eq!(inbox.receive(pair.as_raw_fd(), BATCH), 2);
        let first = inbox.datagram(0).map(|(from, bytes)| (from, bytes.to_vec()));
        assert_eq!(first, Some((senders[0].local_addr().expect("bound"), b"one".to_vec())));
        assert_eq!(inbox.datagram(1).map(|(from, _)| from), senders[1].local_addr().ok());
        assert_eq!(inbox.receive(pair.as_raw_fd(), BATCH), 0);
    }

    #[test]
    fn a_locked_pair_hears_nobody_else_until_it_is_unlocked() {
        let mut pair = pair();
        let to = pair.rtp.local_addr().expect("bound");
        let (friend, stranger) =
            (UdpSocket::bind((HERE, 0)).expect("a port"), UdpSocket::bind((HERE, 0)).expect("a port"));
        let mut inbox = Inbox::new();
        pair.lock(friend.local_addr().expect("bound"));
        stranger.send_to(b"no", to).expect("sent");
        friend.send_to(b"yes", to).expect("sent");
        wait(&pair.rtp);
        assert_eq!(inbox.receive(pair.as_raw_fd(), BATCH), 1);
        assert_eq!(inbox.datagram(0).map(|(_, bytes)| bytes.to_vec()), Some(b"yes".to_vec()));
        pair.unlock();
        stranger.send_to(b"no", to).expect("sent");
        wait(&pair.rtp);
        assert_eq!(inbox.receive(pair.as_raw_fd(), BATCH), 1);
        assert_eq!(pair.rtp.local_addr().ok(), Some(to));
    }
}
