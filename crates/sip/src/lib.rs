//! Our skin over the SIP library: everything that touches SIP lives here, and nothing else does.
//!
//! The library ([rsipstack], pinned) parses messages and runs transactions. Ours are: the sockets under it (admission
//! *before* parsing, framing guards), the dialogs (made here, ended here, removed here), the registrar, the trunks and
//! the digest. The owner sees plain values: verbs of [`Sip`] go in, [`Event`]s come out.
//!
//! Laws: one thread (a tokio `LocalSet`); no verb waits; every key that an [`Event::Incoming`] or [`Sip::dial`] named
//! gets exactly one [`Event::Ended`]; nothing is kept for a dialog after it but what RFC 3261's timers ask.
//! The library logs whole messages at INFO: keep its target `rsipstack` at `warn` or quieter.

pub mod api;
mod arrive;
mod core;
mod datagrams;
mod dial;
mod dialog;
mod digest;
mod framing;
mod gate;
mod inbox;
mod message;
pub mod net;
mod offer;
mod random;
mod registrar;
pub mod sdp;
mod sip;
mod streams;
mod trunks;
mod within;

pub use api::*;
pub use net::Net;
pub use sip::{Sip, StartError};
