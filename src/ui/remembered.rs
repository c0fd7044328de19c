//! What the window remembers from one start to the next: how it looked, and what was open last.

use super::arrangement::Arrangement;
use super::keys::{Changes, Keys, keys, set_keys};
use super::seen::{MOST, Seen, see};
use super::seen_pictures::{LeftOff, Pictures};
use super::shell::Shell;
use super::theme;
use super::view_state::{AreaStyle, Told, ViewState};
use crate::engine::Engine;
use crate::file;
use crate::gpu::Filter;
use crate::replace::write_bytes;
use crate::tools::{self, ToolOptions, Toolbox};
use crate::volume::Modality;
use crate::workspace::{DocumentId, Workspace};
use egui::{Context, Theme, ThemePreference};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const MOST_BYTES: u64 = 1 << 20;
/// It is written when nothing has changed for so long, in seconds.
const SETTLED: f64 = 1.0;

/// What is kept. What an older or newer program wrote is read as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    pub light: bool,
    /// 1 is the interface's own size.
    pub scale: f32,
    pub reduce_motion: bool,
    /// What a person has changed of the keys.
    pub keys: Changes,
    /// Of the window, in points.
    pub size: Option<[f32; 2]>,
    /// Place in [`Arrangement::ALL`].
    pub arrangement: usize,
    /// By arrangement, the panel in front.
    pub front: [Option<String>; 4],
    /// By arrangement, how wide the panels are, in points.
    pub widths: [Option<f32>; 4],
    pub panel: bool,
    pub tool: String,
    pub options: ToolOptions,
    /// By kind of image, the place in [`layouts`](super::view_state::layouts) of the layout that it had last.
    pub layouts: BTreeMap<Modality, usize>,
    pub mask_opacity: f32,
    pub prediction_opacity: f32,
    pub difference_opacity: f32,
    /// Place in [`AreaStyle::ALL`].
    pub area: usize,
    pub crosshair: bool,
    pub legend: bool,
    pub letters: bool,
    pub suggests: bool,
    /// How much darker images are drawn.
    pub dim: f32,
    pub smooth: bool,
    /// What effects were told last.
    pub effects: Told,
    /// What was found last, the newest first.
    pub found: Vec<String>,
    /// The newest first.
    pub images: Vec<Seen>,
}

impl Default for Remembered {
    fn default() -> Self {
        let view = ViewState::default();
        Self {
            light: false,
            scale: 1.0,
            reduce_motion: false,
            keys: Changes::new(),
            size: None,
            arrangement: Arrangement::default() as usize,
            front: Default::default(),
            widths: [None; 4],
            panel: true,
            tool: String::new(),
            options: ToolOptions::default(),
            layouts: BTreeMap::new(),
            mask_opacity: view.mask_opacity,
            prediction_opacity: view.prediction_opacity,
            difference_opacity: view.difference_opacity,
            area: 0,
            crosshair: view.crosshair,
            legend: view.legend,
            letters: view.letters,
            effects: view.told.clone(),
            suggests: view.suggests,
            dim: view.dim,
            smooth: true,
            found: Vec::new(),
            images: Vec::new(),
        }
    }
}

impl Remembered {
    /// Field by field: what is unknown in one of them costs no other.
    fn read(fields: serde_json::Map<String, serde_json::Value>) -> Self {
        let first = serde_json::to_value(Self::default());
        let Ok(serde_json::Value::Object(mut known)) = first else { return Self::default() };
        for (name, value) in fields {
            let before = known.insert(name.clone(), value);
            if serde_json::from_value::<Self>(known.clone().into()).is_err() {
                match before {
                    Some(before) => _ = known.insert(name, before),
                    None => _ = known.remove(&name),
                }
            }
        }
        let mut read: Self = serde_json::from_value(known.into()).unwrap_or_default();
        read.images.truncate(MOST);
        read
    }
}

