//! The engine's worker pool, and its end.

use fovea::engine::{Engine, EngineOptions, Event, JobContext, JobError, JobId};
use fovea::io::{self, OpenOptions};
use fovea::nn::DeviceChoice;
use fovea::phantom::{Look, ct_sized};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

fn engine() -> Engine {
    Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap()
}

fn nothing() -> anyhow::Result<()> {
    Ok(())
}

#[test]
fn an_image_is_opened_and_every_event_is_seen() {
    let engine = engine();
    let job = engine.open("sample:oct".into(), OpenOptions::default());
    let mut stages = vec![];
    let last = engine.block_on(job, |event| {
        if let Event::Progress { stage, done, total, .. } = event {
            stages.push((*stage, *done, *total));
        }
    });
    let Ok(Event::Opened { opened, .. }) = last else { panic!("{last:?}") };
    assert_eq!(opened.volume.dims(), [256, 256, 16]);
    assert_eq!(stages.last(), Some(&("opening", 1, 1)));
    assert_eq!(engine.block_on(job, |_| ()).unwrap_err(), JobError::Over(job));
}

#[test]
fn a_missing_file_fails_with_its_name() {
    let engine = engine();
    let job = engine.open("no/such/scan.nii.gz".into(), OpenOptions::default());
    let Err(JobError::Failed(reason)) = engine.block_on(job, |_| ()) else {
        panic!("it cannot have been opened")
    };
    assert!(reason.contains("scan.nii.gz"), "{reason}");
}

