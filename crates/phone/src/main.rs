//! Virtual SIP phones: JSON lines in, JSON lines out (README.md), or one call from the command line.

mod act;
mod call;
mod command;
mod ear;
mod hear;
mod media;
mod oneshot;
mod phones;
mod record;
mod voice;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{Duration, MissedTickBehavior};

use crate::phones::{Input, Phones};

#[derive(Parser)]
#[command(name = "hotline-phone", version, about = "Virtual SIP phones for tests, demo and test calls.")]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Place one call, print one JSON summary.
    Call(Box<oneshot::OneShot>),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("hotline-phone: {error}");
            return ExitCode::from(2);
        }
    };
    let code = LocalSet::new().block_on(&runtime, async {
        match cli.verb {
            Some(Verb::Call(ask)) => oneshot::run(*ask).await,
            None => daemon().await,
        }
    });
    // stdin's reader may sit in a system call for ever.
    runtime.shutdown_background();
    code
}

async fn daemon() -> ExitCode {
    let (inputs, mut waiting) = mpsc::channel(4096);
    let mut phones = Phones::new(Box::new(print), inputs.clone());
    tokio::task::spawn_local(read_lines(inputs));
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    // A late tick is made up for: the other side counts packets.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while !phones.is_quitting {
        tokio::select! {
            biased;
            _ = ticks.tick() => phones.tick(),
            Some(input) = waiting.recv() => phones.take(input).await,
        }
    }
    let goodbye = phones.goodbye();
    tokio::pin!(goodbye);
    loop {
        tokio::select! {
            biased;
            Some(input) = waiting.recv() => phones.take(input).await,
            () = &mut goodbye => break,
        }
    }
    // The last ends may still be on their way here; a peer that never answered has none.
    let last_ends = async {
        while phones.is_calling()
            && let Some(input) = waiting.recv().await
        {
            phones.take(input).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), last_ends).await;
    ExitCode::SUCCESS
}

fn print(event: serde_json::Value) {
    let mut out = std::io::stdout().lock();
    // A reader that went away wants no more events; the end of stdin ends us.
    let _ = writeln!(out, "{event}").and_then(|()| out.flush());
}

async fn read_lines(inputs: mpsc::Sender<Input>) {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    loop {
        let line = lines.next_line().await.ok().flatten();
        let is_end = line.is_none();
        if inputs.send(Input::Line(line)).await.is_err() || is_end {
            return;
        }
    }
}
