//! Ctrl-C, `kill` and a terminal that closes, for commands that are waited for.

use super::JobError;
use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

/// The exit status of a command that was told to stop: 128 and the number of SIGINT, as shells count.
pub const EXIT_STATUS: u8 = 130;

/// From now on a first signal is only noted, for [`check`] and [`super::Engine::block_on`]; a second one ends the program
/// at once.
///
/// What the parent has had ignored stays so (`nohup`). Signals are then not listened to at all: one that is not ignored
/// ends the program, as it does before this call.
pub fn listen() {
    listen_and(|| {});
}

/// As [`listen`], and `wake` is called at the first signal: for the window, which looks at [`check`] in its frames.
pub fn listen_and(wake: impl Fn() + Send + 'static) {
    let listening = ctrlc::try_set_handler(move || {
        if ASKED.swap(true, Ordering::AcqRel) {
            std::process::exit(EXIT_STATUS.into());
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

/// An error once a signal has come.
pub fn check() -> Result<(), JobError> {
    if ASKED.load(Ordering::Acquire) { Err(JobError::Interrupted) } else { Ok(()) }
}
