//! Files that are moved, deleted or replaced while the image is open.

use super::Bench;
use fovea::workspace::{
    Asks, Command, CommandError, EditCommand, Export, ExportFormat, NoticeLevel, Place, ProjectCommand, Risk,
    SaveState, Workspace, WorkspaceOptions,
};

fn stroke(bench: &mut Bench, i: usize) {
    bench.stroke(1, 1, [5.0, 3.0 + 2.0 * i as f64], [30.0, 3.0]);
}

/// With one stroke that is on the disk.
fn begun() -> Bench {
    let mut bench = Bench::opened();
    stroke(&mut bench, 0);
    saved(&mut bench);
    bench
}

fn saved(bench: &mut Bench) {
    bench.wait("everything on the disk", |w| w.active().is_some_and(|d| d.save_state() == SaveState::Saved));
}

fn failing(bench: &mut Bench, says: &str) {
    bench.wait("the warning", |w| matches!(w.active().map(|d| d.save_state()), Some(SaveState::Failing(_))));
    let notice = bench.workspace.notices().iter().find(|n| n.stays).unwrap().clone();
    assert_eq!(notice.level, NoticeLevel::Error);
    assert!(notice.text.contains(says), "{}", notice.text);
    let id = bench.document().id();
    let refused = bench.workspace.apply(Command::Close(id));
    assert!(matches!(refused, Err(CommandError::NotSafe(Risk::NotWritten { .. }))), "{refused:?}");
    assert!(!bench.workspace.risks().is_empty());
}

/// All strokes are there again, and nothing is wrong.
fn whole(bench: &mut Bench, strokes: i64) {
    let hash = bench.document().mask_hash();
    saved(bench);
    assert!(bench.workspace.notices().iter().all(|n| !n.stays), "{:?}", bench.texts());
    bench.reopen();
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (hash, [strokes; 2]));
    assert!(!bench.texts().iter().any(|t| t.contains("journal")), "{:?}", bench.texts());
}

#[test]
fn strokes_wait_while_the_project_is_away_and_are_written_when_it_is_back() {
    let mut bench = begun();
    let away = bench.folder.path().join("away");
    std::fs::rename(bench.project(), &away).unwrap();
    stroke(&mut bench, 1);
    failing(&mut bench, "moved or deleted");
    stroke(&mut bench, 2);
    std::fs::rename(&away, bench.project()).unwrap();
    whole(&mut bench, 3);
}

#[test]
fn a_project_that_is_gone_is_noticed_without_a_stroke() {
    let mut bench = begun();
    std::fs::remove_file(bench.project()).unwrap();
    failing(&mut bench, "moved or deleted");
}

#[test]
fn a_deleted_project_goes_on_whole_in_the_programs_own_folder() {
    let mut bench = begun();
    stroke(&mut bench, 1);
    saved(&mut bench);
    std::fs::remove_file(bench.project()).unwrap();
    stroke(&mut bench, 2);
    failing(&mut bench, "moved or deleted");
    let id = bench.document().id();
    bench.workspace.apply(Command::Project(ProjectCommand::KeepElsewhere(id))).unwrap();
    whole(&mut bench, 3);
    assert!(!bench.project().exists());
    assert!(bench.document().project().unwrap().starts_with(bench.folder.path().join("data")));
    assert_eq!(bench.document().history().count(), 3);
}

#[test]
fn a_folder_that_is_away_is_not_made_again_and_its_mask_goes_nowhere_else() {
    let mut bench = Bench::new();
    let (folder, away) = (bench.folder.path().join("patient"), bench.folder.path().join("away"));
    std::fs::create_dir(&folder).unwrap();
    let image = folder.join("image.tif");
    std::fs::rename(bench.image(), &image).unwrap();
    super::open(&mut bench.workspace, &image);
    std::fs::rename(&folder, &away).unwrap();
    // Neither a project that is begun now nor a mask.
    stroke(&mut bench, 0);
    failing(&mut bench, "the image is not where it was");
    let refused = bench.workspace.apply(Command::Project(ProjectCommand::Save)).unwrap_err().to_string();
    assert!(refused.contains("the image's folder is not there any more"), "{refused}");
    assert!(!folder.exists() && !std::path::Path::new("image_labels.nii.gz").exists());
    std::fs::rename(&away, &folder).unwrap();
    saved(&mut bench);
    let hash = bench.document().mask_hash();
    bench.close();
    super::open(&mut bench.workspace, &image);
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (hash, [1, 1]));
    bench.workspace.apply(Command::Project(ProjectCommand::Save)).unwrap();
    bench.wait("the mask", |_| folder.join("image_labels.nii.gz").exists());
}

