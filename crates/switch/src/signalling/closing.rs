//! The last second: calls are told, recordings are closed, and the engine hears of both.

use std::time::Duration;

use tokio::time::sleep;

use super::{Inlets, Switch};
use crate::disk::recordings::ToRecorder;

impl Switch {
    pub(super) async fn close_down(&mut self, inlets: &mut Inlets) {
        self.media.shutdown();
        // The ring has room: nothing else is sent to the recorder any more.
        let _ = self.recorder.push(ToRecorder::Shutdown);
        self.recorder.ring();
        let recorder = self.recorder_thread.take();
        let recorded = async {
            while recorder.as_ref().is_some_and(|thread| !thread.is_finished()) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        // Pages are in the kernel's hands within milliseconds; a dead disk does not hold the end up.
        let _ = tokio::time::timeout(Duration::from_secs(2), recorded).await;
        while let Some(closed) = inlets.closed.pop() {
            self.on_recording_closed(closed);
        }
        self.sip.shutdown(Duration::from_secs(1)).await;
        if let Some(engine) = self.engine {
            self.link.wake(engine);
            for _ in 0..200 {
                if self.link.is_drained(engine) {
                    break;
                }
                sleep(Duration::from_millis(2)).await;
            }
        }
        self.speech.remove_socket();
        self.link.remove_socket();
    }
}
