//! Why a person should look closely at what is predicted of a slice: at the view's upper left, in Review.

use super::Scene;
use super::frame::ViewFrame;
use super::words::{EDGE, Words};
use crate::label::LabelId;
use crate::ui::counted::Counted;
use crate::ui::reading::in_words;
use crate::ui::theme::{self, canvas};
use crate::ui::view_state::ViewState;
use crate::ui::widgets::Icon;
use crate::words::capital;
use egui::{Rect, Role, Sense, Ui, Vec2, WidgetInfo, pos2, vec2};
use std::collections::{BTreeMap, BTreeSet};

/// An area that changes by less from one slice to the next is as it should be.
const CHANGE: f64 = 0.3;
/// Smaller areas come and go, in pixels.
const SMALL: usize = 60;
/// A narrower view has room for the flag alone, in points.
const SMALLEST: f32 = 420.0;

/// What is predicted of the slice in front and of its neighbours.
#[derive(Default)]
pub struct Doubt {
    counted: BTreeMap<usize, Counted>,
}

impl Doubt {
    /// Nothing of a slice that is verified, or whose prediction is not to be seen, or in which nothing is odd.
    /// True where something is said.
    pub fn show(
        &mut self,
        ui: &Ui,
        over: &mut Words,
        frame: &ViewFrame,
        scene: &Scene,
        view_state: &ViewState,
    ) -> bool {
        let z = frame.slice;
        let (document, shown) = (scene.document, view_state.prediction_shown || view_state.difference);
        if !shown || document.is_verified(z) || scene.is_rejected(view_state, z) {
            return false;
        }
        let Some(model) = scene.model() else { return false };
        let (classes, table) = document.wanted_labels(&model.card);
        let wanted = (1..classes.len()).filter(|&class| classes[class] != 0);
        let wanted: BTreeMap<LabelId, LabelId> =
            wanted.map(|class| (model.card.label_of(class), classes[class])).collect();
        let around = [z.checked_sub(1), Some(z), z.checked_add(1)];
        self.counted.retain(|z, _| around.contains(&Some(*z)));
        let [before, here, after] = around.map(|z| {
            let labels = scene.predicted_labels(z?)?;
            Some((z?, self.counted.entry(z?).or_default().of(labels).clone()))
        });
        let Some((_, here)) = here else { return false };
        let beside: Vec<_> = [before, after].into_iter().flatten().collect();
        let odd = oddest(&here, &beside, &wanted.keys().copied().collect());
        let said = odd.and_then(|odd| {
            let name = &table.get(*wanted.get(&odd.label)?)?.name;
            Some(capital(&format!("{name} {}", odd.words())))
        });
        said.is_some_and(|words| pill(ui, over, &in_words(&words)))
    }
}

/// What is odd of a label.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Odd {
    /// The model's own.
    label: LabelId,
    /// Its pixels here, and in the other slice, which comes from 0.
    pixels: [usize; 2],
    other: usize,
}

impl Odd {
    /// Of the larger of the two areas.
    fn change(self) -> f64 {
        let [here, there] = self.pixels;
        here.abs_diff(there) as f64 / here.max(there).max(1) as f64
    }

    fn words(self) -> String {
        let slice = self.other + 1;
        match self.pixels {
            [0, _] => format!("is not found here, but in slice {slice}"),
            [_, 0] => format!("is found here, but not in slice {slice}"),
            [here, there] => {
                let by = 100.0 * (here as f64 / there as f64 - 1.0);
                let which = if by < 0.0 { "smaller" } else { "larger" };
                format!("is {:.0} % {which} here than in slice {slice}", by.abs())
            }
        }
    }
}

