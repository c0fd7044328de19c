//! What made the image: guessed by its look, set right by a person, kept by the project file.

use super::{Bench, PATIENCE, open};
use fovea::io;
use fovea::phantom::{self, Look};
use fovea::volume::Modality;
use fovea::workspace::{Command, ModelCommand, NoticeLevel};
use std::path::PathBuf;

/// A bench with a colour photograph of a fundus beside its image.
fn with_photograph() -> (Bench, PathBuf) {
    let bench = Bench::new();
    let path = bench.folder.path().join("eye.png");
    io::write_image_png(&path, &phantom::fundus_sized(3, Look::Standard, 160).volume).unwrap();
    (bench, path)
}

fn model_title(bench: &Bench) -> Option<&str> {
    let version = bench.document().model()?;
    bench.workspace.model(version).map(|m| m.card.title.as_str())
}

#[test]
fn a_photograph_is_taken_for_a_fundus_and_the_guess_is_said() {
    let (mut bench, path) = with_photograph();
    open(&mut bench.workspace, &path);
    assert_eq!(bench.document().volume().modality(), Modality::Fundus);
    assert!(bench.document().is_by_look());
    let vessel = bench.workspace.model("vessel").unwrap().version().to_owned();
    assert_eq!(bench.document().model().map(|v| &**v), Some(vessel.as_str()));
    let said = bench.workspace.notices().iter().find(|n| n.text.contains("by its look")).expect("it is said");
    assert!(said.level == NoticeLevel::Info && said.text.contains("fundus"), "{said:?}");
    let id = bench.document().id();
    bench.workspace.apply(Command::Close(id)).unwrap();
    assert!(!path.with_file_name("eye.png.fovea").exists(), "a guess leaves no file behind");
}

#[test]
fn a_person_sets_the_modality_right_and_the_project_keeps_it() {
    let (mut bench, path) = with_photograph();
    open(&mut bench.workspace, &path);
    bench.workspace.record();
    let command = Command::Modality(Modality::Endoscopy);
    bench.workspace.apply(command.clone()).unwrap();
    assert_eq!(bench.document().volume().modality(), Modality::Endoscopy);
    assert!(!bench.document().is_by_look());
    assert_eq!(model_title(&bench), None, "no bundled model is for endoscopy");
    assert_eq!(bench.workspace.recorded(), [command]);

    let id = bench.document().id();
    assert!(bench.workspace.settle(id));
    bench.workspace.apply(Command::Close(id)).unwrap();
    open(&mut bench.workspace, &path);
    assert_eq!(bench.document().volume().modality(), Modality::Endoscopy);
    assert!(!bench.document().is_by_look() && bench.document().model().is_none());
    // What is said on opening counts more than what was said before, and is kept in its place.
    let id = bench.document().id();
    bench.workspace.apply(Command::Close(id)).unwrap();
    let again = Command::OpenWith { path: path.clone(), series: None, modality: Some(Modality::Oct) };
    bench.workspace.apply(again).unwrap();
    assert!(bench.workspace.wait_until(PATIENCE, |w| w.active().is_some()));
    assert_eq!(bench.document().volume().modality(), Modality::Oct);
    let id = bench.document().id();
    assert!(bench.workspace.settle(id));
    bench.workspace.apply(Command::Close(id)).unwrap();
    open(&mut bench.workspace, &path);
    assert_eq!(bench.document().volume().modality(), Modality::Oct);
}

#[test]
fn the_model_and_the_labels_follow_the_modality() {
    let mut bench = Bench::opened();
    assert_eq!(model_title(&bench), None);
    bench.workspace.apply(Command::Modality(Modality::Fundus)).unwrap();
    let vessel = bench.workspace.model("vessel").unwrap();
    assert_eq!(model_title(&bench), Some(vessel.card.title.as_str()));
    let names: Vec<&str> = bench.document().labels().iter().map(|l| l.name.as_str()).collect();
    assert_eq!(names, ["Vessel"]);
    // A model that is for the new modality, or for any, stays.
    bench.workspace.apply(Command::Model(ModelCommand::Use { version: None })).unwrap();
    bench.workspace.apply(Command::Modality(Modality::Other)).unwrap();
    let path = bench.folder.path().join("model.safetensors");
    let version = super::write_model(&path, &["label 1"], 5);
    bench.workspace.apply(Command::Model(ModelCommand::Import { path })).unwrap();
    bench.wait("the model", |w| w.active().is_some_and(|d| d.model().is_some()));
    bench.workspace.apply(Command::Modality(Modality::Fundus)).unwrap();
    assert_eq!(bench.document().model().map(|v| &**v), Some(version.as_str()));
}
