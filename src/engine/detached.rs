use super::Engine;
use crate::words;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, channel};

impl Engine {
    /// Runs what waits for a person, such as a file dialog of the system, on a thread of its own. It is no job: it keeps no
    /// other work waiting, and the end of the program does not wait for it. The answer comes by the channel, after which
    /// [`EngineOptions::wake`](super::EngineOptions::wake) is called. The channel closes without an answer where `run` panics.
    pub fn run_detached<T: Send + 'static>(
        &self,
        name: &str,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Receiver<T>> {
        let (sender, answer) = channel();
        let (wake, its_name) = (self.wake(), name.to_owned());
        std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            match catch_unwind(AssertUnwindSafe(run)) {
                // The channel's other end may be gone; then the answer is not needed.
                Ok(answer) => _ = sender.send(answer),
                Err(panic) => log::error!("{its_name}: {}", words::of_panic(panic.as_ref())),
            }
            drop(sender);
            wake();
        })?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineOptions;
    use crate::nn::DeviceChoice;
    use std::sync::mpsc::TryRecvError;

    #[test]
    fn neither_jobs_nor_the_end_of_the_program_wait_for_a_person() {
        let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
        let (answers, dialogs): (Vec<_>, Vec<_>) = (0..4)
            .map(|i| {
                let (person, wait) = channel::<()>();
                let wait = move || wait.recv().map(|()| i);
                (person, engine.run_detached("dialog", wait).unwrap())
            })
            .unzip();
        assert_eq!(engine.result_of(&engine.run(|_| Ok(1)), |_| ()), Ok(1));
        drop(engine);
        assert!(dialogs.iter().all(|answer| answer.try_recv() == Err(TryRecvError::Empty)));
        answers.iter().for_each(|person| person.send(()).unwrap());
        let heard: Vec<_> = dialogs.iter().map(|answer| answer.recv().unwrap()).collect();
        assert_eq!(heard, [Ok(0), Ok(1), Ok(2), Ok(3)]);
    }

    #[test]
    fn a_dialog_that_panics_closes_its_channel() {
        let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
        let answer = engine.run_detached("dialog", || -> u8 { panic!("no desktop") }).unwrap();
        assert!(answer.recv().is_err());
    }
}
