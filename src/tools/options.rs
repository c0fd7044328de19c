use super::Scene;
use crate::geom::{Grid, Unit};
use crate::volume::{Volume, Window, presets};
use crate::words;
use egui::{DragValue, Ui, emath::Numeric};
use serde::{Deserialize, Serialize};

/// Something that a tool's row offers to set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolOption {
    Radius,
    Sphere,
    ValueRange,
    OverBackground,
    EraseSelected,
    Tolerance,
    WholeVolume,
}

/// The settings of all tools; those that several tools read are the same for all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ToolOptions {
    /// Radius on images with known spacing, and on others; `None` before it is set: a part of the image's size.
    radius_mm: Option<f64>,
    radius_px: Option<f64>,
    /// The brush reaches through slices.
    pub sphere: bool,
    /// Paint only where the image's value lies in this range. Not kept: the next image's values may be others.
    #[serde(skip)]
    pub value_range: Option<[f32; 2]>,
    /// Paint only where there is no label yet.
    pub over_background_only: bool,
    /// Erase only the selected label.
    pub erase_selected_only: bool,
    /// How far a filled value may be from that of the voxel clicked; `None`: a part of what the values span.
    #[serde(skip)]
    pub tolerance: Option<f32>,
    /// Fill through slices.
    pub whole_volume: bool,
}

impl ToolOptions {
    /// One step of `[`, `]` or the wheel.
    pub const RADIUS_STEP: f64 = 1.2;

    /// Radius of brush and eraser in the grid's unit: mm, or pixels where spacing is unknown.
    pub fn radius(&self, grid: &Grid) -> f64 {
        let set = match grid.unit() {
            Unit::Millimetre => self.radius_mm,
            Unit::Pixel => self.radius_px,
        };
        let (smallest, largest) = radius_bounds(grid);
        set.unwrap_or(largest * 0.03).clamp(smallest, largest)
    }

    /// Sets the radius, within half a voxel and half the image.
    pub fn set_radius(&mut self, grid: &Grid, radius: f64) {
        let (smallest, largest) = radius_bounds(grid);
        let radius = if radius.is_finite() { radius.clamp(smallest, largest) } else { smallest };
        match grid.unit() {
            Unit::Millimetre => self.radius_mm = Some(radius),
            Unit::Pixel => self.radius_px = Some(radius),
        }
    }

    /// Makes the radius larger (or, with negative steps, smaller) by a fifth a step.
    pub fn step_radius(&mut self, grid: &Grid, steps: f64) {
        self.set_radius(grid, self.radius(grid) * Self::RADIUS_STEP.powf(steps));
    }

    /// How far a filled value may be from that of the voxel clicked.
    pub fn tolerance(&self, scene: &Scene) -> f32 {
        self.tolerance.unwrap_or_else(|| value_span(scene.volume) * 0.06)
    }

    /// The row of one option.
    pub fn show(&mut self, option: ToolOption, ui: &mut Ui, scene: &Scene) {
        let grid = scene.volume.grid();
        let deep = grid.dims()[2] > 1;
        let unit = scene.volume.value_unit().map_or(String::new(), |u| format!(" {u}"));
        match option {
            ToolOption::Radius => {
                let (smallest, largest) = radius_bounds(grid);
                let mut radius = self.radius(grid);
                let suffix = if grid.unit() == Unit::Millimetre { " mm" } else { " px" };
                ui.label("Radius");
                let speed = radius * 0.01;
                let field = number(&mut radius)
                    .range(smallest..=largest)
                    .speed(speed)
                    .max_decimals(if smallest < 0.05 { 3 } else { 1 })
                    .suffix(suffix);
                if ui.add(field).on_hover_text("Over the image: Shift and the wheel").changed() {
                    self.set_radius(grid, radius);
                }
            }
            ToolOption::Sphere if deep => {
                ui.checkbox(&mut self.sphere, "Sphere")
                    .on_hover_text("Through slices, by their true distance");
            }
            ToolOption::ValueRange => {
                let mut on = self.value_range.is_some();
                let tip = "Only where the image's value lies in this range";
                if ui.checkbox(&mut on, "Values").on_hover_text(tip).changed() {
                    let window = Window::default_for(scene.volume);
                    self.value_range = on.then(|| [window.low(), window.high()]);
                }
                if let Some([low, high]) = &mut self.value_range {
                    let speed = f64::from((*high - *low).abs().max(1e-3)) * 0.005;
                    ui.add(number(low).speed(speed).max_decimals(2).suffix(&unit));
                    ui.label("to");
                    ui.add(number(high).speed(speed).max_decimals(2).suffix(&unit));
                    *high = high.max(*low);
                }
            }
            ToolOption::OverBackground => {
                ui.checkbox(&mut self.over_background_only, "Keep other labels")
                    .on_hover_text("Paint only where there is no label yet");
            }
            ToolOption::EraseSelected => {
                ui.checkbox(&mut self.erase_selected_only, "Erase selected label only");
            }
            ToolOption::Tolerance => {
                let mut tolerance = self.tolerance(scene);
                ui.label("Tolerance ±");
                let speed = f64::from(tolerance.max(0.1)) * 0.01;
                let field =
                    number(&mut tolerance).range(0.0..=f32::MAX).speed(speed).max_decimals(2).suffix(&unit);
                if ui.add(field).changed() {
                    self.tolerance = Some(tolerance);
                }
            }
            ToolOption::WholeVolume if deep => {
                ui.checkbox(&mut self.whole_volume, "Whole volume").on_hover_text("Through slices");
            }
            ToolOption::Sphere | ToolOption::WholeVolume => {}
        }
    }
}

/// A field for a number, here and in the rest of the window: what is written counts when the field ends, so that Escape leaves
/// the number as it was.
pub fn number<N: Numeric>(value: &mut N) -> DragValue<'_> {
    DragValue::new(value).update_while_editing(false).custom_parser(words::number)
}

/// What the values of interest span: soft tissue for CT, and all but the outermost hundredths of a sample of the voxels
/// otherwise.
fn value_span(volume: &Volume) -> f32 {
    if let Some(usual) = presets(volume).first() {
        return usual.window.width;
    }
    let count = volume.grid().voxel_count();
    let sample = (0..count).step_by((count / 2000).max(1)).map(|i| volume.scalar_value(i));
    let mut seen: Vec<f32> = sample.filter(|v| v.is_finite()).collect();
    seen.sort_unstable_by(f32::total_cmp);
    match seen.len() {
        0 => 1.0,
        n => seen[n - 1 - n / 100] - seen[n / 100],
    }
}

/// Half of the smallest voxel's side, and half of the image's longest side.
fn radius_bounds(grid: &Grid) -> (f64, f64) {
    let (spacing, dims) = (grid.spacing(), grid.dims());
    // An image of one slice has no thickness to speak of.
    let axes = if dims[2] > 1 { 0..3 } else { 0..2 };
    let smallest = axes.clone().map(|a| spacing[a]).fold(f64::INFINITY, f64::min);
    let largest = axes.map(|a| spacing[a] * dims[a] as f64).fold(0.0, f64::max);
    (smallest / 2.0, (largest / 2.0).max(smallest / 2.0))
}
