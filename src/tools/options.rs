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
    /// How far values may be from those under a smart brush.
    Deviations,
    /// Whether level tracing looks at a smoothed image.
    Smooth,
    /// What scissors do.
    Cut,
    /// How far they reach.
    Through,
}

/// What scissors do with the selected label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cut {
    #[default]
    EraseInside,
    EraseOutside,
    FillInside,
}

impl Cut {
    pub const ALL: [Self; 3] = [Self::EraseInside, Self::EraseOutside, Self::FillInside];

    pub fn title(self) -> &'static str {
        match self {
            Self::EraseInside => "Erase inside",
            Self::EraseOutside => "Erase outside",
            Self::FillInside => "Fill inside",
        }
    }

    /// As the effect calls it.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::EraseInside => "erase-inside",
            Self::EraseOutside => "erase-outside",
            Self::FillInside => "fill-inside",
        }
    }
}

/// Which slices scissors cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Through {
    #[default]
    All,
    This,
    /// This one, and some on either side.
    Near,
}

impl Through {
    pub const ALL: [Self; 3] = [Self::All, Self::This, Self::Near];

    pub fn title(self) -> &'static str {
        match self {
            Self::All => "Through all slices",
            Self::This => "In this slice",
            Self::Near => "Through near slices",
        }
    }
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
    /// Standard deviations that a smart brush allows; `None`: [`ToolOptions::DEVIATIONS`].
    deviations: Option<f64>,
    /// Level tracing looks at a smoothed image.
    pub smooth: bool,
    /// What scissors do.
    pub cut: Cut,
    /// Which slices they cut.
    pub through: Through,
    /// With [`Through::Near`], how many slices on either side; `None`: [`ToolOptions::NEAR`].
    near: Option<usize>,
}

impl ToolOptions {
    /// One step of `[`, `]` or the wheel.
    pub const RADIUS_STEP: f64 = 1.2;

    /// Standard deviations that a smart brush allows unless told.
    pub const DEVIATIONS: f64 = 2.5;
    /// Slices on either side that scissors cut unless told.
    pub const NEAR: usize = 3;

    /// Standard deviations that a smart brush allows, from 1 to 5.
    pub fn deviations(&self) -> f64 {
        self.deviations.unwrap_or(Self::DEVIATIONS).clamp(1.0, 5.0)
    }

    /// Makes them more or (with negative steps) fewer, by a tenth a step.
    pub fn step_deviations(&mut self, steps: f64) {
        let tenths = ((self.deviations() + steps * 0.1) * 10.0).round();
        self.deviations = Some((tenths / 10.0).clamp(1.0, 5.0));
    }

    /// How many slices on either side scissors cut with [`Through::Near`].
    pub fn near(&self) -> usize {
        self.near.unwrap_or(Self::NEAR).max(1)
    }

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

    /// By how much one step changes a tolerance: 1 of the unit, or a hundredth of what the values span if that is little.
    pub fn tolerance_step(scene: &Scene) -> f64 {
        let span = f64::from(value_span(scene.volume));
        if span >= 50.0 { 1.0 } else { span / 100.0 }
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
            ToolOption::Deviations => {
                let mut deviations = self.deviations();
                ui.label("Deviations");
                let field = number(&mut deviations).range(1.0..=5.0).speed(0.02).max_decimals(1);
                let tip = "How many standard deviations a value may be from the mean under the brush. Over the image: Ctrl, Shift and the wheel";
                if ui.add(field).on_hover_text(tip).changed() {
                    self.deviations = Some(deviations);
                }
            }
            ToolOption::Smooth => {
                ui.checkbox(&mut self.smooth, "Smooth")
                    .on_hover_text("Against noise: the level is that of a smoothed image");
            }
            ToolOption::Cut => {
                ui.menu_button(self.cut.title(), |ui| {
                    for cut in Cut::ALL {
                        ui.selectable_value(&mut self.cut, cut, cut.title());
                    }
                })
                .response
                .on_hover_text("What happens to the selected label. The right button always erases inside");
            }
            ToolOption::Through if deep => {
                ui.menu_button(self.through.title(), |ui| {
                    for through in Through::ALL {
                        ui.selectable_value(&mut self.through, through, through.title());
                    }
                })
                .response
                .on_hover_text("Which slices are cut");
                if self.through == Through::Near {
                    let mut near = self.near();
                    if ui.add(number(&mut near).range(1..=999).prefix("± ")).changed() {
                        self.near = Some(near);
                    }
                }
            }
            ToolOption::Sphere | ToolOption::WholeVolume | ToolOption::Through => {}
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
