//! Whole volumes through networks of volumes: geometry, odd sizes, cancelling, limits, and the way from checkpoints to a mask.

use fovea::{
    engine::{DocumentId, Engine, EngineOptions, Event, JobError, ModelSource, SegmentVolume},
    geom::{Frame, Grid, Unit},
    io,
    label::{LabelId, LabelTable},
    metrics::{Overlap, SurfaceDistances},
    nn::{
        AnyModel, Channels, CoarseSpec, ComputeDevice, DeviceChoice, InputSpec, ModelCard, NamedTensors,
        PredictError, VolumeModel, VolumeSpec,
        blocks::cost::multiply_accumulates,
        bundled,
        pipeline::{SegmentOptions, VolumeInference, VolumeLabels, VolumeStep, cost},
        watch::{Unwatched, Watch},
        weights,
    },
    phantom::{self, Look},
    testing::forgets,
    volume::{Modality, Samples, Volume},
};
use glam::{DAffine3, DMat3, DVec3};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

fn cpu() -> ComputeDevice {
    ComputeDevice::cpu("test")
}

fn options(side: usize) -> serde_json::Value {
    json!({ "num_channels": [2, 4, 8, 16, 32], "input_size": [side, side, side] })
}

/// Two small networks that have learned nothing; every part counts.
fn card() -> ModelCard {
    let input = InputSpec { window: Some([-325.0, 325.0]), ..InputSpec::unit(Channels::Grey) };
    let labels = LabelTable::named(&["liver", "kidneys", "spleen", "pancreas"]);
    let coarse = CoarseSpec { least_mm3: 0.0, ..CoarseSpec::flare("flare/unet", options(32)) };
    ModelCard {
        title: "Test".to_owned(),
        volume: Some(VolumeSpec { coarse: Some(coarse), ..VolumeSpec::whole() }),
        ..ModelCard::new("flare/unet", options(48), input, labels, Modality::Ct)
    }
}

fn model() -> VolumeModel {
    VolumeModel::build(card(), 5, &cpu()).unwrap()
}

fn ct(dims: [usize; 3]) -> Volume {
    phantom::ct_sized(3, Look::Standard, dims).volume
}

fn run(model: &VolumeModel, volume: &Volume, options: SegmentOptions) -> Result<VolumeLabels, PredictError> {
    let watch: Arc<dyn Watch> = Arc::new(Unwatched);
    let mut inference = VolumeInference::new(model, volume, options)?;
    loop {
        if let VolumeStep::Done(labels) = inference.step(model, &watch)? {
            return Ok(labels);
        }
    }
}

fn segmented(model: &VolumeModel, volume: &Volume) -> Vec<LabelId> {
    run(model, volume, SegmentOptions::default()).unwrap().labels
}

fn volume_of(grid: Grid, samples: Vec<i16>) -> Volume {
    Volume::new(grid, Samples::I16(samples.into()), [1.0, 0.0], Modality::Ct).unwrap()
}

/// The same picture of the same patient, stored in another order: axis `k` is the old axis `axes[k]`, some turned round. With each
/// stored index, the index that it had.
fn stored(volume: &Volume, axes: [usize; 3], turned: [bool; 3]) -> (Volume, Vec<usize>) {
    let (old, affine) = (volume.dims(), volume.grid().patient_from_voxel());
    let dims = axes.map(|axis| old[axis]);
    let voxel = |at: [usize; 3]| {
        let mut place = [0; 3];
        for k in 0..3 {
            place[axes[k]] = if turned[k] { dims[k] - 1 - at[k] } else { at[k] };
        }
        place
    };
    let at = |i: usize| voxel([i % dims[0], i / dims[0] % dims[1], i / (dims[0] * dims[1])]);
    let from: Vec<usize> = (0..dims.iter().product()).map(|i| volume.grid().index(at(i))).collect();
    let column = |k: usize| affine.matrix3.col(axes[k]) * if turned[k] { -1.0 } else { 1.0 };
    let translation = affine.transform_point3(DVec3::from_array(voxel([0; 3]).map(|n| n as f64)));
    let matrix3 = DMat3::from_cols(column(0), column(1), column(2));
    let grid = Grid::new(dims, DAffine3 { matrix3, translation }, Unit::Millimetre, Frame::Patient).unwrap();
    let samples = from.iter().map(|&i| volume.scalar_value(i) as i16).collect();
    (volume_of(grid, samples), from)
}