#[test]
fn an_older_copy_of_the_project_is_given_what_it_lacks() {
    let mut bench = begun();
    let id = bench.document().id();
    // Once everything lies in one file.
    let log = bench.folder.path().join("image.tif.fovea-wal");
    bench.wait("the log taken in", |_| log.metadata().is_ok_and(|m| m.len() == 0));
    let copy = bench.folder.path().join("copy");
    std::fs::copy(bench.project(), &copy).unwrap();
    for i in 1..4 {
        stroke(&mut bench, i);
    }
    bench.workspace.settle(id);
    std::fs::rename(&copy, bench.project()).unwrap();
    stroke(&mut bench, 4);
    whole(&mut bench, 5);
}

#[test]
fn a_log_that_is_deleted_takes_nothing_with_it() {
    let mut bench = begun();
    stroke(&mut bench, 1);
    let id = bench.document().id();
    bench.workspace.settle(id);
    std::fs::remove_file(bench.folder.path().join("image.tif.fovea-wal")).unwrap();
    stroke(&mut bench, 2);
    whole(&mut bench, 3);
}

#[test]
fn the_mask_of_an_image_that_was_replaced_is_not_put_beside_the_new_one() {
    let mut bench = begun();
    let beside = bench.folder.path().join("image_labels.nii.gz");
    // Written anew with the same bytes it is the same image.
    let bytes = std::fs::read(bench.image()).unwrap();
    std::fs::write(bench.image(), bytes).unwrap();
    bench.workspace.apply(Command::Project(ProjectCommand::Save)).unwrap();
    bench.wait("the mask", |w| w.is_idle());
    assert!(beside.exists(), "{:?}", bench.texts());
    std::fs::remove_file(&beside).unwrap();
    fovea::io::write_image_tiff(&bench.image(), &super::volume(77)).unwrap();
    bench.workspace.apply(Command::Project(ProjectCommand::Save)).unwrap();
    bench.wait("the refusal", |w| w.notices().iter().any(|n| n.text.contains("another image now")));
    assert!(!beside.exists());
    // To a place that a person chooses it goes, and that it is of another image is said.
    let path = bench.folder.path().join("elsewhere.nii.gz");
    let export =
        Export { path: path.clone(), format: ExportFormat::from_id("nifti").unwrap(), replace: false };
    bench.workspace.apply(Command::Project(ProjectCommand::Export(export))).unwrap();
    bench.wait("the mask", |w| w.is_idle());
    assert!(path.exists());
    assert!(bench.texts().iter().any(|t| t.contains("the mask is of the image that is open")));
}

/// As where a drive is unplugged.
#[test]
fn a_folder_that_is_removed_in_the_middle_of_a_stroke_takes_nothing_with_it() {
    let mut bench = Bench::new();
    let folder = bench.folder.path().join("drive");
    std::fs::create_dir(&folder).unwrap();
    let image = folder.join("image.tif");
    std::fs::rename(bench.image(), &image).unwrap();
    super::open(&mut bench.workspace, &image);
    stroke(&mut bench, 0);
    saved(&mut bench);
    bench.edit(EditCommand::Begin { tool: "brush".into() });
    bench.edit(super::brush(1, 1, [5.0, 20.0], [30.0, 20.0]));
    std::fs::remove_dir_all(&folder).unwrap();
    bench.edit(super::brush(1, 1, [30.0, 20.0], [30.0, 30.0]));
    bench.edit(EditCommand::Commit);
    stroke(&mut bench, 2);
    failing(&mut bench, "moved or deleted");
    let notice = bench.workspace.notices().iter().find(|n| n.stays).unwrap();
    assert_eq!(notice.asks, Some(Asks::KeepElsewhere));
    let (id, hash) = (bench.document().id(), bench.document().mask_hash());
    bench.workspace.apply(Command::Project(ProjectCommand::KeepElsewhere(id))).unwrap();
    saved(&mut bench);
    assert_eq!(bench.workspace.risks(), []);
    bench.close();
    // The drive is there again, with the image and an older project or none.
    std::fs::create_dir(&folder).unwrap();
    super::write_image(&image);
    super::open(&mut bench.workspace, &image);
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (hash, [3, 3]));
}

