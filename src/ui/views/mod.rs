//! The middle of the window: one large view, or three linked planes and beside them the labels in three dimensions or an
//! overview of the slices.

mod compare;
mod difference;
mod doubt;
mod effect;
mod findings;
mod frame;
mod initials;
mod learned;
mod legend;
mod likely;
mod live;
mod marks;
mod measured;
mod overlay;
mod overview;
mod pointer;
mod preview;
mod slice_view;
mod slider;
mod surface_view;
mod words;

pub use compare::{choose as choose_beside, paint_letter, show_row as show_compare_row};
pub use marks::SliceMarks;
pub use overlay::predicted_words;
pub use pointer::Pointer;
pub use preview::show as show_preview;

use super::arrangement::Arrangement;
use super::outbox::Outbox;
use super::theme::canvas;
use super::view_state::{Beside, ImageViewState, Layout, Pane, ViewState};
use crate::engine::{Predicted, Version};
use crate::geom::{Axis, Plane};
use crate::label::LabelId;
use crate::tools::Toolbox;
use crate::workspace::{Command, Document, LibraryModel, PredictionStatus, Reformat, SliceLabels, Workspace};
use egui::{Rect, Stroke, StrokeKind, Ui, UiBuilder, pos2};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the views keep from frame to frame.
#[derive(Default)]
pub struct Views {
    pub pointer: Pointer,
    pub marks: SliceMarks,
    legend: legend::Legend,
    initials: initials::Initials,
    doubt: doubt::Doubt,
    /// What is predicted, by plane; only views that cannot show probabilities use theirs.
    pub reformats: [Reformat; 3],
    /// The same for what is put beside it.
    other: Option<Box<compare::Other>>,
    /// What a network that learns makes of the native slice.
    as_it_learns: learned::AsItLearns,
    /// What only one of two networks predicts, before and now.
    differing: difference::Kept,
    effect: effect::Outcome,
    measured: measured::Measured,
    /// The view in which it is said what a prediction is worth: once is enough.
    says: Option<Plane>,
}

/// What is shown in a view.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub workspace: &'a Workspace,
    pub document: &'a Document,
    pub arrangement: Arrangement,
    /// What predicts here.
    version: Option<&'a Version>,
    /// The crosshair: a voxel of the document.
    cursor: [usize; 3],
    /// It is put beside another one, to be compared with it.
    is_other: bool,
}

impl<'a> Scene<'a> {
    /// The image with the model in use there.
    pub fn new(workspace: &'a Workspace, document: &'a Document, arrangement: Arrangement) -> Self {
        let (version, cursor) = (document.model(), document.cursor());
        Self { workspace, document, arrangement, version, cursor, is_other: false }
    }

    /// The same with another model.
    pub fn by(self, version: Option<&'a Version>) -> Self {
        Self { version, ..self }
    }

    fn model(&self) -> Option<&'a LibraryModel> {
        self.workspace.model(self.version?)
    }

    /// It knows phantoms only.
    fn is_demonstration(&self) -> bool {
        self.model().is_some_and(LibraryModel::is_demonstration)
    }

    fn prediction(&self, z: usize) -> Option<&'a Predicted> {
        self.workspace.prediction_by(self.document.id(), self.version?, z)
    }

    /// The labels of every native slice that is predicted here.
    fn predicted_slices(&self) -> Option<&'a BTreeMap<usize, SliceLabels>> {
        self.workspace.predicted_slices_by(self.document.id(), self.version?)
    }

    fn predicted_labels(&self, z: usize) -> Option<&'a Arc<[LabelId]>> {
        Some(&self.predicted_slices()?.get(&z)?.labels)
    }

    fn status(&self, z: usize) -> PredictionStatus<'a> {
        match self.version {
            Some(version) => self.workspace.prediction_status_by(self.document.id(), version, z),
            None => PredictionStatus::NoModel,
        }
    }

    /// Whether the prediction of a native slice is not to be seen.
    fn is_rejected(&self, view_state: &ViewState, z: usize) -> bool {
        !self.is_other && view_state.is_rejected(self.document, z)
    }
}

/// Points between two views.
const GAP: f32 = 1.0;

impl Views {
    pub fn show(
        &mut self,
        ui: &mut Ui,
        scene: &Scene,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        let rect = ui.available_rect_before_wrap();
        ui.painter().rect_filled(rect, 0.0, canvas::GAP);
        self.marks.refresh(scene.document);
        if self.marks.is_behind() {
            ui.ctx().request_repaint();
        }
        let image = view_state.image(scene.document);
        let layout = fitting(image.layout, image.focus, rect);
        self.says = match layout {
            Layout::One(Pane::Plane(plane)) => Some(plane),
            Layout::One(Pane::Surface) => None,
            _ => Some(scene.document.native_plane()),
        };
        if layout != Layout::Two {
            self.other = None;
        }
        match layout {
            Layout::One(Pane::Plane(plane)) => self.view(ui, rect, plane, scene, view_state, toolbox, out),
            Layout::One(Pane::Surface) => self.beside(ui, rect, scene, view_state, out),
            Layout::Two => compare::show(ui, rect, scene, view_state, toolbox, self, out),
            Layout::Four => {
                let [first, second, third, fourth] = quarters(rect);
                for (plane, rect) in Plane::ALL.into_iter().zip([first, second, third]) {
                    self.view(ui, rect, plane, scene, view_state, toolbox, out);
                }
                self.beside(ui, fourth, scene, view_state, out);
            }
            Layout::OneAndThree => {
                let native = scene.document.native_plane();
                let others = Plane::ALL.into_iter().filter(|&plane| plane != native);
                let (large, column) = one_and_three(rect);
                self.view(ui, large, native, scene, view_state, toolbox, out);
                for (plane, rect) in others.zip(column) {
                    self.view(ui, rect, plane, scene, view_state, toolbox, out);
                }
                self.beside(ui, column[2], scene, view_state, out);
            }
        }
        ui.advance_cursor_after_rect(rect);
    }

