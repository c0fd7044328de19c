//! Small pictures of the images that were open last. They lie in the program's own folder of data, one file each, and go with their
//! line in the list.

use super::seen::Seen;
use super::view_state::ViewState;
use crate::engine::Engine;
use crate::file;
use crate::gpu::{LabelColors, MaskDraw, SliceDraw, SliceImage, ViewTransform, cpu_twin};
use crate::replace::write_bytes;
use crate::workspace::Document;
use egui::{ColorImage, Context, TextureHandle, TextureOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};

/// In pixels: twice what the start screen has of it in points.
const SIZE: [usize; 2] = [112, 88];
/// Red, green and blue of each pixel, and nothing else.
const BYTES: usize = 3 * SIZE[0] * SIZE[1];
const EXTENSION: &str = "rgb";

/// A file's name and what is in it.
type Picture = (String, Vec<u8>);

pub struct Pictures {
    /// `None`: none are kept.
    folder: Option<PathBuf>,
    shown: BTreeMap<String, TextureHandle>,
    asked: BTreeSet<String>,
    made: (Sender<Picture>, Receiver<Picture>),
}

/// What the start screen shows of them.
#[derive(Clone, Copy)]
pub struct LeftOff<'a> {
    /// The newest first.
    pub images: &'a [Seen],
    pub pictures: &'a Pictures,
}

impl Default for Pictures {
    fn default() -> Self {
        Self::in_folder(None)
    }
}

impl Pictures {
    pub fn in_folder(folder: Option<PathBuf>) -> Self {
        Self { folder, shown: BTreeMap::new(), asked: BTreeSet::new(), made: channel() }
    }

    /// That of an image, where it is there by now.
    pub fn of(&self, path: &Path) -> Option<&TextureHandle> {
        self.shown.get(&name_of(path))
    }

    /// Reads those of the list that have not been read yet, and takes in what was read and made since; call it once a frame.
    pub fn go_on(&mut self, ctx: &Context, engine: &Engine, images: &[Seen], wanted: bool) {
        for (name, bytes) in self.made.1.try_iter() {
            if bytes.len() == BYTES {
                let options = TextureOptions::LINEAR;
                let texture = ctx.load_texture(&name, ColorImage::from_rgb(SIZE, &bytes), options);
                self.shown.insert(name, texture);
            }
        }
        let Some(folder) = self.folder.as_ref().filter(|_| wanted) else { return };
        let names: Vec<String> = images.iter().map(|seen| name_of(&seen.path)).collect();
        let missing: Vec<String> = names.into_iter().filter(|name| self.asked.insert(name.clone())).collect();
        if missing.is_empty() {
            return;
        }
        let (folder, made) = (folder.clone(), self.made.0.clone());
        let _job = engine.run(move |_| {
            for name in missing {
                // One that is not there is not shown.
                if let Ok(bytes) = file::read_at_most(&folder.join(&name), BYTES as u64) {
                    // Nobody waits for it where the window has closed.
                    let _ = made.send((name, bytes));
                }
            }
            Ok(())
        });
    }

    /// Draws the slice in front with its mask, and keeps it; pictures of images that are not in the list go.
    pub fn keep(
        &self,
        engine: &Engine,
        document: Option<&Document>,
        view_state: &ViewState,
        images: &[Seen],
    ) {
        let Some(folder) = self.folder.clone() else { return };
        let names: BTreeSet<String> = images.iter().map(|seen| name_of(&seen.path)).collect();
        let draw = document.map(|document| (name_of(document.opened()), describe(document, view_state)));
        let draw = draw.filter(|(name, _)| names.contains(name));
        let made = self.made.0.clone();
        let _job = engine.run(move |_| {
            file::make_folder(&folder)?;
            if let Some((name, draw)) = draw {
                let picture = cpu_twin::draw(&draw, SIZE.map(|side| side as u32))?;
                let bytes: Vec<u8> =
                    picture.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
                write_bytes(&folder.join(&name), &bytes)?;
                // Nobody waits for it where the window has closed.
                let _ = made.send((name, bytes));
            }
            remove_others(&folder, &names)
        });
    }
}

