//! Where masks are exported to: over no open image, over nothing that a person has not said, and under the image's name.

use super::*;
use fovea::workspace::{CommandError, Export, ExportFormat, ProjectCommand};

fn export(bench: &mut Bench, path: &Path, replace: bool) -> Result<(), CommandError> {
    let export = Export { path: path.to_owned(), format: ExportFormat::from_id("nifti").unwrap(), replace };
    bench.workspace.apply(Command::Project(ProjectCommand::Export(export)))?;
    let saved = format!("Saved {}", path.display());
    bench.wait("saving", |w| w.notices().iter().any(|n| n.text.starts_with(&saved)));
    Ok(())
}

#[test]
fn no_open_image_is_written_over() {
    let mut bench = Bench::opened();
    let other = bench.folder.path().join("other.nii.gz");
    io::write_volume_nifti(&other, &volume(3)).unwrap();
    let image = bench.image();
    open(&mut bench.workspace, &other);
    let before = [&image, &other].map(|path| std::fs::read(path).unwrap());
    let dotted = bench.folder.path().join("./OTHER.nii.gz");
    for path in [&image, &other, &dotted] {
        let told = export(&mut bench, path, true).unwrap_err().to_string();
        assert!(told.contains("which is open"), "{told}");
    }
    let project = bench.folder.path().join("other.nii.gz.fovea");
    assert_eq!(bench.document().project(), Some(project.as_path()));
    bench.stroke(2, 1, [5.0, 5.0], [30.0, 20.0]);
    bench.wait("the project file", |_| project.exists());
    assert!(export(&mut bench, &project, true).is_err());
    assert_eq!([&image, &other].map(|path| std::fs::read(path).unwrap()), before);
}

#[test]
fn what_is_there_is_replaced_when_a_person_says_so() {
    let mut bench = Bench::opened();
    let at = |name: &str| bench.folder.path().join(name);
    let (mask, table) = (at("image_labels.nii.gz"), at("image_labels.txt"));
    std::fs::write(&table, "my notes").unwrap();
    let save = Command::Project(ProjectCommand::Save);
    let refused = bench.workspace.apply(save.clone());
    assert!(matches!(refused, Err(CommandError::Exists(file)) if file == table));
    assert!(!mask.exists() && std::fs::read_to_string(&table).unwrap() == "my notes");
    export(&mut bench, &mask, true).unwrap();
    assert!(io::read_table(&table).is_ok(), "the table is the program's now");
    // Its own files are written again without a question.
    bench.stroke(2, 1, [5.0, 5.0], [30.0, 20.0]);
    bench.workspace.apply(save.clone()).unwrap();
    bench.wait("saving again", |w| w.activities().next().is_none());
    assert_eq!(io::open_labels(&mask).unwrap().0.to_values(), bench.document().mask().to_values());
    // Not so once another program has changed them.
    std::fs::write(&mask, "corrected elsewhere").unwrap();
    bench.stroke(2, 1, [5.0, 25.0], [30.0, 25.0]);
    let refused = bench.workspace.apply(save);
    assert!(matches!(refused, Err(CommandError::Exists(file)) if file == mask));
    assert_eq!(std::fs::read_to_string(&mask).unwrap(), "corrected elsewhere");
}

#[test]
fn a_picture_of_a_folder_is_a_document_of_its_own() {
    let mut bench = Bench::new();
    let folder = bench.folder.path().join("photos");
    std::fs::create_dir(&folder).unwrap();
    for (i, name) in ["anna.png", "berta_0000.png"].iter().enumerate() {
        let grid = Grid::pixels([4, 3, 1]).unwrap();
        let grey = Samples::U8(vec![i as u8; 12].into());
        let picture = Volume::new(grid, grey, [1.0, 0.0], Modality::Other).unwrap();
        io::write_image_png(&folder.join(name), &picture).unwrap();
    }
    let folder = std::fs::canonicalize(folder).unwrap();
    open(&mut bench.workspace, &folder);
    assert_eq!(bench.document().source(), folder.join("anna.png"));
    let other = bench.document().series().iter().find(|s| !s.shown).unwrap().id.clone();
    let path = bench.document().opened().to_owned();
    let with = Command::OpenWith { path, series: Some(other), modality: None };
    bench.workspace.apply(with.clone()).unwrap();
    bench.wait("the second picture", |w| w.documents().len() == 2 && w.openings().is_empty());
    assert_eq!(bench.document().name(), "berta_0000.png");
    // Asked for again, it is not opened twice.
    bench.workspace.apply(with).unwrap();
    bench.wait("the end of the opening", |w| w.openings().is_empty());
    assert_eq!(bench.workspace.documents().len(), 2);
    bench.workspace.apply(Command::Project(ProjectCommand::Save)).unwrap();
    bench.wait("saving", |w| w.notices().iter().any(|n| n.text.starts_with("Saved")));
    assert!(folder.join("berta_labels.png").exists(), "the mask carries its picture's name");
}

#[test]
fn a_mask_without_a_label_is_exported_and_said_to_be_empty() {
    let mut bench = Bench::opened();
    let path = bench.folder.path().join("mask.nii.gz");
    export(&mut bench, &path, false).unwrap();
    let said = |bench: &Bench| bench.texts().iter().filter(|t| t.contains("Nothing is labelled")).count();
    assert_eq!(said(&bench), 1, "{:?}", bench.texts());
    assert!(io::open_labels(&path).unwrap().0.is_empty());
    bench.stroke(2, 1, [5.0, 5.0], [30.0, 20.0]);
    let other = bench.folder.path().join("other.nii.gz");
    export(&mut bench, &other, false).unwrap();
    assert_eq!(said(&bench), 1, "{:?}", bench.texts());
}