    /// The voxel under the pointer, where it is over a view and inside the image.
    pub fn pointed_at(&self, dims: [usize; 3]) -> Option<[usize; 3]> {
        let beside = || self.other.as_ref()?.pointed_at();
        let at = self.pointer.pointed_at().or_else(beside)?.map(f64::round);
        let inside = (0..3).all(|a| at[a] >= 0.0 && at[a] < dims[a] as f64);
        inside.then(|| at.map(|c| c as usize))
    }

    /// Whether a view says what the prediction is worth: one of them does, and of two that are compared B only where A does not.
    fn says(&self, plane: Plane, scene: &Scene) -> bool {
        let of_a = || {
            let version = scene.workspace.active().and_then(Document::model);
            version
                .and_then(|version| scene.workspace.model(version))
                .is_some_and(LibraryModel::is_demonstration)
        };
        if scene.is_other { !of_a() } else { self.says == Some(plane) }
    }

    /// The labels in three dimensions, or the slices.
    fn beside(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        scene: &Scene,
        view_state: &mut ViewState,
        out: &mut Outbox,
    ) {
        let mut ui = ui.new_child(UiBuilder::new().max_rect(rect).id_salt("beside"));
        let image = view_state.image(scene.document);
        match image.beside_in(image.layout) {
            Beside::Slices => overview::show(&mut ui, scene, &self.marks, out),
            _ => surface_view::show(&mut ui, scene, view_state, self.says.is_none()),
        }
        surface_view::choice(&mut ui, rect, scene, view_state);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of the window that a view shows, borrowed apart"
    )]
    fn view(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        plane: Plane,
        scene: &Scene,
        view_state: &mut ViewState,
        toolbox: &mut Toolbox,
        out: &mut Outbox,
    ) {
        let mut ui = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(plane.title()));
        slice_view::show(&mut ui, plane, scene, view_state, toolbox, self, out);
    }
}

/// Where several views would be too small to see anything in, the one that keys act on has all the room.
fn fitting(layout: Layout, focus: Pane, rect: Rect) -> Layout {
    /// Of the smallest view, in points.
    const LEAST: [f32; 2] = [130.0, 110.0];
    let smallest = match layout {
        Layout::Four => quarters(rect)[0].size(),
        Layout::OneAndThree => one_and_three(rect).1[0].size(),
        Layout::One(_) | Layout::Two => return layout,
    };
    if smallest.x < LEAST[0] || smallest.y < LEAST[1] { Layout::One(focus) } else { layout }
}

fn quarters(rect: Rect) -> [Rect; 4] {
    let middle = pos2(rect.center().x.round(), rect.center().y.round());
    let half = GAP / 2.0;
    let (left, right) = (rect.left()..=middle.x - half, middle.x + half..=rect.right());
    let (top, bottom) = (rect.top()..=middle.y - half, middle.y + half..=rect.bottom());
    [
        Rect::from_x_y_ranges(left.clone(), top.clone()),
        Rect::from_x_y_ranges(right.clone(), top),
        Rect::from_x_y_ranges(left, bottom.clone()),
        Rect::from_x_y_ranges(right, bottom),
    ]
}

/// A large view, and a column of three beside it.
fn one_and_three(rect: Rect) -> (Rect, [Rect; 3]) {
    /// The large one's share of the width.
    const LARGE: f32 = 0.73;
    let cut = (rect.left() + rect.width() * LARGE).round();
    let half = GAP / 2.0;
    let column = rect.with_min_x(cut + half);
    let height = (column.height() - 2.0 * GAP) / 3.0;
    let part = |i: f32| {
        let top = column.top() + i * (height + GAP);
        Rect::from_x_y_ranges(column.x_range(), top..=top + height)
    };
    (rect.with_max_x(cut - half), [part(0.0), part(1.0), part(2.0)])
}

/// Moves the crosshair by slices of a plane, within the image.
pub fn move_slice(document: &Document, plane: Plane, by: i64, out: &mut Outbox) {
    let normal = document.volume().grid().plane_axes(plane).normal;
    move_along(normal, document.cursor(), document.volume().dims(), by, out);
}

/// Moves the crosshair by voxels along an axis, within an image of this size.
fn move_along(axis: Axis, mut cursor: [usize; 3], dims: [usize; 3], by: i64, out: &mut Outbox) {
    let axis = axis.index();
    let last = dims[axis] as i64 - 1;
    let moved = (cursor[axis] as i64 + by).clamp(0, last) as usize;
    if moved != cursor[axis] {
        cursor[axis] = moved;
        out.command(Command::Cursor(cursor));
    }
}

/// From several views to one large one, and back.
pub fn maximise(image: &mut ImageViewState, pane: Pane, dims: [usize; 3]) {
    image.layout = match image.layout {
        several @ (Layout::Four | Layout::OneAndThree | Layout::Two) => {
            image.several = several;
            Layout::One(pane)
        }
        one if dims[2] == 1 => one,
        Layout::One(_) => image.several,
    };
    image.fit();
}

/// Around the view that keys act on, where there are several.
fn frame_of_focus(ui: &Ui, rect: Rect, pane: Pane, image: &ImageViewState) {
    if image.focus == pane && image.layout.is_several() {
        ui.painter().rect_stroke(rect, 0.0, Stroke::new(1.0, canvas::FOCUS), StrokeKind::Inside);
    }
}
