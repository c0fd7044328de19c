//! The engine on a graphics device: drawn from without being read, and equal to the CPU.

use super::networks::{load, phantom, request, until, want};
use fovea::engine::{Engine, EngineOptions, Event, JobError, Predicted};
use fovea::gpu::{device, interop};
use fovea::nn::{self, DeviceChoice};
use fovea::testing::gpu;
use std::sync::Arc;

/// An engine that computes on this machine's adapter and exports what it predicts as the name of the thread that did
/// it; or a visible line and nothing, which `FOVEA_REQUIRE_GPU` makes a failure.
fn engine() -> Option<Engine> {
    let gpu = gpu()?;
    let options = EngineOptions {
        gpu: Some(gpu),
        export: Some(Box::new(|probabilities| {
            let [classes, ..] = probabilities.tensor().dims();
            Arc::new((std::thread::current().name().map(str::to_owned), classes))
        })),
        ..EngineOptions::headless(DeviceChoice::Gpu)
    };
    Some(Engine::start(options).unwrap())
}

fn predict(engine: &Engine, seed: u64) -> Predicted {
    let phantom = phantom();
    let model = load(engine, &phantom, seed);
    engine.want_slice(want(&phantom, &model, &[2]));
    match until(engine, |event| matches!(event, Event::Predicted(_) | Event::PredictFailed { .. })) {
        Event::Predicted(predicted) => predicted,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_prediction_on_the_graphics_device_is_exported_and_is_that_of_the_cpu() {
    let Some(engine) = engine() else { return };
    let graphics = predict(&engine, 1);
    let exported = graphics.gpu.as_ref().and_then(|gpu| gpu.downcast_ref::<(Option<String>, usize)>());
    assert_eq!(exported, Some(&(Some("nn".to_owned()), 4)), "exported by the thread that owns the tensors");
    let cpu = predict(&super::networks::engine(), 1);
    assert!(cpu.gpu.is_none());
    let [a, b] = [&graphics, &cpu].map(|p| p.prediction.probabilities.to_host().unwrap());
    let worst = a.iter().zip(b.iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3, "{worst}");
    let differ = graphics.labels.iter().zip(cpu.labels.iter()).filter(|(a, b)| a != b).count();
    assert!(differ * 1000 < cpu.labels.len(), "{differ} of {} pixels", cpu.labels.len());
}

#[test]
fn training_and_predicting_share_the_graphics_device() {
    let _alone = super::networks::alone();
    let Some(engine) = engine() else { return };
    let phantom = phantom();
    let model = load(&engine, &phantom, 1);
    let job = engine.train(request(&phantom, &model, 4));
    let (mut asked, mut answered) = (false, false);
    let last = engine.block_on(job, |event| match event {
        Event::TrainSteps { .. } if !asked => {
            asked = true;
            engine.want_slice(want(&phantom, &model, &[1]));
        }
        Event::Predicted(_) => answered = true,
        _ => {}
    });
    let Ok(Event::Trained { result, .. }) = last else { panic!("{last:?}") };
    assert!(asked && answered);
    assert_ne!(result.model.card.version, model.card.version);
}

#[test]
fn a_lost_graphics_device_is_said_plainly_and_the_thread_lives() {
    if nn::adapters().is_empty() {
        fovea::testing::lacking("FOVEA_REQUIRE_GPU", "there is no graphics adapter that could be lost");
        return;
    }
    // A device of its own, shared as the window shares its own, so that it can be taken down.
    let setup = egui_wgpu::WgpuSetup::CreateNew(device::wgpu_setup());
    let stage = egui_kittest::wgpu::create_render_state(setup, egui_wgpu::RendererOptions::PREDICTABLE);
    let gpu = interop::share(&stage.instance, &stage.adapter, &stage.device, &stage.queue).unwrap();
    let options = EngineOptions { gpu: Some(gpu), ..EngineOptions::headless(DeviceChoice::Gpu) };
    let engine = Engine::start(options).unwrap();
    let phantom = phantom();
    let model = load(&engine, &phantom, 1);
    engine.want_slice(want(&phantom, &model, &[1]));
    until(&engine, |event| matches!(event, Event::Predicted(_)));
    stage.device.destroy();
    engine.want_slice(want(&phantom, &model, &[2]));
    let mut lost = false;
    let failed = until(&engine, |event| {
        lost |= matches!(event, Event::DeviceFailed { .. });
        matches!(event, Event::PredictFailed { .. } | Event::Predicted(_))
    });
    let Event::PredictFailed { reason, .. } = failed else {
        panic!("a device that is gone predicted: {failed:?}")
    };
    assert!(lost && reason.contains("stopped working"), "{reason}");
    let job = engine.train(request(&phantom, &model, 4));
    let Err(JobError::Failed(reason)) = engine.block_on(job, |_| ()) else { panic!("there is no device") };
    assert!(reason.contains("stopped working"), "{reason}");
}
