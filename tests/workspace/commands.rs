//! Commands as data, and what each refuses.

use super::{Bench, SIZE, brush, open, start};
use fovea::edit::{Limits, Shape};
use fovea::geom::{Grid, Plane};
use fovea::label::LabelMap;
use fovea::nn::train::Precision;
use fovea::volume::Modality;
use fovea::workspace::{
    AcceptScope, Command, CommandError, DocumentId, EditCommand, Export, ExportFormat, LabelCommand,
    ModelCommand, NoticeLevel, Place, ProjectCommand, TrainCommand, TrainOptions, Unlabelled,
    WorkspaceOptions,
};
use std::path::Path;

fn one_of_each() -> Vec<Command> {
    let edit = Command::Edit;
    let label = Command::Labels;
    let draw = |shape| {
        let limits = Limits { value_range: Some([10.0, 200.5]), only_over: Some(0) };
        edit(EditCommand::Draw { shape, label: 1, limits })
    };
    vec![
        Command::Open("a/b.nii.gz".into()),
        Command::OpenWith { path: "c".into(), series: Some("1.2.3".into()), modality: Some(Modality::Oct) },
        Command::Close(DocumentId(1)),
        Command::Activate(DocumentId(2)),
        Command::Cursor([1, 2, 3]),
        Command::Modality(Modality::Fundus),
        edit(EditCommand::Begin { tool: "brush".into() }),
        edit(brush(1, 1, [3.5, 4.25], [7.0, 8.0])),
        draw(Shape::Outline { plane: Plane::Sagittal, slice: 3, points: vec![[0.0, 1.0, 2.0]] }),
        draw(Shape::Flood { plane: Plane::Axial, seed: [1, 2, 3], range: [-1.5, 9.0], volume: true }),
        draw(Shape::CopySlice { from: 0, to: 1 }),
        edit(EditCommand::Commit),
        edit(EditCommand::Abort),
        edit(EditCommand::Accept { scope: AcceptScope::Slice(4) }),
        edit(EditCommand::Accept { scope: AcceptScope::Volume }),
        edit(EditCommand::Accept { scope: AcceptScope::Component { voxel: [3, 4, 5], volume: true } }),
        edit(EditCommand::SetVerified { z: 2, on: true }),
        edit(EditCommand::CopySlice { from: 1, to: 2 }),
        edit(EditCommand::Import { path: "labels.nii".into() }),
        edit(EditCommand::Undo),
        edit(EditCommand::Redo),
        label(LabelCommand::Add { name: "drusen".into() }),
        label(LabelCommand::Rename { id: 1, name: "fluid".into() }),
        label(LabelCommand::Recolor { id: 1, color: [1, 2, 255] }),
        label(LabelCommand::Lock { id: 1, on: true }),
        label(LabelCommand::Show { id: 1, on: false }),
        label(LabelCommand::Remove { id: 1 }),
        label(LabelCommand::Select(0)),
        Command::Model(ModelCommand::Use { version: None }),
        Command::Model(ModelCommand::Use { version: Some("0123456789ab".into()) }),
        Command::Model(ModelCommand::Import { path: "m.safetensors".into() }),
        Command::Model(ModelCommand::PredictAll),
        Command::Model(ModelCommand::LeaveOut { structures: ["liver".to_owned()].into() }),
        Command::Model(ModelCommand::RollBack),
        Command::Train(TrainCommand::Start(TrainOptions {
            network: Some("edema/unet".into()),
            images: vec![DocumentId(2)],
            steps: Some(7),
            learning_rate: Some(1e-4),
            seed: 3,
            judges: vec![DocumentId(2)],
            valid_fraction: 0.5,
            unlabelled: Unlabelled::Ignored,
            precision: Precision::Half,
        })),
        Command::Train(TrainCommand::LearnOn),
        Command::Train(TrainCommand::Pause),
        Command::Train(TrainCommand::Resume),
        Command::Train(TrainCommand::Keep),
        Command::Train(TrainCommand::Cancel),
        Command::Train(TrainCommand::Name("liver, 3 slices".into())),
        Command::Train(TrainCommand::Adopt),
        Command::Train(TrainCommand::Discard),
        Command::Project(ProjectCommand::Save),
        Command::Project(ProjectCommand::Export(Export {
            path: "out.nii.gz".into(),
            format: ExportFormat::from_id("nifti").unwrap(),
            replace: true,
        })),
    ]
}

#[test]
fn every_command_survives_json() {
    for command in one_of_each() {
        let text = serde_json::to_string(&command).unwrap();
        let back: Command = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(back, command, "{text}");
    }
}