#[test]
fn labels_lie_where_they_lie_in_the_patient_however_the_volume_is_stored() {
    let (model, volume) = (model(), ct([40, 36, 24]));
    let expected = segmented(&model, &volume);
    let found: std::collections::BTreeSet<LabelId> = expected.iter().copied().collect();
    assert!(found.len() > 1, "labels to compare: {found:?}");
    for (axes, turned) in [
        ([0, 1, 2], [true, true, false]),
        ([0, 1, 2], [false, false, true]),
        ([2, 0, 1], [false, true, false]),
        ([1, 2, 0], [true, false, true]),
        ([2, 1, 0], [true, true, true]),
    ] {
        let (other, from) = stored(&volume, axes, turned);
        let labels = segmented(&model, &other);
        let off = labels.iter().zip(&from).filter(|(label, i)| **label != expected[**i]).count();
        assert_eq!(off, 0, "{axes:?} {turned:?}: of {}", labels.len());
    }
    // A patient who lies askew: the axes are walked as they are.
    let affine = volume.grid().patient_from_voxel();
    let matrix3 = DMat3::from_rotation_x(0.3) * DMat3::from_rotation_z(0.2) * affine.matrix3;
    let grid =
        Grid::new(volume.dims(), DAffine3 { matrix3, ..affine }, Unit::Millimetre, Frame::Patient).unwrap();
    let samples = (0..expected.len()).map(|i| volume.scalar_value(i) as i16).collect();
    assert_eq!(segmented(&model, &volume_of(grid, samples)), expected);
}

#[test]
fn every_size_works_and_unequal_slices_count_by_their_places() {
    let model = model();
    for dims in [[1, 1, 1], [40, 1, 1], [33, 47, 1], [3, 2, 200]] {
        let samples = (0..dims.iter().product::<usize>()).map(|i| (i * 37 % 400) as i16 - 100).collect();
        let volume = volume_of(Grid::spaced(dims, [1.5, 1.5, 3.0]).unwrap(), samples);
        for sliding in [false, true] {
            let found = run(&model, &volume, SegmentOptions { sliding, ..Default::default() }).unwrap();
            assert_eq!(found.labels.len(), volume.grid().voxel_count(), "{dims:?}");
        }
    }
    // Three of four slices of the upper half are missing: what is left has nearly the labels that it had.
    let volume = ct([40, 36, 33]);
    let kept: Vec<usize> = (0..16).chain((16..33).step_by(4)).collect();
    let step = volume.grid().spacing()[2];
    let positions: Vec<f64> = kept.iter().map(|&z| z as f64 * step).collect();
    let dims = [40, 36, kept.len()];
    let even = Grid::new(dims, volume.grid().patient_from_voxel(), Unit::Millimetre, Frame::Patient).unwrap();
    let samples: Vec<i16> =
        kept.iter().flat_map(|&z| volume.slice_values(z).into_iter().map(|v| v as i16)).collect();
    let uneven = volume_of(even.clone().with_slice_positions_mm(&positions).unwrap(), samples.clone());
    let whole = segmented(&model, &volume);
    let agree = |labels: Vec<LabelId>| {
        let expected = kept.iter().flat_map(|&z| &whole[z * 1440..(z + 1) * 1440]);
        labels.iter().zip(expected).filter(|(a, b)| a == b).count() as f64 / labels.len() as f64
    };
    let (by_place, by_number) =
        (agree(segmented(&model, &uneven)), agree(segmented(&model, &volume_of(even, samples))));
    assert!(by_place > by_number + 0.03 && by_place > 0.8, "{by_place} {by_number}");
}

#[test]
fn nothing_found_is_an_answer_and_what_cannot_be_done_is_refused_before_it_is_begun() {
    let volume = ct([40, 36, 24]);
    let mut card = card();
    // No part is so large.
    card.volume.as_mut().unwrap().coarse.as_mut().unwrap().least_mm3 = 1e12;
    let blind = VolumeModel::build(card, 5, &cpu()).unwrap();
    let found = run(&blind, &volume, SegmentOptions::default()).unwrap();
    assert!(found.region.is_none() && found.labels.iter().all(|&label| label == 0));
    assert_eq!(found.labels.len(), volume.grid().voxel_count());

    let refused = |volume: &Volume, options| match VolumeInference::new(&model(), volume, options) {
        Err(PredictError::Unfit(reason)) => reason,
        _ => panic!("it was not refused"),
    };
    let small = SegmentOptions { memory: Some(1 << 20), ..Default::default() };
    assert!(refused(&volume, small).contains("allow more memory"));
    assert!(refused(&volume, SegmentOptions { sliding: true, ..small }).contains("allow more memory"));
    let colour = Samples::Rgb8([[1, 2, 3]; 8].into());
    let colour =
        Volume::new(Grid::spaced([2, 2, 2], [1.0; 3]).unwrap(), colour, [1.0, 0.0], Modality::Other).unwrap();
    assert!(refused(&colour, SegmentOptions::default()).contains("colour"));
    let pixels = volume_of(Grid::pixels([2, 2, 2]).unwrap(), vec![0; 8]);
    assert!(refused(&pixels, SegmentOptions::default()).contains("millimetres"));
}

