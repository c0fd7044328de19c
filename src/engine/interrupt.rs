//! Ctrl-C, `kill` and a terminal that closes, for commands that are waited for.

use super::JobError;
use crate::replace;
use std::{
    io::Write,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit status of a command that was told to stop: 128 and the number of SIGINT, as shells count.
pub const EXIT_STATUS: u8 = 130;

/// How long a command that has nothing to save may take to end in order. A decoder of another crate may be at work, which
/// nothing can interrupt.
const PATIENCE: Duration = Duration::from_millis(700);

/// From now on a first signal is only noted, for [`check`] and [`super::Engine::block_on`]; a second one ends the program
/// at once. For commands that have something to save first: a training run.
///
/// What the parent has had ignored stays so (`nohup`). Signals are then not listened to at all: one that is not ignored
/// ends the program, as it does before this call.
pub fn listen() {
    listen_and(|| {});
}

/// As [`listen`], for commands that leave nothing half done: where they have not ended soon after the signal, the program is
/// ended, and what it was writing is removed.
pub fn listen_and_leave() {
    listen_and(|| {
        // In time for a second signal to be heard.
        let leave = || {
            std::thread::sleep(PATIENCE);
            // Nobody may be listening any more.
            let _ = writeln!(std::io::stderr(), "fovea: interrupted");
            leave();
        };
        // Without a thread it ends when it can.
        let _ = std::thread::Builder::new().name("leave".to_owned()).spawn(leave);
    });
}

/// As [`listen`], and `wake` is called at the first signal: for the window, which looks at [`check`] in its frames.
pub fn listen_and(wake: impl Fn() + Send + 'static) {
    let listening = ctrlc::try_set_handler(move || {
        if ASKED.swap(true, Ordering::AcqRel) {
            leave();
        }
        wake();
    });
    if let Err(reason) = listening {
        log::warn!("signals end the program at once: {reason}");
    }
}

/// The program is told to stop as by a signal: who reads what it says has gone.
pub fn ask() {
    ASKED.store(true, Ordering::Release);
}

fn leave() -> ! {
    replace::remove_temporaries();
    std::process::exit(EXIT_STATUS.into());
}

/// An error once a signal has come.
pub fn check() -> Result<(), JobError> {
    if ASKED.load(Ordering::Acquire) { Err(JobError::Interrupted) } else { Ok(()) }
}