/// What is remembered, and where.
#[derive(Default)]
pub struct Memory {
    /// `None`: for as long as the program runs.
    file: Option<PathBuf>,
    now: Remembered,
    /// When it changed last, where that is not written yet.
    changed: Option<f64>,
    pictures: Pictures,
    /// What the newest picture shows: image, place and revision of the mask.
    pictured: Option<(DocumentId, [usize; 3], u64)>,
}

impl Memory {
    /// In the person's folder of settings. What cannot be read is as if nothing had been remembered.
    pub fn of_person() -> Self {
        let folder = directories::ProjectDirs::from("", "", "fovea").map(|dirs| dirs.config_dir().to_owned());
        let data = directories::ProjectDirs::from("", "", "fovea").map(|dirs| dirs.data_dir().join("seen"));
        let pictures = Pictures::in_folder(data);
        Self { pictures, ..Self::in_file(folder.map(|folder| folder.join("window.json"))) }
    }

    fn in_file(file: Option<PathBuf>) -> Self {
        let bytes = file.as_deref().and_then(|file| file::read_at_most(file, MOST_BYTES).ok());
        let read = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let now = read.map_or_else(Remembered::default, Remembered::read);
        Self { file, now, ..Self::default() }
    }

    pub fn now(&self) -> &Remembered {
        &self.now
    }

    /// Gives the window the look that it had.
    pub fn restore(
        &self,
        ctx: &Context,
        shell: &mut Shell,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
    ) {
        let now = &self.now;
        ctx.set_theme(if now.light { ThemePreference::Light } else { ThemePreference::Dark });
        if now.scale.is_finite() {
            ctx.set_zoom_factor(now.scale.clamp(1.0, 2.0));
        }
        theme::reduce_motion(ctx, now.reduce_motion);
        set_keys(ctx, Keys::with(&now.keys));
        shell.arrangement = Arrangement::ALL.get(now.arrangement).copied().unwrap_or_default();
        shell.side.restore(&now.front, now.widths, now.panel);
        shell.find.restore(now.found.clone());
        if let Some(tool) = tools::find(&now.tool) {
            // Nothing is under way that this would end.
            let _ended = toolbox.select(tool);
        }
        toolbox.options = now.options.clone();
        view_state.begin_with(&now.layouts);
        let share = |v: f32| if v.is_finite() { v.clamp(0.0, 1.0) } else { 0.5 };
        (view_state.mask_opacity, view_state.prediction_opacity) =
            (share(now.mask_opacity), share(now.prediction_opacity));
        view_state.difference_opacity = share(now.difference_opacity);
        view_state.area = AreaStyle::ALL.get(now.area).copied().unwrap_or(AreaStyle::Both);
        (view_state.crosshair, view_state.legend) = (now.crosshair, now.legend);
        view_state.letters = now.letters;
        view_state.told.clone_from(&now.effects);
        view_state.suggests = now.suggests;
        view_state.dim = if now.dim.is_finite() { now.dim.clamp(0.0, 0.6) } else { 0.0 };
        view_state.filter = if now.smooth { Filter::Smooth } else { Filter::Nearest };
    }

