//! Our datagram socket under the library: receives in batches, never blocks a sender, counts what it loses.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rsipstack::platform::net::UdpSocket as LibrarySocket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Datagrams a system call.
pub(crate) const BATCH: usize = 32;
/// A SIP datagram longer than this is cut by the kernel and then refused for its length.
const ROOM: usize = 8192;
/// What the kernel keeps for us while we are busy.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// Our socket, polled for what arrives only: tokio's own type would be woken after every datagram that has left, too.
pub(crate) type Socket = AsyncFd<UdpSocket>;

/// Binds with large kernel buffers (as large as the system allows).
pub(crate) fn bind(address: SocketAddr) -> io::Result<Socket> {
    let domain = if address.is_ipv4() { socket2::Domain::IPV4 } else { socket2::Domain::IPV6 };
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Both are wishes: the system's limit wins, and a smaller buffer only loses packets earlier.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    let _ = socket.set_send_buffer_size(KERNEL_BUFFER);
    socket.bind(&address.into())?;
    // SAFETY: the AsyncFd owns the socket, and a UdpSocket's descriptor stays the same until it is dropped.
    unsafe { AsyncFd::register_with_interest(UdpSocket::from(socket), Interest::READABLE) }.map_err(io::Error::from)
}

/// The sending half that the library holds. It never receives: we do, see [`Batch`].
pub(crate) struct Sender {
    socket: Arc<Socket>,
    pub sent: AtomicU64,
    pub failed: AtomicU64,
}

impl Sender {
    pub fn new(socket: Arc<Socket>) -> Self {
        Self { socket, sent: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    /// Sends now or counts a failure: SIP over UDP repeats what was lost, a waiting sender would hold up everyone.
    pub fn send(&self, data: &[u8], to: SocketAddr) {
        let counter = match self.socket.get_ref().send_to(data, to) {
            Ok(_) => &self.sent,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait::async_trait]
impl LibrarySocket for Sender {
    async fn recv_from(&self, _buffer: &mut [u8]) -> rsipstack::Result<(usize, SocketAddr)> {
        std::future::pending().await
    }

    async fn send_to(&self, buffer: &[u8], to: SocketAddr) -> rsipstack::Result<usize> {
        self.send(buffer, to);
        Ok(buffer.len())
    }

    fn local_addr(&self) -> rsipstack::Result<SocketAddr> {
        Ok(self.socket.get_ref().local_addr()?)
    }
}

/// Room for one batch of datagrams, reused.
pub(crate) struct Batch {
    buffers: Box<[[u8; ROOM]]>,
    addresses: Box<[libc::sockaddr_storage]>,
    lengths: Box<[usize]>,
}

impl Batch {
    pub fn new() -> Self {
        Self {
            buffers: vec![[0; ROOM]; BATCH].into_boxed_slice(),
            // SAFETY: sockaddr_storage is plain bytes; all zero is a valid value (family AF_UNSPEC).
            addresses: vec![unsafe { mem::zeroed() }; BATCH].into_boxed_slice(),
            lengths: vec![0; BATCH].into_boxed_slice(),
        }
    }

    /// Waits for datagrams and takes as many as there are, up to [`BATCH`].
    pub async fn receive(&mut self, socket: &Socket) -> io::Result<usize> {
        loop {
            let mut ready = socket.readable().await?;
            let received = self.receive_now(socket.get_ref());
            match &received {
                Ok(BATCH) => {}
                // The socket is empty: what comes from now on wakes us anew.
                Ok(_) => ready.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready.clear_ready();
                    continue;
                }
                Err(_) => {}
            }
            return received;
        }
    }

    /// The datagram at `at` of the last batch. `None`: its source is no IP address.
    pub fn datagram(&self, at: usize) -> Option<(&[u8], SocketAddr)> {
        Some((&self.buffers[at][..self.lengths[at].min(ROOM)], to_std(&self.addresses[at])?))
    }

    fn receive_now(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        // SAFETY: mmsghdr and iovec are plain data for which all zero is valid.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { mem::zeroed() };
        let mut slices: [libc::iovec; BATCH] = unsafe { mem::zeroed() };
        for at in 0..BATCH {
            slices[at] = libc::iovec { iov_base: self.buffers[at].as_mut_ptr().cast(), iov_len: ROOM };
            headers[at].msg_hdr.msg_iov = &mut slices[at];
            headers[at].msg_hdr.msg_iovlen = 1;
            headers[at].msg_hdr.msg_name = (&raw mut self.addresses[at]).cast();
            headers[at].msg_hdr.msg_namelen = mem::size_of::<libc::sockaddr_storage>() as libc::socklen_t;
        }
        // SAFETY: every pointer in `headers` points into `self` or `slices`, which outlive the call, with its true length.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as libc::c_uint,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            return Err(io::Error::last_os_error());
        }
        let count = count as usize;
        for (length, header) in self.lengths.iter_mut().zip(&headers[..count]) {
            *length = header.msg_len as usize;
        }
        Ok(count)
    }
}

fn to_std(address: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match libc::c_int::from(address.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that the storage holds a sockaddr_in.
            let v4 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(v4.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says that the storage holds a sockaddr_in6.
            let v6 = unsafe { &*(&raw const *address).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddrV6::new(ip, u16::from_be(v6.sin6_port), 0, v6.sin6_scope_id).into())
        }
        _ => None,
    }
}