#[test]
fn a_window_slides_over_every_voxel_within_its_memory() {
    let card = ModelCard { volume: Some(VolumeSpec::whole()), ..card() };
    let model = VolumeModel::build(card, 5, &cpu()).unwrap();
    let volume = ct([64, 48, 40]);
    let sliding = |memory| run(&model, &volume, SegmentOptions { sliding: true, memory });
    let roomy = sliding(None).unwrap().labels;
    let each = model.network().bytes_per_pixel() as u64;
    // Windows of 32³ fit with the sums over their planes, those of 48³ do not.
    let memory = 32u64.pow(3) * each + 64 * 48 * 32 * 4 * 4;
    assert!(48u64.pow(3) * each > memory);
    let tight = sliding(Some(memory)).unwrap().labels;
    for labels in [&roomy, &tight] {
        assert!(labels.iter().any(|&label| label > 0));
    }
    assert_ne!(roomy, tight, "the windows were smaller");
    // One window that holds everything is the network itself.
    let whole = ct([48, 48, 48]);
    let once = run(&model, &whole, SegmentOptions::default()).unwrap().labels;
    let slid = run(&model, &whole, SegmentOptions { sliding: true, memory: None }).unwrap().labels;
    let same = once.iter().zip(&slid).filter(|(a, b)| a == b).count();
    assert!(same as f64 > 0.999 * once.len() as f64, "{same} of {}", once.len());
}

/// What a job says of its stages: `(done, total)` in order.
#[derive(Default)]
struct Heard(Mutex<BTreeMap<&'static str, Vec<(u64, u64)>>>);

impl Watch for Heard {
    fn progress(&self, stage: &'static str, done: u64, total: u64) {
        self.0.lock().unwrap().entry(stage).or_default().push((done, total));
    }
}

#[test]
fn every_stage_says_how_far_it_has_come_and_ends_where_it_said() {
    let (model, volume) = (model(), ct([40, 36, 24]));
    let network = model.network();
    let shape = [1, 1, 48, 48, 48];
    let input = burn::tensor::Tensor::<5>::zeros(shape, network.device().burn());
    assert_eq!(cost(network, [48; 3]), multiply_accumulates(|| network.infer(input)).1);
    let heard = Arc::new(Heard::default());
    let watch: Arc<dyn Watch> = heard.clone();
    let mut inference = VolumeInference::new(&model, &volume, SegmentOptions::default()).unwrap();
    while let VolumeStep::Pending = inference.step(&model, &watch).unwrap() {}
    let heard = heard.0.lock().unwrap();
    assert_eq!(
        heard.keys().copied().collect::<Vec<_>>(),
        ["finding the organs", "segmenting", "writing back"]
    );
    for (stage, said) in heard.iter() {
        let total = said[0].1;
        assert!(total > 0 && said.len() > 4, "{stage}: {said:?}");
        assert!(said.is_sorted() && said.iter().all(|s| s.1 == total), "{stage}: {said:?}");
        assert_eq!(said.last(), Some(&(total, total)), "{stage}");
    }
}

#[test]
fn a_pass_of_many_seconds_is_cancelled_within_one() {
    let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
    // The coarse network as it is published.
    let mut card = card();
    card.volume.as_mut().unwrap().coarse = Some(CoarseSpec::flare("flare/unet", json!({})));
    let job = engine.load_model(ModelSource::Fresh { card: Box::new(card), seed: 1 });
    let Ok(Event::ModelLoaded { model, .. }) = engine.block_on(job, |_| ()) else {
        panic!("it is not loaded")
    };
    let volume = ct([64, 64, 32]);
    let job = engine.segment_volume(SegmentVolume {
        document: DocumentId(1),
        slices: (0..volume.dims()[2]).collect(),
        volume,
        version: model.version(),
        probabilities: false,
        options: SegmentOptions::default(),
    });
    let mut cancelled = None;
    let ended = engine.block_on(job, |event| {
        if let Event::Progress { stage: "finding the organs", done: 1.., .. } = event {
            cancelled.get_or_insert_with(|| {
                engine.cancel(job);
                Instant::now()
            });
        }
    });
    assert_eq!(ended.err(), Some(JobError::Cancelled));
    let waited = cancelled.expect("it was on its way").elapsed();
    assert!(waited < Duration::from_secs(1), "{waited:?}");
}

/// A checkpoint of another program: tensors without a card.
fn checkpoint(path: &Path, tensors: NamedTensors) {
    let named: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, t)| {
            (format!("module.{name}"), t.shape, t.values.iter().flat_map(|v| v.to_le_bytes()).collect())
        })
        .collect();
    let views = named.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.unwrap())
    });
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

