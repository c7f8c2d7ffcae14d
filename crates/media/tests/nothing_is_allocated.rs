//! The packet path allocates nothing: counted by an allocator that counts.

mod kit;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::SocketAddr;

use hotline_media::{Event, Frame, Law, LegKey, Outputs, RecordingKey, StereoFrame};
use kit::{ALISA, ANNA, House, OLGA, music};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// Safety: hands everything to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Outputs of which nothing is kept.
#[derive(Default)]
struct Sink {
    packets: u64,
}

impl Outputs for Sink {
    fn rtp(&mut self, _leg: LegKey, _to: SocketAddr, _packet: &[u8]) {
        self.packets += 1;
    }

    fn rtcp(&mut self, _leg: LegKey, _to: SocketAddr, _packet: &[u8]) {}

    fn recorded(&mut self, _recording: RecordingKey, _frame: &StereoFrame) {}

    fn tapped(&mut self, _leg: LegKey, _frame: &Frame) {}

    fn event(&mut self, _event: Event) {}
}

#[test]
fn ten_seconds_of_talk_music_mix_recording_and_keys_allocate_nothing() {
    let mut house = House::new();
    let alisa = house.phone("alisa", ALISA, Law::A);
    let anna = house.phone("anna", ANNA, Law::Mu);
    let olga = house.phone("olga", OLGA, Law::A);
    let boris = house.phone("boris", OLGA, Law::A);
    house.connect("talk", &[(alisa, &[anna]), (anna, &[alisa]), (olga, &[alisa, anna])], &[]);
    house.play(boris, "music", vec![music(300), music(500)], true);
    house.machine.record(RecordingKey(1), &[house.leg(alisa)], &[house.leg(anna)]).unwrap();
    house.machine.tap(house.leg(anna), true).unwrap();
    house.run(1_000);
    house.machine.send_digits(house.leg(boris), "123456789", &mut house.out).unwrap();

    let packets: Vec<Vec<Vec<u8>>> = house
        .phones
        .iter_mut()
        .map(|phone| {
            let key = phone.press(3, 160, false);
            (0..500).map(|_| phone.speak()).chain([key]).collect()
        })
        .collect();
    let mut sink = Sink::default();
    let before = COUNT.with(Cell::get);
    for round in 0..500 {
        for (phone, packets) in house.phones.iter().zip(&packets) {
            house.machine.rtp(phone.leg, phone.address, &packets[round], house.now_us, &mut sink);
            house.machine.rtp(phone.leg, phone.address, &packets[500], house.now_us, &mut sink);
        }
        house.now_us += 20_000;
        house.machine.tick(house.now_us, &mut sink);
    }
    let after = COUNT.with(Cell::get);

    assert_eq!(0, after - before);
    assert!(sink.packets >= 2_000, "{}", sink.packets);
}
