//! Annotations that were set aside, found again when their image is back.

use super::{Bench, PATIENCE, volume};
use fovea::io::{self, OpenOptions, Quiet};
use fovea::workspace::{Asks, Command, OtherImageAnswer, ProjectCommand, asides_beside};

/// One stroke on an image that was replaced by another one: what it was is returned, and its project lies aside. The image is
/// back, and closed.
fn set_aside() -> (Bench, String) {
    let mut bench = Bench::opened();
    bench.stroke(0, 1, [5.0, 5.0], [30.0, 5.0]);
    let hash = bench.document().mask_hash();
    bench.close();
    let image = std::fs::read(bench.image()).unwrap();
    io::write_image_tiff(&bench.image(), &volume(99)).unwrap();
    bench.workspace.apply(Command::Open(bench.image())).unwrap();
    bench.wait("the question", |w| w.openings().iter().any(|o| o.question().is_some()));
    let opening = bench.workspace.openings()[0].job();
    let answer = OtherImageAnswer::SetAside;
    bench.workspace.apply(Command::OtherImage { opening, answer }).unwrap();
    bench.wait("the other image", |w| w.active().is_some());
    assert_eq!(offered(&bench), 0, "they are of another image");
    bench.close();
    std::fs::write(bench.image(), image).unwrap();
    (bench, hash)
}

fn offered(bench: &Bench) -> usize {
    let asked = bench.workspace.notices().iter().filter(|n| matches!(n.asks, Some(Asks::TakeBack(_))));
    asked.count()
}

fn take_back(bench: &mut Bench) {
    let id = bench.document().id();
    bench.workspace.apply(Command::Project(ProjectCommand::TakeBack(id, 0))).unwrap();
    let opened = bench.workspace.wait_until(PATIENCE, |w| w.openings().is_empty() && w.active().is_some());
    assert!(opened, "{:?}", bench.texts());
}

#[test]
fn annotations_that_were_set_aside_are_offered_with_their_image_and_opened_when_a_person_says_so() {
    let (mut bench, hash) = set_aside();
    bench.open();
    assert_eq!(bench.document().journal(), [0, 0], "nothing is replaced unasked");
    assert_eq!(offered(&bench), 1);
    let today = fovea::time::now_text();
    let said = format!("set aside on {} as image.tif.fovea.of-another-image-1 (1 change)", &today[..10]);
    assert!(bench.texts().join("\n").contains(&said), "{:?}", bench.texts());

    // What is drawn meanwhile is set aside in its turn, and can be had back in the same way.
    bench.stroke(1, 1, [5.0, 9.0], [30.0, 9.0]);
    bench.stroke(1, 1, [5.0, 19.0], [30.0, 19.0]);
    let other = bench.document().mask_hash();
    take_back(&mut bench);
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (hash.clone(), [1, 1]));
    let names: Vec<String> = bench
        .document()
        .asides()
        .iter()
        .map(|a| a.path.file_name().unwrap().to_string_lossy().into())
        .collect();
    assert_eq!(names, ["image.tif.fovea.set-aside-1"]);
    take_back(&mut bench);
    assert_eq!((bench.document().mask_hash(), bench.document().journal()), (other, [2, 2]));
    take_back(&mut bench);
    assert_eq!(bench.document().mask_hash(), hash);
}

#[test]
fn an_offer_that_was_dismissed_stays_with_the_image_and_is_not_made_again() {
    let (mut bench, _) = set_aside();
    bench.open();
    let id = bench.workspace.notices().iter().find(|n| n.asks.is_some()).expect("the offer").id;
    bench.workspace.dismiss(id);
    bench.reopen();
    assert_eq!((offered(&bench), bench.document().asides().len()), (0, 1));
}

#[test]
fn files_set_aside_are_looked_at_and_not_changed() {
    let (bench, _) = set_aside();
    let aside = bench.folder.path().join("image.tif.fovea.of-another-image-1");
    let before = std::fs::read(&aside).unwrap();
    let listed = || {
        let mut names: Vec<_> =
            std::fs::read_dir(bench.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    // What somebody else has put there is none.
    std::fs::write(bench.folder.path().join("image.tif.fovea.of-another-image-2"), "no project").unwrap();
    std::fs::create_dir(bench.folder.path().join("image.tif.fovea.set-aside-1")).unwrap();
    let names = listed();
    let opened = io::open(&bench.image(), &OpenOptions::default(), &mut Quiet).unwrap();
    let found = asides_beside(&bench.image(), &opened.content_hash, None);
    assert_eq!(found.iter().map(|a| (a.path.clone(), a.changes)).collect::<Vec<_>>(), [(aside.clone(), 1)]);
    assert!(asides_beside(&bench.image(), "another", None).is_empty());
    assert_eq!((std::fs::read(&aside).unwrap(), listed()), (before, names));
}
