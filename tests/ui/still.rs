//! What a window asks for while nobody moves.

use super::{SIZE, Window, workspace};
use egui::{Event, ViewportId, pos2};
use fovea::engine::EngineOptions;
use fovea::nn::DeviceChoice;
use fovea::workspace::{Command, EditCommand, ModelCommand, TrainCommand, TrainOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LEAST: Duration = Duration::from_millis(500);

/// How soon the window wants to be drawn again.
fn asked(window: &mut Window) -> Duration {
    window.harness.step();
    window.harness.output().viewport_output[&ViewportId::ROOT].repaint_delay
}

#[test]
fn while_it_trains_the_window_is_drawn_twice_a_second_at_most() {
    let woken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&woken);
    let wake = Arc::new(move || {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    let mut workspace = workspace(EngineOptions { wake, ..EngineOptions::headless(DeviceChoice::Cpu) });
    workspace.apply(Command::Open("sample:oct".into())).unwrap();
    assert!(workspace.wait_until(Duration::from_secs(120), |w| w.active().is_some()));
    for z in 0..3 {
        workspace.apply(Command::Edit(EditCommand::SetVerified { z, on: true })).unwrap();
    }
    workspace.apply(Command::Model(ModelCommand::Fresh { network: "edema/unet".into() })).unwrap();
    assert!(workspace.wait_until(Duration::from_secs(120), |w| w.is_idle()));
    let options = TrainOptions { steps: Some(5000), ..TrainOptions::default() };
    workspace.apply(Command::Train(TrainCommand::Start(options))).unwrap();
    let mut window = Window::of(workspace, SIZE, None);
    window.steps(3);
    window.click("Learn workspace");
    window.harness.event(Event::PointerMoved(pos2(500.0, 300.0)));
    let steps = |window: &Window| window.workspace().training().map_or(0, |t| t.steps()[0]);
    window.until("it has begun", |w| w.training().is_some_and(|t| t.steps()[0] >= 2));
    // What moved when the run began has come to rest.
    let rests = (0..400).any(|_| {
        std::thread::sleep(Duration::from_millis(5));
        asked(&mut window) >= LEAST
    });
    assert!(rests, "something goes on asking for frames");

    let (from, calls) = (steps(&window), woken.load(Ordering::Relaxed));
    let mut frames = 0;
    while steps(&window) < from + 5 {
        let delay = asked(&mut window);
        assert!(delay >= LEAST, "frame {frames} asks for another after {delay:?}");
        assert!(delay <= Duration::from_secs(1), "the run is looked at again: {delay:?}");
        frames += 1;
        std::thread::sleep(Duration::from_millis(20));
        assert!(frames < 5000, "no step was made");
    }
    assert_eq!(woken.load(Ordering::Relaxed), calls, "steps wake nobody");
    window.click("Discard…");
    window.click("Discard");
    window.until("it has ended", |w| w.training().is_some_and(|t| !t.is_under_way()));
    assert!(woken.load(Ordering::Relaxed) > calls, "the end does");
}
