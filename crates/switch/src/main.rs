//! The switch: the only sockets, threads and clock of the voice (ARCHITECTURE.md section 2).

mod cli;
mod clock;
mod disk;
mod media;
mod metrics;
mod pipe;
mod random;
mod run;
mod signalling;
mod sound;
mod stun;
mod wake;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, LogLevel, Verb};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Gives memory back after a busy hour, which glibc's does not.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match &cli.verb {
        Verb::Run(args) => {
            log_to_stderr(args.log);
            run::run(args)
        }
        Verb::Sound(args) => sound::describe(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("hotline-switch: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// JSON lines. The SIP library logs whole messages, with people's numbers in them: it is kept to its warnings.
fn log_to_stderr(level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let targets =
        Targets::new().with_default(level.min(LevelFilter::INFO)).with_target("rsipstack", LevelFilter::ERROR);
    let targets = targets.with_target("hotline_switch", level).with_target("hotline_sip", level);
    let lines = tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(targets).with(lines).init();
}