#[test]
fn an_image_is_closed_without_its_project_when_a_person_insists() {
    let mut bench = begun();
    std::fs::remove_file(bench.project()).unwrap();
    failing(&mut bench, "moved or deleted");
    let id = bench.document().id();
    bench.workspace.apply(Command::CloseUnsaved(id)).unwrap();
    assert!(bench.workspace.documents().is_empty());
    bench.workspace.settle(id);
    assert!(bench.workspace.notices().iter().all(|n| !n.stays), "{:?}", bench.texts());
    assert!(!bench.project().exists());
}

#[test]
fn what_lies_in_the_programs_own_folder_already_cannot_be_brought_there() {
    let mut bench = begun();
    std::fs::remove_file(bench.project()).unwrap();
    failing(&mut bench, "moved or deleted");
    let id = bench.document().id();
    bench.workspace.apply(Command::Project(ProjectCommand::KeepElsewhere(id))).unwrap();
    saved(&mut bench);
    std::fs::remove_dir_all(bench.folder.path().join("data")).unwrap();
    failing(&mut bench, "or export the mask to another place");
    let notice = bench.workspace.notices().iter().find(|n| n.stays).unwrap();
    assert_eq!(notice.asks, None, "{}", notice.text);
}

/// Run by [`a_folder_that_can_only_be_read_is_left_alone`] as somebody who may not write there.
#[cfg(unix)]
#[test]
fn child_paints_in_a_folder_that_can_only_be_read() {
    let Some(folder) = std::env::var_os(READ_ONLY).map(std::path::PathBuf::from) else { return };
    let image = folder.join("image.tif");
    assert!(std::fs::write(folder.join("anything"), "").is_err(), "the folder can be written");
    let place = Place::BesideImage { data: std::env::temp_dir().join("data") };
    let opened = || {
        let mut workspace =
            super::start(WorkspaceOptions { place: place.clone(), ..WorkspaceOptions::default() });
        super::open(&mut workspace, &image);
        workspace
    };
    let mut workspace = opened();
    let remark =
        |w: &Workspace| w.notices().iter().any(|n| n.text.contains("cannot be written: the project"));
    assert!(remark(&workspace), "{:?}", workspace.notices());
    workspace.apply(Command::Edit(super::brush(1, 1, [5.0, 3.0], [30.0, 3.0]))).unwrap();
    let id = workspace.active().unwrap().id();
    assert!(workspace.settle(id));
    let hash = workspace.active().unwrap().mask_hash();
    workspace.apply(Command::Project(ProjectCommand::Save)).unwrap();
    let refused = |w: &Workspace| w.notices().iter().any(|n| n.level == NoticeLevel::Error);
    assert!(workspace.wait_until(std::time::Duration::from_secs(60), refused), "no mask can be saved there");
    drop(workspace);
    let workspace = opened();
    assert_eq!(workspace.active().unwrap().mask_hash(), hash);
}

#[cfg(unix)]
const READ_ONLY: &str = "FOVEA_READ_ONLY_FOLDER";

#[cfg(unix)]
#[test]
fn a_folder_that_can_only_be_read_is_left_alone() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let patient = folder.path().join("patient");
    for path in [&home, &patient] {
        std::fs::create_dir(path).unwrap();
    }
    super::write_image(&patient.join("image.tif"));
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(folder.path(), 0o755);
    mode(&home, 0o777);
    mode(&patient.join("image.tif"), 0o644);
    mode(&patient, 0o555);
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "places::child_paints_in_a_folder_that_can_only_be_read", "--nocapture"]);
    child.env(READ_ONLY, &patient).env("TMPDIR", &home).env("HOME", &home).current_dir(&home);
    // No permission holds the one who owns the machine.
    if std::fs::write(patient.join("tried"), "").is_ok() {
        std::fs::remove_file(patient.join("tried")).unwrap();
        child.uid(65_534).gid(65_534);
    }
    let out = child.output().unwrap();
    let said = [out.stdout, out.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(out.status.success() && said.contains("1 passed"), "{said}");
    let left: Vec<_> = std::fs::read_dir(&patient).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["image.tif"]);
    mode(&patient, 0o755);
}
