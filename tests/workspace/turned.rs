//! A photograph that an older program showed as it is stored, and that is shown upright now, as its EXIF note says.

use super::Bench;
use fovea::workspace::{Command, Differs, EditCommand, OtherImage, OtherImageAnswer};
use rusqlite::Connection;
use std::path::Path;

/// A square, so that no orientation changes its size.
const SIDE: usize = 48;

/// A grey PNG with a note of how it was held (EXIF 2.3, tag 274).
fn photograph(path: &Path, orientation: u8) {
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    let exif =
        [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation, 0, 0, 0, 0, 0, 0]].concat();
    writer.write_chunk(png::chunk::ChunkType(*b"eXIf"), &exif).unwrap();
    let pixels: Vec<u8> = (0..SIDE * SIDE).map(|i| (i % SIDE * 3 + i / SIDE) as u8).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
}

/// A bench whose image is such a photograph, with a stroke on a verified image, closed again.
fn annotated(orientation: u8) -> (Bench, Vec<u16>) {
    let mut bench = Bench::new();
    photograph(&bench.image(), orientation);
    bench.open();
    bench.stroke(0, 1, [4.0, 5.0], [30.0, 11.0]);
    bench.edit(EditCommand::SetVerified { z: 0, on: true });
    let mask = bench.document().mask().to_values();
    bench.close();
    (bench, mask)
}

/// As a program left the project that knew nothing of how a picture is turned.
fn as_before(bench: &Bench) {
    let db = Connection::open(bench.project()).unwrap();
    assert_eq!(db.execute("DELETE FROM setting WHERE key = 'turned'", []).unwrap(), 1);
}

fn asked(bench: &mut Bench) -> OtherImage {
    bench.workspace.apply(Command::Open(bench.image())).unwrap();
    bench.wait("the question", |w| w.openings().iter().any(|o| o.question().is_some()));
    assert!(bench.workspace.active().is_none());
    bench.workspace.openings()[0].question().unwrap()
}

fn answer(bench: &mut Bench, answer: OtherImageAnswer) {
    let opening = bench.workspace.openings()[0].job();
    bench.workspace.apply(Command::OtherImage { opening, answer }).unwrap();
    bench.wait("the image", |w| w.active().is_some());
}

/// Where a pixel of the upright picture is stored (TIFF 6.0, tag 274).
fn stored(orientation: u8, [x, y]: [usize; 2]) -> [usize; 2] {
    let last = SIDE - 1;
    match orientation {
        2 => [last - x, y],
        3 => [last - x, last - y],
        4 => [x, last - y],
        5 => [y, x],
        6 => [y, last - x],
        7 => [last - y, last - x],
        _ => [last - y, x],
    }
}

#[test]
fn annotations_are_turned_with_their_photograph_when_a_person_says_so() {
    for orientation in 2..=8 {
        let (mut bench, drawn) = annotated(orientation);
        as_before(&bench);
        let question = asked(&mut bench);
        assert_eq!((question.changes, question.differs, question.can_keep), (2, Differs::Turned, true));
        answer(&mut bench, OtherImageAnswer::Keep);
        let turned: Vec<u16> = (0..SIDE * SIDE)
            .map(|i| {
                let [x, y] = stored(orientation, [i % SIDE, i / SIDE]);
                drawn[y * SIDE + x]
            })
            .collect();
        assert_eq!(bench.document().mask().to_values(), turned, "orientation {orientation}");
        assert_ne!(turned, drawn);
        assert!(bench.document().is_verified(0), "what is on it is the same");
        assert_eq!(bench.document().undo_title(), Some("turn upright"));
        // Asked once.
        bench.reopen();
        assert_eq!(bench.document().mask().to_values(), turned);
        bench.edit(EditCommand::Undo);
        assert_eq!(bench.document().mask().to_values(), drawn);
    }
}

#[test]
fn a_photograph_that_stands_as_it_did_is_opened_without_a_question() {
    for orientation in [1, 2, 3, 6] {
        let (mut bench, drawn) = annotated(orientation);
        bench.open();
        assert_eq!(bench.document().mask().to_values(), drawn, "orientation {orientation}");
        assert_eq!(bench.document().journal(), [2, 2]);
    }
}

#[test]
fn annotations_that_are_set_aside_are_not_turned() {
    let (mut bench, drawn) = annotated(4);
    as_before(&bench);
    asked(&mut bench);
    answer(&mut bench, OtherImageAnswer::SetAside);
    assert_eq!(bench.document().journal(), [0, 0]);
    bench.stroke(0, 1, [4.0, 5.0], [9.0, 5.0]);
    bench.reopen();
    assert_ne!(bench.document().mask().to_values(), drawn);
    assert!(bench.folder.path().join("image.tif.fovea.of-another-image-1").exists());
}