#[test]
fn a_recording_of_an_older_program_is_read() {
    // Without judges, and without a network that begins from nothing.
    let text = r#"{"train": {"start": {"images": [2], "steps": 7, "learning_rate": null, "seed": 3,
        "valid_fraction": 0.5, "unlabelled": "ignored"}}}"#;
    let command: Command = serde_json::from_str(text).unwrap();
    let expected = TrainOptions {
        images: vec![DocumentId(2)],
        steps: Some(7),
        seed: 3,
        valid_fraction: 0.5,
        unlabelled: Unlabelled::Ignored,
        ..TrainOptions::default()
    };
    assert!(expected.judges.is_empty() && expected.network.is_none());
    assert_eq!(command, Command::Train(TrainCommand::Start(expected)));
}

#[test]
fn a_recorded_session_done_again_gives_the_same_mask() {
    let mut bench = Bench::new();
    bench.workspace.record();
    bench.open();
    bench.stroke(1, 1, [5.0, 5.0], [30.0, 20.0]);
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "second".into() })).unwrap();
    bench.stroke(1, 2, [10.0, 5.0], [10.0, 30.0]);
    bench.edit(EditCommand::CopySlice { from: 1, to: 3 });
    bench.stroke(3, 0, [8.0, 8.0], [20.0, 8.0]);
    bench.edit(EditCommand::Undo);
    bench.edit(EditCommand::Draw {
        shape: Shape::Flood { plane: Plane::Axial, seed: [2, 2, 0], range: [0.0, 90.0], volume: false },
        label: 2,
        limits: Limits::default(),
    });
    bench.edit(EditCommand::SetVerified { z: 3, on: true });
    let refused = bench.workspace.apply(Command::Edit(EditCommand::Commit));
    assert!(matches!(refused, Err(CommandError::NoStroke)));

    let text = serde_json::to_string(bench.workspace.recorded()).unwrap();
    let commands: Vec<Command> = serde_json::from_str(&text).unwrap();
    let mut again = start(WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() });
    for command in commands {
        if let Command::Open(path) = &command {
            open(&mut again, path);
            continue;
        }
        again.apply(command).unwrap();
    }
    let (first, second) = (bench.document(), again.active().unwrap());
    assert!(!first.mask().is_empty());
    assert_eq!(second.mask_hash(), first.mask_hash());
    assert_eq!(second.labels(), first.labels());
    assert_eq!(second.verified(), first.verified());
}

#[test]
fn what_cannot_be_done_is_refused_and_changes_nothing() {
    let mut bench = Bench::new();
    let refuse =
        |bench: &mut Bench, command: Command| bench.workspace.apply(command).unwrap_err().to_string();
    assert_eq!(refuse(&mut bench, Command::Edit(EditCommand::Undo)), "no image is open");
    bench.open();
    let before = (bench.document().mask_hash(), bench.document().revision());
    for (command, said) in [
        (Command::Edit(EditCommand::Undo), "nothing to undo"),
        (Command::Edit(EditCommand::Redo), "nothing to redo"),
        (Command::Edit(EditCommand::Commit), "no stroke"),
        (Command::Edit(EditCommand::SetVerified { z: SIZE[2], on: true }), "the image has 5"),
        (Command::Edit(EditCommand::CopySlice { from: 9, to: 0 }), "the image has 5"),
        (Command::Edit(brush(0, 7, [1.0; 2], [2.0; 2])), "label 7"),
        (Command::Edit(EditCommand::Accept { scope: AcceptScope::Slice(0) }), "no model"),
        (
            Command::Labels(LabelCommand::Add { name: "  ".into() }),
            "the name is empty, or another label has it",
        ),
        (
            Command::Labels(LabelCommand::Add { name: "label 1".into() }),
            "the name is empty, or another label has it",
        ),
        (Command::Labels(LabelCommand::Lock { id: 9, on: true }), "label 9"),
        (Command::Labels(LabelCommand::Select(9)), "label 9"),
        (Command::Model(ModelCommand::Use { version: Some("nope".into()) }), "nope"),
        (Command::Model(ModelCommand::RollBack), "no model"),
        (Command::Train(TrainCommand::Start(TrainOptions::default())), "no model"),
        (Command::Train(TrainCommand::Adopt), "no training run"),
        (Command::Activate(DocumentId(9)), "not open"),
        (Command::Close(DocumentId(9)), "not open"),
    ] {
        let shown = format!("{command:?}");
        let text = refuse(&mut bench, command);
        assert!(text.contains(said), "{shown}: {text}");
    }
    assert_eq!((bench.document().mask_hash(), bench.document().revision()), before);
}

#[test]
fn a_locked_label_is_neither_painted_with_nor_over() {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    bench.workspace.apply(Command::Labels(LabelCommand::Lock { id: 1, on: true })).unwrap();
    bench.workspace.apply(Command::Labels(LabelCommand::Add { name: "second".into() })).unwrap();
    let locked = bench.document().mask().counts()[&1];
    let refused = bench.workspace.apply(Command::Edit(brush(0, 1, [5.0, 20.0], [9.0, 20.0])));
    assert!(matches!(refused, Err(CommandError::LabelLocked(_))), "{refused:?}");
    bench.stroke(0, 2, [15.0, 0.0], [15.0, 30.0]);
    bench.stroke(0, 0, [10.0, 0.0], [10.0, 30.0]);
    assert_eq!(bench.document().mask().counts()[&1], locked);
    assert!(bench.document().mask().counts()[&2] > 0);
}