/// The label that changes most, by what is nearest to it on either side: an area that one neighbour explains is none.
fn oddest(
    here: &BTreeMap<LabelId, usize>,
    beside: &[(usize, BTreeMap<LabelId, usize>)],
    wanted: &BTreeSet<LabelId>,
) -> Option<Odd> {
    let of = |label: LabelId| {
        let pixels = |counts: &BTreeMap<LabelId, usize>| counts.get(&label).copied().unwrap_or(0);
        let odd = |(other, counts): &(usize, BTreeMap<LabelId, usize>)| Odd {
            label,
            pixels: [pixels(here), pixels(counts)],
            other: *other,
        };
        beside.iter().map(odd).min_by(|a, b| a.change().total_cmp(&b.change()))
    };
    let large = |odd: &Odd| odd.pixels.into_iter().any(|pixels| pixels >= SMALL) && odd.change() >= CHANGE;
    wanted
        .iter()
        .filter_map(|label| of(*label))
        .filter(large)
        .max_by(|a, b| a.change().total_cmp(&b.change()))
}

/// False where there is no room for it.
fn pill(ui: &Ui, over: &mut Words, words: &str) -> bool {
    const ICON: f32 = 14.0;
    const AROUND: Vec2 = vec2(ICON + 24.0, 12.0);
    let view = over.view();
    // A small view has room for the flag alone, and the words where the pointer is.
    let room = (view.width() >= SMALLEST).then_some(320.0_f32.min(view.width() - 2.0 * EDGE - AROUND.x));
    let galley = room.map(|room| ui.painter().layout(words.to_owned(), theme::small(), canvas::TEXT, room));
    let at = pos2(view.left() + EDGE - 2.0, over.below());
    let size = galley.as_ref().map_or(Vec2::splat(ICON + 12.0), |galley| galley.size() + AROUND);
    let place = Rect::from_min_size(at, size);
    if !over.take(place) {
        return false;
    }
    let response = ui.interact(place, ui.scope_id().with("doubt"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, words));
    let painter = ui.painter();
    painter.rect_filled(place, f32::from(theme::size::RADIUS), canvas::SHADE);
    let flag = Rect::from_center_size(place.min + Vec2::splat(ICON / 2.0 + 6.0), Vec2::splat(ICON));
    Icon::Flag.paint(painter, flag, theme::of(true).warn);
    if let Some(galley) = galley {
        painter.galley(place.min + vec2(ICON + 14.0, 6.0), galley, canvas::TEXT);
    }
    response
        .on_hover_text(format!("{words}: what is predicted here does not fit the next slice. Look closely"));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(here: &[(LabelId, usize)], beside: &[(usize, &[(LabelId, usize)])]) -> Option<String> {
        let counts = |of: &[(LabelId, usize)]| of.iter().copied().collect::<BTreeMap<_, _>>();
        let beside: Vec<_> = beside.iter().map(|(z, of)| (*z, counts(of))).collect();
        oddest(&counts(here), &beside, &BTreeSet::from([1, 2]))
            .map(|odd| format!("{} {}", odd.label, odd.words()))
    }

    #[test]
    fn the_label_that_changes_most_is_named_with_the_change() {
        let words =
            said(&[(1, 600), (2, 400)], &[(62, &[(1, 1000), (2, 410)]), (64, &[(1, 1100), (2, 100)])]);
        assert_eq!(words.as_deref(), Some("1 is 40 % smaller here than in slice 63"));
        assert_eq!(
            said(&[(2, 500)], &[(62, &[(1, 900), (2, 500)]), (64, &[(1, 800), (2, 500)])]).as_deref(),
            Some("1 is not found here, but in slice 63")
        );
        assert_eq!(
            said(&[(1, 90)], &[(4, &[])]).as_deref(),
            Some("1 is found here, but not in slice 5"),
            "with one neighbour alone"
        );
    }

    #[test]
    fn what_a_neighbour_explains_is_not_odd() {
        assert_eq!(said(&[(1, 100)], &[(1, &[(1, 110)]), (3, &[])]), None, "it ends after this slice");
        assert_eq!(said(&[(1, 20)], &[(1, &[]), (3, &[])]), None, "it is small");
        assert_eq!(said(&[(3, 900)], &[(1, &[])]), None, "it is left out");
        assert_eq!(said(&[(1, 900)], &[]), None, "no neighbour is predicted");
    }
}
