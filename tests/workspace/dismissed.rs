//! A warning of an image that a person has put away.

use super::{Bench, PATIENCE, open, start};
use fovea::workspace::{Place, Workspace, WorkspaceOptions};
use std::path::Path;

/// A TIFF of two images, one of which is shown, which is a warning. `first`: of its first pixel.
fn two_images(path: &Path, first: u8) {
    let mut encoder = tiff::encoder::TiffEncoder::new(std::fs::File::create(path).unwrap()).unwrap();
    for (width, height) in [(40u32, 30u32), (20, 24)] {
        let mut samples: Vec<u8> = (0..width * height).map(|i| (i % 251) as u8).collect();
        samples[0] = first;
        encoder.write_image::<tiff::encoder::colortype::Gray8>(width, height, &samples).unwrap();
    }
}

/// The warnings that stand, and whether the image still tells them.
fn warned(workspace: &Workspace) -> (Vec<u64>, bool) {
    let document = workspace.active().unwrap();
    let warnings = document.warnings();
    let of = |text: &str| warnings.iter().any(|warning| text.ends_with(warning.as_str()));
    let standing = workspace.notices().iter().filter(|n| of(&n.text)).map(|n| n.id).collect();
    (standing, !warnings.is_empty())
}

#[test]
fn a_warning_that_was_dismissed_does_not_come_again_with_the_same_image() {
    let mut bench = Bench::new();
    two_images(&bench.image(), 0);
    bench.open();
    let (standing, told) = warned(&bench.workspace);
    assert!(standing.len() == 1 && told, "{:?}", bench.texts());
    // Put away by nobody, it comes again.
    bench.reopen();
    let (standing, _) = warned(&bench.workspace);
    assert_eq!(standing.len(), 1);
    bench.workspace.dismiss(standing[0]);
    bench.reopen();
    assert_eq!(warned(&bench.workspace), (vec![], true));

    // Another window knows it too, whatever the image is called, and warns of another image.
    let data = bench.folder.path().join("data");
    let remembered = data.join("dismissed-warnings");
    assert!(bench.workspace.wait_until(PATIENCE, |_| remembered.exists()));
    let place = Place::BesideImage { data };
    let mut other = start(WorkspaceOptions { place, ..WorkspaceOptions::default() });
    let [same, another] = ["same.tif", "another.tif"].map(|name| bench.folder.path().join(name));
    std::fs::copy(bench.image(), &same).unwrap();
    two_images(&another, 7);
    open(&mut other, &same);
    assert_eq!(warned(&other), (vec![], true));
    open(&mut other, &another);
    assert_eq!(warned(&other).0.len(), 1);
}