/// Holds whoever wakes while it is shut.
#[derive(Default)]
struct Gate {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        drop(self.opened.wait_while(self.open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Opens an image and cancels it as soon as it reports; returns what it reported afterwards, and its end.
fn open_and_cancel(path: PathBuf) -> (Vec<(u64, u64)>, Result<Event, JobError>) {
    // Every event holds the thread that posts it, so that the opening cannot get past its first report.
    let gate = Arc::new(Gate::default());
    let held = Arc::clone(&gate);
    let wake = Arc::new(move || held.pass());
    let options = EngineOptions { wake, ..EngineOptions::headless(DeviceChoice::Cpu) };
    let engine = Engine::start(options).unwrap();
    let job = engine.open(path, OpenOptions::default());
    let reading = |event: &Event| matches!(event, Event::Progress { job: of, .. } if *of == job);
    while !engine.wait(Duration::from_secs(60)).iter().any(reading) {}
    engine.cancel(job);
    gate.open();
    let mut reports = vec![];
    let end = engine.block_on(job, |event| {
        if let Event::Progress { done, total, .. } = event {
            reports.push((*done, *total));
        }
    });
    (reports, end)
}

#[test]
fn an_opening_that_is_cancelled_shows_no_image() {
    let (_, end) = open_and_cancel("sample:oct".into());
    assert_eq!(end.unwrap_err(), JobError::Cancelled);
}

#[test]
fn a_file_that_is_being_read_is_not_read_on_after_a_cancel() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.nii.gz");
    let volume = ct_sized(1, Look::Standard, [128, 128, 160]).volume;
    io::write_volume_nifti(&path, &volume).unwrap();
    let (reports, end) = open_and_cancel(path);
    assert_eq!(end.unwrap_err(), JobError::Cancelled);
    assert!(reports.iter().all(|(done, total)| done < total), "it read on: {reports:?}");
}

/// Keeps both threads of the worker pool busy until told otherwise; returns once they are.
fn occupy(engine: &Engine) -> (Arc<Gate>, [JobId; 2]) {
    let gate = Arc::new(Gate::default());
    let (begun, wait) = channel();
    let jobs = [(); 2].map(|()| {
        let (gate, begun) = (Arc::clone(&gate), begun.clone());
        let task = engine.run(move |_| {
            begun.send(())?;
            gate.pass();
            nothing()
        });
        task.job()
    });
    wait.recv().unwrap();
    wait.recv().unwrap();
    (gate, jobs)
}

#[test]
fn a_job_that_waits_is_cancelled_at_once_and_never_runs() {
    let engine = engine();
    let (gate, busy) = occupy(&engine);
    let ran = Arc::new(AtomicBool::new(false));
    let note = Arc::clone(&ran);
    let waiting = engine.run(move |_| {
        note.store(true, Ordering::SeqCst);
        nothing()
    });
    engine.cancel(waiting.job());
    assert_eq!(engine.result_of(&waiting, |_| ()).unwrap_err(), JobError::Cancelled);
    gate.open();
    let mut open: Vec<JobId> = busy.into();
    while !open.is_empty() {
        for ended in engine.wait(Duration::from_secs(60)).iter().filter_map(Event::ends) {
            open.retain(|job| *job != ended);
        }
    }
    assert_eq!(engine.result_of(&engine.run(|_| nothing()), |_| ()), Ok(()));
    assert!(!ran.load(Ordering::SeqCst));
}

#[test]
fn a_running_job_stops_where_it_asks() {
    let engine = engine();
    let (begun, wait) = channel();
    let task = engine.run(move |cx: &JobContext| -> anyhow::Result<()> {
        begun.send(())?;
        loop {
            cx.check()?;
            std::thread::yield_now();
        }
    });
    wait.recv().unwrap();
    engine.cancel(task.job());
    assert_eq!(engine.result_of(&task, |_| ()).unwrap_err(), JobError::Cancelled);
}

#[test]
fn a_panic_becomes_a_failure_with_its_reason_and_the_threads_live() {
    let engine = engine();
    for _ in 0..4 {
        let task = engine.run(|_| -> anyhow::Result<()> { panic!("a hole in the page") });
        let Err(JobError::Failed(reason)) = engine.result_of(&task, |_| ()) else {
            panic!("it cannot have worked")
        };
        assert!(reason.contains("a hole in the page"), "{reason}");
    }
    let task = engine.run(|_| Ok(42_u32));
    assert_eq!(engine.result_of(&task, |_| ()), Ok(42));
    assert_eq!(task.take(), None, "a result is taken once");
}

#[test]
fn every_job_ends_exactly_once_even_where_too_many_were_asked_for() {
    const ASKED: usize = 300;
    let engine = engine();
    let (gate, busy) = occupy(&engine);
    let jobs: Vec<JobId> = (0..ASKED).map(|_| engine.run(|_| nothing()).job()).collect();
    gate.open();
    let mut ends = std::collections::BTreeMap::new();
    let mut refused = 0;
    while ends.len() < ASKED + busy.len() {
        for event in engine.wait(Duration::from_secs(60)) {
            refused += usize::from(matches!(event, Event::JobFailed { .. }));
            if let Some(job) = event.ends() {
                *ends.entry(job).or_insert(0) += 1;
            }
        }
    }
    assert!(jobs.iter().chain(&busy).all(|job| ends[job] == 1), "{ends:?}");
    assert!((1..ASKED).contains(&refused), "{refused} of {ASKED} were refused");
}

#[test]
fn the_end_stops_readers_and_finishes_what_was_to_be_written() {
    let engine = engine();
    let (begun, wait) = channel();
    for _ in 0..2 {
        let begun = begun.clone();
        // Readers ask whether to stop.
        engine.run(move |cx| -> anyhow::Result<()> {
            begun.send(())?;
            loop {
                cx.check()?;
                std::thread::yield_now();
            }
        });
    }
    let written = Arc::new(AtomicUsize::new(0));
    for _ in 0..5 {
        let written = Arc::clone(&written);
        // Writers do not.
        engine.run(move |_| {
            written.fetch_add(1, Ordering::SeqCst);
            nothing()
        });
    }
    wait.recv().unwrap();
    wait.recv().unwrap();
    let start = Instant::now();
    drop(engine);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(written.load(Ordering::SeqCst), 5);
}