fn said(arguments: &[&str]) -> Result<String, String> {
    let output = forgets(&mut Command::new(env!("CARGO_BIN_EXE_fovea"))).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stdout) + &text(&output.stderr))
    }
}

#[test]
fn two_checkpoints_become_one_model_and_a_mask_in_the_scanners_geometry() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let tensors = |seed| {
        let card = ModelCard { volume: Some(VolumeSpec::whole()), ..card() };
        VolumeModel::build(card, seed, &cpu()).unwrap().network().tensors().unwrap()
    };
    checkpoint(path("fine.pt").as_ref(), tensors(1));
    checkpoint(path("coarse.pt").as_ref(), tensors(2));
    let (config, out) = (options(32).to_string(), path("flare.safetensors"));
    let import = ["models", "import", &path("fine.pt"), "--coarse", &path("coarse.pt"), "--out", &out];
    let whole = said(&import).unwrap();
    assert!(whole.contains("flare/unet") && whole.contains("[2,4,8,16,32]"), "{whole}");
    let card = weights::card_of(&std::fs::read(&out).unwrap()).unwrap();
    let spec = card.volume.unwrap();
    assert_eq!((card.labels.len(), spec.parts.as_slice()), (4, &[1, 2, 1, 1][..]));
    assert_eq!(spec.coarse.unwrap().config["num_channels"], json!([2, 4, 8, 16, 32]));
    let AnyModel::Volumes(model) = AnyModel::from_bytes(&std::fs::read(&out).unwrap(), &cpu()).unwrap()
    else {
        panic!("it is a model of volumes")
    };
    assert_eq!(model.network().tensors().unwrap(), tensors(1));
    assert_eq!(model.coarse().unwrap().tensors().unwrap(), tensors(2));

    // On small grids, for a quick answer. The file is not as the program wrote it any more.
    std::fs::write(&out, "somebody's").unwrap();
    let single =
        ["models", "import", &path("fine.pt"), "--network", "flare/unet", "--config", &config, "--out", &out];
    let error = said(&single).unwrap_err();
    assert!(error.contains("there already"), "{error}");
    said(&[&single[..], &["--overwrite"]].concat()).unwrap();
    let volume = ct([40, 36, 24]);
    let affine = volume.grid().patient_from_voxel();
    let oblique = DAffine3 { matrix3: DMat3::from_rotation_y(0.25) * affine.matrix3, ..affine };
    let (askew, _) = stored(&volume, [2, 0, 1], [true, false, true]);
    for (i, grid) in
        [askew.grid().clone(), Grid::new(volume.dims(), oblique, Unit::Millimetre, Frame::Patient).unwrap()]
            .into_iter()
            .enumerate()
    {
        let (image, mask) = (path(&format!("ct{i}.nii.gz")), path(&format!("labels{i}.nii.gz")));
        let samples = (0..grid.voxel_count()).map(|i| volume.scalar_value(i) as i16).collect();
        io::write_volume_nifti(image.as_ref(), &volume_of(grid.clone(), samples)).unwrap();
        let segment =
            ["segment", &image, "--model", &out, "--out", &mask, "--modality", "ct", "--device", "cpu"];
        let told = said(&segment).unwrap();
        assert!(told.contains(&mask), "{told}");
        let (_, found, _): (_, Grid, _) = io::open_labels(mask.as_ref()).unwrap();
        assert_eq!(found.dims(), grid.dims());
        for corner in [DVec3::ZERO, DVec3::new(20.0, 10.0, 5.0)] {
            assert!(
                (found.patient_of(corner) - grid.patient_of(corner)).length() < 1e-3,
                "{grid:?} {found:?}"
            );
        }
        let error = said(&[&segment[..], &["--memory", "1M", "--overwrite"]].concat()).unwrap_err();
        assert!(error.contains("allow more memory"), "{error}");
    }
}

