//! Any cut of the stream gives the same frames; any garbage gives an error, never a panic.

use hotline_control::frames::{Command, ToEngine, ToSwitch};
use hotline_control::framing::{Decoder, FrameError, MAX_FRAME, decode, encode};
use proptest::prelude::*;

fn commands() -> impl Strategy<Value = ToSwitch> {
    let strings = ".{0,40}";
    let command = prop_oneof![
        (strings).prop_map(|leg| Command::Ring { leg }),
        (strings, any::<u16>(), strings, any::<Option<u32>>())
            .prop_map(|(leg, code, reason, retry_after_s)| Command::Reject { leg, code, reason, retry_after_s }),
        (strings, strings, prop::collection::vec(strings, 0..5), any::<bool>(), any::<u32>(), any::<i8>()).prop_map(
            |(leg, play, sounds, repeat, gap_ms, volume_db)| Command::Play {
                leg,
                play,
                sounds,
                repeat,
                gap_ms,
                volume_db
            }
        ),
    ];
    (any::<u64>(), any::<u32>(), command).prop_map(|(seq, i, command)| ToSwitch::Do { seq, i, command })
}

proptest! {
    #[test]
    fn a_stream_cut_anywhere_gives_the_same_frames(
        frames in prop::collection::vec(commands(), 1..8),
        cut in 1_usize..50,
    ) {
        let stream: Vec<u8> = frames.iter().flat_map(|frame| encode(frame).expect("short")).collect();
        let mut decoder = Decoder::default();
        let mut read = Vec::new();
        for piece in stream.chunks(cut) {
            decoder.push(piece);
            while let Some(frame) = decoder.pop::<ToSwitch>().expect("our own frames") {
                read.push(frame);
            }
        }
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn garbage_is_an_error_and_never_a_panic(body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(decode::<ToSwitch>(&body).is_err());
        prop_assert!(decode::<ToEngine>(&body).is_err());
    }

    #[test]
    fn a_changed_byte_never_panics(frame in commands(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = encode(&frame).expect("short");
        let at = at.index(bytes.len());
        bytes[at] = to;
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let _ = decoder.pop::<ToSwitch>();
    }
}

#[test]
fn a_frame_longer_than_a_mebibyte_is_refused_before_it_is_read() {
    let mut decoder = Decoder::default();
    decoder.push(&(MAX_FRAME as u32 + 1).to_be_bytes());
    assert_eq!(decoder.pop::<ToSwitch>(), Err(FrameError::TooLong(MAX_FRAME + 1)));
    let long = ToSwitch::Do { seq: 1, i: 0, command: Command::Ring { leg: "x".repeat(MAX_FRAME) } };
    assert!(matches!(encode(&long), Err(FrameError::TooLong(_))));
}

#[test]
fn bytes_after_the_map_are_refused() {
    let mut body = encode(&ToSwitch::Ack { n: 1 }).expect("short").split_off(4);
    body.push(0);
    assert!(matches!(decode::<ToSwitch>(&body), Err(FrameError::Bad(_))));
}
