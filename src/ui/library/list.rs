//! The list of the model library: rows under the titles of their groups. Only what is on screen is laid out.

use super::entries::{Choice, Entry, Group};
use super::filter::{Filter, Show};
use super::row;
use crate::ui::theme::{self, size};
use crate::ui::widgets::quiet;
use egui::{Rect, RichText, ScrollArea, Ui, pos2, vec2};

/// A line of the list.
enum Line<'a> {
    /// Of a group, and how many rows it has.
    Title(Group, usize),
    Row(&'a Entry),
}

impl Line<'_> {
    fn height(&self) -> f32 {
        match self {
            Line::Title(..) => row::TITLE,
            Line::Row(_) => row::HEIGHT,
        }
    }
}

fn lines<'a>(rows: &[&'a Entry]) -> Vec<Line<'a>> {
    let groups = rows.chunk_by(|a, b| a.group == b.group);
    let of = |group: &[&'a Entry]| {
        let title = Line::Title(group[0].group, group.len());
        std::iter::once(title).chain(group.iter().copied().map(Line::Row)).collect::<Vec<_>>()
    };
    groups.flat_map(of).collect()
}

/// The choice that was clicked. `moved`: keys have just chosen `at`, so it is brought into view.
pub fn show(ui: &mut Ui, rows: &[&Entry], at: Option<&Choice>, moved: bool) -> Option<Choice> {
    row::head(ui);
    let mut clicked = None;
    let lines = lines(rows);
    ScrollArea::vertical().auto_shrink(false).show_viewport(ui, |ui, viewport| {
        ui.set_height(lines.iter().map(Line::height).sum());
        let (width, corner) = (ui.available_width(), ui.max_rect().min);
        let mut top = 0.0;
        for line in &lines {
            let place = Rect::from_min_size(corner + vec2(0.0, top), vec2(width, line.height()));
            let on_screen = top < viewport.max.y && top + line.height() > viewport.min.y;
            top += line.height();
            let Line::Row(entry) = line else {
                if let (Line::Title(group, count), true) = (line, on_screen) {
                    row::title(ui, place, group.title(), *count);
                }
                continue;
            };
            let chosen = Some(&entry.choice) == at;
            if chosen && moved {
                // The title of its group is seen with the first row.
                let first = pos2(place.left(), place.top() - row::TITLE);
                ui.scroll_to_rect(Rect::from_min_max(first, place.max), None);
            }
            if on_screen && row::show(ui, place, entry, chosen) {
                clicked = Some(entry.choice.clone());
            }
        }
    });
    clicked
}

/// Says why there is nothing, with what changes it.
pub fn nothing(ui: &mut Ui, filter: &mut Filter) {
    ui.add_space(size::GAP);
    ui.horizontal(|ui| {
        ui.add_space(row::EDGE);
        ui.label(RichText::new("No model is like this.").color(theme::palette(ui).weak));
        let everywhere = Filter { text: filter.text.clone(), show: Show::All, ..Filter::default() };
        let nothing = Filter { show: Show::All, ..Filter::default() };
        if *filter != everywhere {
            if quiet(ui, true, "Look in all models").clicked() {
                *filter = everywhere;
            }
        } else if quiet(ui, true, "Show all models").clicked() {
            *filter = nothing;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::entries::tests::all;
    use super::*;
    use crate::volume::Modality;

    #[test]
    fn each_group_has_one_title_before_its_rows() {
        let all = all(Modality::Ct, true);
        let rows = Filter { show: Show::All, ..Filter::default() }.of(&all);
        let lines = lines(&rows);
        let titles = lines.iter().filter(|line| matches!(line, Line::Title(..))).count();
        assert_eq!((titles, lines.len()), (2, rows.len() + 2));
        assert!(matches!(lines[0], Line::Title(Group::Ready, count) if count < rows.len()));
        assert!(super::lines(&[]).is_empty());
    }
}
