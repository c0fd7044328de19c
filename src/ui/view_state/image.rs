//! How one image is shown.

use super::{Beside, CompareWith, EffectInHand, Layout, Pane, PlaneViewState};
use crate::engine::Version;
use crate::geom::Plane;
use crate::gpu::{Tone, Turn};
use crate::volume::{Modality, Volume};
use crate::workspace::Document;
use std::collections::BTreeSet;

/// The view state of one image.
#[derive(Clone, Debug)]
pub struct ImageViewState {
    pub layout: Layout,
    /// The layout of several views that a large one goes back to.
    pub several: Layout,
    /// Where leaving a comparison goes back to.
    before: Layout,
    /// What is put beside it in [`Layout::Two`].
    pub compared: Option<CompareWith>,
    /// The view that keys act on: the one under the pointer last.
    pub focus: Pane,
    pub tone: Tone,
    pub planes: [PlaneViewState; 3],
    pub beside: Beside,
    pub turn: Turn,
    /// Predictions that the person does not want to see.
    pub rejected: BTreeSet<(Version, usize)>,
    /// What is being set up on it, which waits while another image is in front.
    pub(super) effect: Option<EffectInHand>,
}

impl ImageViewState {
    pub(super) fn of(volume: &Volume) -> Self {
        let native = volume.grid().native_plane();
        let flat = volume.dims()[2] == 1;
        // A stack of B-scans has few, far slices: cross sections of it show little.
        let layout = if flat || volume.modality() != Modality::Ct {
            Layout::One(Pane::Plane(native))
        } else {
            Layout::Four
        };
        Self {
            layout,
            several: Layout::Four,
            before: layout,
            compared: None,
            focus: Pane::Plane(native),
            tone: Tone::of(volume),
            planes: [PlaneViewState::default(); 3],
            beside: Beside::Labels,
            turn: Turn::default(),
            rejected: BTreeSet::new(),
            effect: None,
        }
    }

    /// The plane that slice keys and tools act on: the native one while the labels are shown in three dimensions.
    pub fn focus_plane(&self, document: &Document) -> Plane {
        let pane = match self.layout {
            Layout::One(pane) => pane,
            Layout::Four | Layout::OneAndThree => self.focus,
            Layout::Two => return document.native_plane(),
        };
        match pane {
            Pane::Plane(plane) => plane,
            Pane::Surface => document.native_plane(),
        }
    }

    /// Shows other views, each with the whole image.
    pub fn arrange(&mut self, layout: Layout) {
        if self.layout == layout {
            return;
        }
        if layout == Layout::Two {
            self.before = self.layout;
        }
        self.layout = layout;
        self.fit();
    }

    /// Goes back to the views from before a comparison; false where nothing is compared.
    pub fn leave_comparison(&mut self) -> bool {
        let leaves = self.layout == Layout::Two;
        if leaves {
            self.arrange(self.before);
        }
        leaves
    }

    /// The state in which the image was opened.
    pub fn fit(&mut self) {
        (self.planes, self.turn) = Default::default();
    }

    /// What a large view of the labels shows: it has no cells.
    pub fn beside_in(&self, layout: Layout) -> Beside {
        match (self.beside, layout) {
            (Beside::Slices, Layout::One(_)) => Beside::Labels,
            (beside, _) => beside,
        }
    }

    pub fn plane_mut(&mut self, plane: Plane) -> &mut PlaneViewState {
        &mut self.planes[plane as usize]
    }
}