#[test]
fn two_networks_are_trained_one_after_the_other_and_segment_what_they_have_learned() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (out, run) = (path("flare.safetensors"), path("run"));
    let options = json!({
        "num_channels": [4, 8, 8, 8, 8], "input_size": [32, 32, 32], "context_block": "None", "num_blocks": [1, 1, 1, 1],
    });
    let options = options.to_string();
    let recipe = ["train", "--recipe", "flare", "--data", "phantom:abdomen", "--cases", "2", "--steps", "3"];
    let more = ["--batch", "1", "--config", &options, "--out", &out, "--device", "cpu"];
    let told = said(&[&recipe[..], &more, &["--run", &run]].concat()).unwrap();
    assert!(told.contains("coarse: flare/unet") && told.contains("fine: flare/efficientsegnet"), "{told}");
    assert!(told.contains("step 3: loss") && told.contains("validation Dice"), "{told}");
    let card = weights::card_of(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(card.network, "flare/efficientsegnet");
    assert_eq!(card.volume.unwrap().coarse.unwrap().network, "flare/unet");
    assert!(card.notice.contains("no use on patients") && card.command.contains("--recipe flare"));
    let kept = std::fs::read_dir(folder.path().join("run/cases")).unwrap().count();
    assert_eq!(kept, 3, "the coarse cases are kept");
    let image = path("ct.nii.gz");
    io::write_volume_nifti(image.as_ref(), &phantom::abdomen(5, Look::Standard).volume).unwrap();
    said(&["segment", &image, "--model", &out, "--out", &path("organs.nii.gz"), "--device", "cpu"]).unwrap();

    // The coarse network that is there is taken.
    let (coarse, other) = (path("run/coarse.safetensors"), path("other"));
    let taken = ["--run", &other, "--coarse", &coarse, "--overwrite"];
    let again = said(&[&recipe[..], &more, &taken].concat()).unwrap();
    assert!(!again.contains("coarse: flare/unet"), "{again}");
    assert_eq!(weights::card_of(&std::fs::read(&out).unwrap()).unwrap().version, card.version);
    let refused = said(&[&recipe[..], &more, &["--longer-side", "64"]].concat()).unwrap_err();
    assert!(refused.contains("--longer-side is not for"), "{refused}");
}

/// Seeds that no training has (`fovea train --data phantom:abdomen` counts from 1 000 000).
const UNSEEN: u64 = 5_000_000;

/// FOVEA_PHANTOMS=20 measures on more of them than a test needs.
#[test]
fn the_bundled_demonstration_finds_the_organs_of_abdomens_that_it_has_not_seen() {
    let bundled = bundled::find("abdomen-phantom").unwrap();
    let model = VolumeModel::from_bytes(bundled.bytes, &cpu()).unwrap();
    let cases = std::env::var("FOVEA_PHANTOMS").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    let (mut all, mut of_labels) = (vec![], BTreeMap::<LabelId, Vec<[f64; 2]>>::new());
    for seed in UNSEEN..UNSEEN + cases {
        let p = phantom::abdomen(seed, Look::Standard);
        let (found, truth) = (segmented(&model, &p.volume), p.truth.to_values());
        let (dims, spacing) = (p.volume.dims(), p.volume.grid().spacing());
        for label in p.labels.iter() {
            let inside = |labels: &[LabelId], [x, y, z]: [usize; 3]| {
                labels[x + dims[0] * (y + dims[1] * z)] == label.id
            };
            let dice = Overlap::of(&found, &truth, None, label.id).dice().unwrap();
            let (predicted, real) = (|at| inside(&found, at), |at| inside(&truth, at));
            let surfaces = SurfaceDistances::between(dims, spacing, false, predicted, real);
            let scores = [dice, surfaces.surface_dice(1.0).unwrap()];
            of_labels.entry(label.id).or_default().push(scores);
            all.push(scores);
        }
    }
    let mean = |scores: &[[f64; 2]], i: usize| scores.iter().map(|s| s[i]).sum::<f64>() / scores.len() as f64;
    for (id, scores) in &of_labels {
        eprintln!("label {id}: Dice {:.4}, surface Dice at 1 mm {:.4}", mean(scores, 0), mean(scores, 1));
    }
    let dice = mean(&all, 0);
    eprintln!("{cases} phantoms: Dice {dice:.4}, surface Dice at 1 mm {:.4}", mean(&all, 1));
    assert!(dice >= 0.9, "{dice}");
}
