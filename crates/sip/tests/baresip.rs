//! baresip as a phone of one of our accounts: registers by digest, is called, answers, is hung up, and leaves.
//! Skipped with a word where it is not installed.

mod kit;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use hotline_sip::{Admission, By, Event, Target};
use kit::{End, anna, call, run, sdp};
use tokio::process::{Child, Command};

const MODULES: &str = "/usr/lib/baresip/modules";

/// One process and its folder, gone with it.
struct Baresip {
    _child: Child,
    folder: PathBuf,
}

impl Drop for Baresip {
    fn drop(&mut self) {
        // A folder in the system's temporary place that stays behind harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn baresip(office: &End, transport: &str) -> Option<Baresip> {
    let folder = std::env::temp_dir().join(format!("baresip-{}-{transport}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let config = format!(
        "poll_method epoll\nsip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\naudio_player aubridge,a\naudio_source aubridge,b\n\
         audio_alert aubridge,c\nmodule_path {MODULES}\nmodule g711.so\nmodule aubridge.so\nmodule_app account.so\n"
    );
    let account = format!(
        "<sip:anna@{};transport={transport}>;auth_pass=secret;regint=60;answermode=auto;audio_codecs=PCMA/8000/1\n",
        office.sip.local()
    );
    for (name, text) in [("config", config.as_str()), ("accounts", &account), ("contacts", "")] {
        std::fs::write(folder.join(name), text).expect("written");
    }
    let child = Command::new("baresip")
        .arg("-f")
        .arg(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    if child.is_err() {
        eprintln!("baresip is not installed: skipped");
    }
    Some(Baresip { _child: child.ok()?, folder })
}

fn registers_and_is_called(transport: &'static str) {
    run(async move {
        let accounts = vec!["127.0.0.0/8".parse().expect("a range")];
        let mut office = End::with(|_| {}, Admission { accounts, ..Admission::default() }).await;
        office.sip.set_accounts(vec![anna()]);
        let Some(_phone) = baresip(&office, transport) else { return };
        match office.next().await {
            Event::Registered { account, expires, .. } => {
                assert_eq!((account.as_str(), expires), ("anna", Duration::from_secs(60)));
            }
            other => panic!("not {other:?}"),
        }
        let mut dial = call("sip:x@127.0.0.1");
        dial.targets = vec![Target::Account("anna".into())];
        let ours = office.sip.dial(dial).expect("dialled");
        assert!(matches!(office.beyond_progress().await, Event::Answered { sdp: Some(_), .. }));
        office.sip.change(ours, &sdp(4000).replace("sendrecv", "sendonly")).expect("offered");
        assert!(matches!(office.next().await, Event::ChangeAnswered { answer: Ok(Some(_)), .. }));
        office.sip.hangup(ours, 16).expect("hung up");
        assert_eq!(office.ended().await.by, By::Us);
        office.assert_clean().await;
    });
}

#[test]
fn baresip_registers_and_is_called_over_udp() {
    registers_and_is_called("udp");
}

#[test]
fn baresip_registers_and_is_called_over_tcp() {
    registers_and_is_called("tcp");
}
