//! RTCP sender and receiver reports (RFC 3550 section 6.4), built and read.

use std::io::Write as _;

use crate::leg::Leg;
use crate::reception::Reception;
use crate::rtp::word;

/// A report goes out every five seconds (RFC 3550 section 6.2).
pub(crate) const EVERY_TICKS: u64 = 250;

/// Room for one compound packet.
pub(crate) const MAX_REPORT: usize = 96;

/// What is remembered between reports.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reports {
    /// The middle of the peer's last NTP timestamp, and when it came.
    last_sr: u32,
    last_sr_us: u64,
    expected_before: u64,
    received_before: u64,
}

/// Writes a compound packet (SR or RR, then SDES) for a leg; returns its length.
pub(crate) fn build(leg: &mut Leg, now_us: u64, packet: &mut [u8; MAX_REPORT]) -> usize {
    let is_sending = leg.quality.packets_out > 0;
    let has_source = leg.reception.ssrc.is_some();
    let mut writer = &mut packet[..];
    let words = 1 + if is_sending { 5 } else { 0 } + if has_source { 6 } else { 0 };
    put(&mut writer, &[0x80 | u8::from(has_source), if is_sending { SENDER } else { RECEIVER }, 0, words]);
    put(&mut writer, &leg.sender.ssrc.to_be_bytes());
    if is_sending {
        put(&mut writer, &ntp(now_us).to_be_bytes());
        put(&mut writer, &leg.sender.timestamp_at(now_us).to_be_bytes());
        put(&mut writer, &(leg.quality.packets_out as u32).to_be_bytes());
        put(&mut writer, &(leg.quality.octets_out as u32).to_be_bytes());
    }
    if let Some(ssrc) = leg.reception.ssrc {
        put_block(&mut writer, ssrc, &leg.reception, &mut leg.reports, now_us);
    }
    put_name(&mut writer, leg.sender.ssrc);
    let left = writer.len();
    MAX_REPORT - left
}

/// Reads a compound packet and takes from it what concerns the leg. Whatever is damaged is passed over.
pub(crate) fn read(leg: &mut Leg, packet: &[u8], now_us: u64) {
    let mut rest = packet;
    while rest.len() >= 4 && rest[0] >> 6 == 2 {
        let length = 4 * (1 + usize::from(u16::from_be_bytes([rest[2], rest[3]])));
        if length > rest.len() {
            return;
        }
        let (report, after) = rest.split_at(length);
        let blocks = match report[1] {
            SENDER if length >= 28 => {
                leg.reports.last_sr = word(report, 10);
                leg.reports.last_sr_us = now_us;
                28
            }
            RECEIVER => 8,
            _ => length,
        };
        for block in report.get(blocks..).unwrap_or_default().chunks_exact(24) {
            read_block(leg, block, now_us);
        }
        rest = after;
    }
}

fn read_block(leg: &mut Leg, block: &[u8], now_us: u64) {
    if word(block, 0) != leg.sender.ssrc {
        return;
    }
    // 24 bits with a sign; more received than sent is no loss.
    let lost = ((word(block, 4) << 8) as i32) >> 8;
    leg.quality.lost_by_peer = lost.max(0) as u32;
    let (last, delay) = (word(block, 16), word(block, 20));
    if last == 0 {
        return;
    }
    let trip = (middle(now_us)).wrapping_sub(last).wrapping_sub(delay);
    // Clocks of two machines and rounding can make it negative; a minute is no round trip.
    if trip < 60 << 16 {
        leg.quality.rtt_us = ((u64::from(trip) * 1_000_000) >> 16) as u32;
    }
}

fn put_block(writer: &mut &mut [u8], ssrc: u32, reception: &Reception, reports: &mut Reports, now_us: u64) {
    let expected = reception.extended - reception.base + 1;
    let expected_now = expected.saturating_sub(reports.expected_before);
    let received_now = reception.received.saturating_sub(reports.received_before);
    (reports.expected_before, reports.received_before) = (expected, reception.received);
    let lost_now = expected_now.saturating_sub(received_now);
    let fraction = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u32;
    let lost = reception.lost().min(0x7F_FFFF) as u32;
    let delay = match reports.last_sr_us {
        0 => 0,
        at => ((now_us - at) * 65_536 / 1_000_000) as u32,
    };
    put(writer, &ssrc.to_be_bytes());
    put(writer, &((fraction << 24) | lost).to_be_bytes());
    put(writer, &(reception.extended as u32).to_be_bytes());
    put(writer, &(reception.jitter >> 4).to_be_bytes());
    put(writer, &reports.last_sr.to_be_bytes());
    put(writer, &delay.to_be_bytes());
}

/// SDES with a CNAME (RFC 3550 section 6.5.1) that says nothing about anybody: the SSRC in hexadecimal.
fn put_name(writer: &mut &mut [u8], ssrc: u32) {
    put(writer, &[0x81, DESCRIPTION, 0, 4]);
    put(writer, &ssrc.to_be_bytes());
    put(writer, &[1, 8]);
    // Cannot fail: MAX_REPORT holds the longest packet, 28 + 24 + 20 octets.
    let _ = write!(writer, "{ssrc:08x}");
    put(writer, &[0, 0]);
}

fn put(writer: &mut &mut [u8], octets: &[u8]) {
    let (head, tail) = std::mem::take(writer).split_at_mut(octets.len());
    head.copy_from_slice(octets);
    *writer = tail;
}

/// Time since boot in NTP's format; RFC 3550 section 6.4.1 allows it where there is no wall clock.
fn ntp(now_us: u64) -> u64 {
    let (seconds, rest) = (now_us / 1_000_000, now_us % 1_000_000);
    (seconds << 32) | ((rest << 32) / 1_000_000)
}

fn middle(now_us: u64) -> u32 {
    (ntp(now_us) >> 16) as u32
}

const SENDER: u8 = 200;
const RECEIVER: u8 = 201;
const DESCRIPTION: u8 = 202;