#[test]
fn a_label_in_use_is_not_removed() {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    let refused = bench.workspace.apply(Command::Labels(LabelCommand::Remove { id: 1 }));
    assert!(matches!(refused, Err(CommandError::LabelInUse { .. })), "{refused:?}");
    assert!(bench.document().labels().get(1).is_some());
    bench.edit(EditCommand::Undo);
    bench.workspace.apply(Command::Labels(LabelCommand::Remove { id: 1 })).unwrap();
    assert!(bench.document().labels().is_empty());
    assert_eq!(bench.document().selected_label(), 0);
}

#[test]
fn opening_twice_activates_and_a_missing_file_is_said() {
    let mut bench = Bench::opened();
    let id = bench.document().id();
    bench.open();
    assert_eq!(bench.document().id(), id);
    assert_eq!(bench.workspace.documents().len(), 1);
    bench.workspace.apply(Command::Open("no/such/image.nii".into())).unwrap();
    bench.wait("the end of the opening", |w| w.openings().is_empty());
    let last = bench.workspace.last_notice().unwrap();
    assert_eq!(last.level, NoticeLevel::Error);
    assert!(last.text.contains("image.nii"), "{}", last.text);
}

#[test]
fn saving_writes_the_mask_and_its_names_beside_the_image() {
    let mut bench = Bench::opened();
    bench.stroke(2, 1, [5.0, 5.0], [30.0, 20.0]);
    bench.workspace.apply(Command::Project(ProjectCommand::Save)).unwrap();
    bench.wait("saving", |w| w.notices().iter().any(|n| n.text.starts_with("Saved")));
    let (mask, grid, _) = fovea::io::open_labels(&bench.folder.path().join("image_labels.nii.gz")).unwrap();
    assert_eq!(grid.dims(), SIZE);
    assert_eq!(mask.to_values(), bench.document().mask().to_values());
    let table = fovea::io::read_table(&bench.folder.path().join("image_labels.txt")).unwrap();
    assert_eq!(
        table.get(1).map(|l| (&l.name, l.color)),
        bench.document().labels().get(1).map(|l| (&l.name, l.color))
    );

    // And back in, as one undo step.
    let hash = bench.document().mask_hash();
    bench.stroke(0, 0, [0.0, 0.0], [40.0, 30.0]);
    bench.stroke(2, 0, [5.0, 5.0], [30.0, 20.0]);
    assert!(bench.document().mask().is_empty());
    let path = bench.folder.path().join("image_labels.nii.gz");
    bench.edit(EditCommand::Import { path });
    bench.wait("the import", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
    assert_eq!(bench.document().mask_hash(), hash);
    bench.edit(EditCommand::Undo);
    assert!(bench.document().mask().is_empty());
}

#[test]
fn a_mask_is_imported_by_its_place_in_the_patient() {
    let mut bench = Bench::new();
    open(&mut bench.workspace, Path::new("sample:ct"));
    let grid = bench.document().volume().grid().clone();
    let dims @ [width, ..] = grid.dims();
    // One voxel of label 1, written with the columns from the other end.
    let mut values = vec![0u16; grid.voxel_count()];
    values[grid.index([width - 1 - 3, 4, 1])] = 1;
    let mask = LabelMap::from_values(dims, &values).unwrap();
    let mut place = grid.patient_from_voxel();
    place.translation += place.matrix3.x_axis * (width - 1) as f64;
    place.matrix3.x_axis = -place.matrix3.x_axis;
    let turned = Grid::new(dims, place, grid.unit(), grid.frame()).unwrap();
    let path = bench.folder.path().join("turned.nii.gz");
    fovea::io::write_label_nifti(&path, &mask, &turned).unwrap();
    bench.edit(EditCommand::Import { path });
    bench.wait("the import", |w| w.active().is_some_and(|d| !d.mask().is_empty()));
    let mask = bench.document().mask().to_values();
    assert_eq!(mask.iter().position(|label| *label == 1), Some(grid.index([3, 4, 1])));

    place.translation.y += 40.0;
    let elsewhere = Grid::new(dims, place, grid.unit(), grid.frame()).unwrap();
    let path = bench.folder.path().join("elsewhere.nii.gz");
    fovea::io::write_label_nifti(&path, bench.document().mask(), &elsewhere).unwrap();
    bench.edit(EditCommand::Import { path });
    bench.wait("the refusal", |w| w.notices().iter().any(|n| n.text.contains("not of this image")));
    assert_eq!(bench.document().mask().to_values(), mask, "nothing was taken");
}
