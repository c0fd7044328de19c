//! The measurements of the image: what they say, where they are, and the way into a table.

use crate::metrics::measurements::Measurement;
use crate::tools::{self, TOOLS};
use crate::ui::context::{Panel, PanelContext};
use crate::ui::keyboard;
use crate::ui::keys::{KeyCommand, shortcut_of};
use crate::ui::outbox::{Outbox, Question};
use crate::ui::reading::as_painted;
use crate::ui::readings::Readings;
use crate::ui::theme;
use crate::ui::widgets::{
    Icon, IconButton, InlineEdit, cut_at_the_end, empty, primary, row_ground, title_row,
};
use crate::workspace::{Command, Document, DocumentId, MeasureCommand};
use egui::{Align, Align2, Layout, Rect, Role, Sense, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2};

#[derive(Default)]
pub struct Measure {
    readings: Readings,
    /// The measurement whose name is being written.
    renaming: InlineEdit<(DocumentId, u32)>,
    /// The row that was clicked last.
    chosen: Option<(DocumentId, u32)>,
}

const ROW: f32 = 32.0;
/// The tools of this group measure.
const GROUP: &str = "measure";

impl Panel for Measure {
    fn id(&self) -> &'static str {
        "measure"
    }

    fn title(&self) -> &'static str {
        "Measure"
    }

    fn ui(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let PanelContext { document, out, .. } = context;
        let is_here =
            |(of, id): (DocumentId, u32)| of == document.id() && document.measurements().get(id).is_some();
        if self.renaming.of().is_some_and(|of| !is_here(of)) {
            // Another image has come to the front, or the measurement has gone: its name stays as it was.
            let _ = self.renaming.end();
        }
        title_row(ui, "Measure", |ui| {
            for tool in TOOLS.iter().rev().filter(|tool| tool.group == GROUP) {
                let button = IconButton::new(Icon::Of(tool.icon), tool.title).about(tool.about);
                if ui.add(button.key(KeyCommand::Tool(tool.id))).clicked() {
                    out.key(KeyCommand::Tool(tool.id));
                }
            }
        });
        ui.add_space(4.0);
        if document.measurements().is_empty() {
            let ruler =
                tools::find("ruler").and_then(|tool| shortcut_of(ui.ctx(), KeyCommand::Tool(tool.id)));
            let key = ruler.map_or(String::new(), |key| format!(" ({key})"));
            empty(
                ui,
                &format!("Nothing is measured yet. Take the ruler{key} and drag from one point to another."),
            );
        }
        ui.spacing_mut().item_spacing.y = 2.0;
        for measurement in document.measurements().iter() {
            self.row(ui, measurement, document, out);
        }
    }

    fn has_footer(&self, context: &PanelContext) -> bool {
        !context.document.measurements().is_empty()
    }

    fn footer(&mut self, ui: &mut Ui, context: &mut PanelContext) {
        let tip = "A row for each measurement, with its value and the places of its points";
        if primary(ui, true, "Table as CSV").on_hover_text(tip).clicked() {
            context.out.ask(Question::ExportMeasurements);
        }
    }
}

impl Measure {
    fn row(&mut self, ui: &mut Ui, measurement: &Measurement, document: &Document, out: &mut Outbox) {
        let of = (document.id(), measurement.id);
        let text = self.readings.text(document, measurement).to_owned();
        let name = match &*measurement.name {
            "" => measurement.kind.title(),
            name => name,
        };
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), ROW), Sense::click());
        let chosen = self.chosen == Some(of);
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, format!("{name}, {text}")));
        row_ground(ui, &response, chosen);
        let inner = rect.shrink2(vec2(6.0, 0.0));
        let mut row =
            ui.new_child(UiBuilder::new().max_rect(inner).layout(Layout::left_to_right(Align::Center)));
        let p = theme::palette(ui);
        let (icon, _) = row.allocate_exact_size(Vec2::splat(18.0), Sense::hover());
        if let Some(tool) = tools::find(measurement.kind.id()) {
            Icon::Of(tool.icon).paint(row.painter(), icon, p.weak);
        }
        let remove = 30.0;
        let room = row.available_width() - remove;
        if self.renaming.of() == Some(of) {
            if let Some(((_, id), name)) =
                self.renaming.show(&mut row, vec2(room, 22.0), "Name of the measurement")
            {
                out.first.push(Command::Measure(MeasureCommand::Rename { id, name }));
            }
        } else {
            let (area, _) = row.allocate_exact_size(vec2(room, ROW), Sense::hover());
            words(&row, area, name, &text);
        }
        let close = IconButton::new(Icon::Close, format!("Remove {name}, {text}")).side(26.0).faint(true);
        if row.add(close).clicked() {
            out.command(Command::Measure(MeasureCommand::Remove { id: measurement.id }));
        }
        if response.double_clicked() {
            let renamed = self.renaming.begin(ui.ctx(), of, &measurement.name);
            if let Some(((_, id), name)) = renamed {
                out.first.push(Command::Measure(MeasureCommand::Rename { id, name }));
            }
        } else if response.clicked() {
            keyboard::give_to_row(&response);
            self.chosen = Some(of);
            let mut cursor = document.cursor();
            cursor[measurement.normal.index()] = measurement.slice();
            out.command(Command::Cursor(cursor));
        }
        let deep = document.volume().dims()[measurement.normal.index()] > 1;
        let place = if deep { format!("Slice {}. ", measurement.slice() + 1) } else { String::new() };
        response.on_hover_text(place + "Click: go there. Double click: give it a name");
    }
}

/// The name at the left, what it says at the right.
fn words(ui: &Ui, area: Rect, name: &str, text: &str) {
    let p = theme::palette(ui);
    let end = area.right_center() - vec2(4.0, 0.0);
    let figures = ui.painter().text(end, Align2::RIGHT_CENTER, as_painted(text), theme::figures(), p.weak);
    let room = figures.left() - 6.0 - area.left();
    let name = cut_at_the_end(ui.painter(), name, theme::body(), p.text, room);
    let at = pos2(area.left(), area.center().y - name.size().y / 2.0);
    ui.painter().galley(at, name, p.text);
}