    /// Looks at what has changed, and writes it when it has been so for a while.
    pub fn go_on(
        &mut self,
        ctx: &Context,
        shell: &Shell,
        view_state: &ViewState,
        toolbox: &Toolbox,
        workspace: &Workspace,
    ) {
        let (time, rect) = ctx.input(|i| (i.time, i.viewport().inner_rect));
        let place = |all: &[AreaStyle]| all.iter().position(|style| *style == view_state.area).unwrap_or(0);
        let mut now = Remembered {
            light: ctx.theme() == Theme::Light,
            scale: shell.scale.wanted(),
            reduce_motion: theme::is_motion_reduced(ctx),
            keys: keys(ctx).changes(),
            size: rect.map(|rect| rect.size().into()).or(self.now.size),
            arrangement: shell.arrangement as usize,
            front: shell.side.remembered().map(|front| front.map(str::to_owned)),
            widths: shell.side.widths(),
            panel: shell.side.is_shown(f32::INFINITY),
            tool: toolbox.tool().id.to_owned(),
            options: toolbox.options.clone(),
            layouts: view_state.layouts(workspace.active(), &self.now.layouts),
            mask_opacity: view_state.mask_opacity,
            prediction_opacity: view_state.prediction_opacity,
            difference_opacity: view_state.difference_opacity,
            area: place(&AreaStyle::ALL),
            crosshair: view_state.crosshair,
            legend: view_state.legend,
            letters: view_state.letters,
            effects: view_state.told.clone(),
            suggests: view_state.suggests,
            dim: view_state.dim,
            smooth: view_state.filter == Filter::Smooth,
            found: shell.find.used().to_vec(),
            images: std::mem::take(&mut self.now.images),
        };
        let before = now.images.clone();
        for document in workspace.documents() {
            see(&mut now.images, workspace, document);
        }
        let same = now.images == before && {
            self.now.images = before;
            now == self.now
        };
        if !same {
            self.now = now;
        }
        let shown = workspace.active().map(|d| (d.id(), d.cursor(), d.revision()));
        let left = shown.is_some() && shown != self.pictured;
        if left {
            // The image that was left before its last picture was made.
            let before =
                self.pictured.filter(|(id, ..)| self.changed.is_some() && shown.is_some_and(|s| s.0 != *id));
            if let Some(document) = before.and_then(|(id, ..)| workspace.document(id)) {
                self.pictures.keep(workspace.engine(), Some(document), view_state, &self.now.images);
            }
            self.pictured = shown;
        }
        if !same || left {
            self.changed = self.file.is_some().then_some(time);
        }
        let wanted = workspace.active().is_none();
        self.pictures.go_on(ctx, workspace.engine(), &self.now.images, wanted);
        match self.changed.map(|changed| changed + SETTLED - time) {
            Some(left) if left <= 0.0 => {
                self.changed = None;
                self.write(workspace.engine());
                self.pictures.keep(workspace.engine(), workspace.active(), view_state, &self.now.images);
            }
            Some(left) => ctx.request_repaint_after_secs(left as f32 + 0.05),
            None => {}
        }
    }

    /// Where it cannot be written, the window begins next time as it did this time.
    fn write(&self, engine: &Engine) {
        let Some(file) = self.file.clone() else { return };
        let now = self.now.clone();
        let _job = engine.run(move |_| write(&file, &now));
    }

    /// The window closes: writes what has not been written.
    pub fn close(&mut self) {
        if let (Some(file), Some(_)) = (&self.file, self.changed.take())
            && let Err(e) = write(file, &self.now)
        {
            log::warn!("what the window should remember was not written: {e}");
        }
    }

    /// What the start screen shows.
    pub fn left_off(&self) -> LeftOff<'_> {
        LeftOff { images: &self.now.images, pictures: &self.pictures }
    }

    /// Where the crosshair was when this image was open last.
    pub fn cursor_of(&self, path: &Path) -> Option<[usize; 3]> {
        self.now.images.iter().find(|seen| seen.path == path).map(|seen| seen.cursor)
    }
}

fn write(file: &Path, now: &Remembered) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        file::make_folder(folder)?;
    }
    Ok(write_bytes(file, &serde_json::to_vec_pretty(now)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_damaged_is_as_if_nothing_had_been_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("window.json");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            Memory::in_file(Some(file.clone())).now
        };
        assert_eq!(read("{ not json"), Remembered::default());
        assert_eq!(read("{}"), Remembered::default());
        let known = read(r#"{"light": true, "of a newer program": [1, 2]}"#);
        assert_eq!(known, Remembered { light: true, ..Remembered::default() });
        let partly = read(
            r#"{"light": true, "layouts": {"of a newer program": 1}, "keys": {"Undo": ["F9"]}, "dim": null}"#,
        );
        let undo = Changes::from([("Undo".to_owned(), vec!["F9".to_owned()])]);
        assert_eq!(partly, Remembered { light: true, keys: undo, ..Remembered::default() });
        let written = serde_json::to_string(&known).unwrap();
        assert_eq!(read(&written), known);
    }
}