/// Not the image's own name: that may say whose it is.
fn name_of(path: &Path) -> String {
    let hash = blake3::hash(path.as_os_str().as_encoded_bytes()).to_hex();
    format!("{}.{EXTENSION}", &hash[..32])
}

fn describe(document: &Document, view_state: &ViewState) -> SliceDraw {
    let volume = document.volume();
    let (grid, dims) = (volume.grid(), volume.dims());
    let axes = grid.plane_axes(document.native_plane());
    let slice = document.cursor()[axes.normal.index()];
    let view = ViewTransform::fit(SIZE.map(|side| side as f64), axes.pixel_size(grid), axes.size(dims));
    let image = SliceImage { volume: volume.clone(), axes, slice };
    let mut draw = SliceDraw::of_image(image, view);
    draw.mask = Some(MaskDraw { document: document.id().0, map: document.mask().clone() });
    draw.colors = LabelColors::of(document.labels());
    if let Some(image) = view_state.image_of(document.id()) {
        draw.tone = image.tone;
    }
    draw
}

fn remove_others(folder: &Path, names: &BTreeSet<String>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_one = path.extension().is_some_and(|extension| extension == EXTENSION);
        let listed = path.file_name().and_then(|name| name.to_str()).is_some_and(|name| names.contains(name));
        if is_one && !listed {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineOptions;
    use crate::nn::DeviceChoice;
    use crate::workspace::{Command, Place, Workspace, WorkspaceOptions};
    use std::time::{Duration, Instant};

    fn seen(path: &Path) -> Seen {
        Seen { path: path.to_owned(), cursor: [0; 3], depth: 1, verified: 0, at_ms: 0, learning: None }
    }

    #[test]
    fn a_picture_is_kept_read_again_and_goes_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("seen");
        let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
        let options = WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() };
        let mut workspace = Workspace::with_options(engine, options).unwrap();
        workspace.apply(Command::Open("sample:fundus".into())).unwrap();
        assert!(workspace.wait_until(Duration::from_secs(60), |w| w.active().is_some()));
        let (ctx, path) = (Context::default(), workspace.active().unwrap().opened().to_owned());
        let mut wait = |pictures: &mut Pictures, images: &[Seen], is_so: &dyn Fn(&Pictures) -> bool| {
            let end = Instant::now() + Duration::from_secs(60);
            while !is_so(pictures) {
                assert!(Instant::now() < end, "it does not come");
                workspace.wait_until(Duration::from_millis(10), |_| false);
                pictures.go_on(&ctx, workspace.engine(), images, true);
            }
        };
        let count = || std::fs::read_dir(&kept).map_or(0, |found| found.count());
        let view_state = ViewState::default();

        let mut pictures = Pictures::in_folder(Some(kept.clone()));
        let images = [seen(&path)];
        {
            let engine = Engine::start(EngineOptions::headless(DeviceChoice::Cpu)).unwrap();
            let options = WorkspaceOptions { place: Place::Nowhere, ..WorkspaceOptions::default() };
            let mut other = Workspace::with_options(engine, options).unwrap();
            other.apply(Command::Open(path.clone())).unwrap();
            assert!(other.wait_until(Duration::from_secs(60), |w| w.active().is_some()));
            pictures.keep(other.engine(), other.active(), &view_state, &images);
            wait(&mut pictures, &images, &|pictures| pictures.of(&path).is_some());
        }
        assert_eq!(count(), 1);
        let bytes = std::fs::read(kept.join(name_of(&path))).unwrap();
        assert!(bytes.len() == BYTES && bytes.iter().any(|level| *level > 100), "the photograph is bright");

        // In the next start it is read, and one of another length is none.
        let mut next = Pictures::in_folder(Some(kept.clone()));
        wait(&mut next, &images, &|pictures| pictures.of(&path).is_some());
        let other = Path::new("/elsewhere/other.png");
        std::fs::write(kept.join(name_of(other)), [1, 2, 3]).unwrap();
        let both = [seen(&path), seen(other)];
        wait(&mut next, &both, &|pictures| pictures.asked.len() == 2);
        assert!(next.of(other).is_none());

        std::fs::write(kept.join("of somebody else.txt"), "stays").unwrap();
        remove_others(&kept, &BTreeSet::new()).unwrap();
        assert_eq!(count(), 1, "only pictures go");
    }
}
