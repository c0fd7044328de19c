//! Frames of many files to the volumes that they make: grouped, sorted along their normal, and placed.

use super::header::{Frame, Header, Place};
use crate::{
    geom::{Frame as World, Grid, GridError, Unit},
    io::SeriesInfo,
};
use glam::{DAffine3, DMat3};

/// Slices closer than this along the normal are at one place.
const SAME_PLACE_MM: f64 = 0.01;
/// Cosines that differ by less are one direction.
const SAME_DIRECTION: f64 = 1e-3;

/// Slices that make one volume, in order.
#[derive(Debug)]
pub struct Series {
    pub id: String,
    pub title: String,
    pub slices: Vec<Slice>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Slice {
    /// Index of its file among the headers.
    pub file: usize,
    pub frame: Frame,
}

impl Series {
    pub fn info(&self, headers: &[Header], shown: bool) -> SeriesInfo {
        let layout = &headers[self.slices[0].file].layout;
        let dims = [layout.columns, layout.rows, self.slices.len()];
        SeriesInfo { id: self.id.clone(), title: self.title.clone(), dims, shown }
    }

    /// What the largest series is chosen by.
    pub fn voxels(&self, headers: &[Header]) -> usize {
        let layout = &headers[self.slices[0].file].layout;
        layout.columns * layout.rows * self.slices.len()
    }
}

/// All volumes in the headers, each with at least one slice, in the order of their series numbers.
pub fn of(headers: &[Header]) -> Vec<Series> {
    let mut groups: Vec<Vec<Slice>> = Vec::new();
    for (file, header) in headers.iter().enumerate() {
        for frame in &header.frames {
            let slice = Slice { file, frame: frame.clone() };
            match groups.iter_mut().find(|g| belongs(headers, &g[0], &slice)) {
                Some(group) => group.push(slice),
                None => groups.push(vec![slice]),
            }
        }
    }
    groups.sort_by(|a, b| {
        let key = |g: &[Slice]| {
            let h = &headers[g[0].file];
            (h.series_number.unwrap_or(i64::MAX), h.series_uid.clone())
        };
        key(a).cmp(&key(b))
    });
    let mut series: Vec<Series> = groups.into_iter().flat_map(|g| volumes(headers, g)).collect();
    name(headers, &mut series);
    series
}

fn belongs(headers: &[Header], first: &Slice, slice: &Slice) -> bool {
    let (a, b) = (&headers[first.file], &headers[slice.file]);
    let same_direction = match (&first.frame.place, &slice.frame.place) {
        (Some(a), Some(b)) => {
            (a.along_row - b.along_row).length() < SAME_DIRECTION
                && (a.along_column - b.along_column).length() < SAME_DIRECTION
        }
        (None, None) => true,
        _ => false,
    };
    // Without places, the frames of one file belong together and to nobody else.
    let one_file = first.file == slice.file;
    let alone = |h: &Header, s: &Slice| s.frame.place.is_none() && h.frames.len() > 1;
    a.series_uid == b.series_uid
        && (a.layout.rows, a.layout.columns, a.layout.samples)
            == (b.layout.rows, b.layout.columns, b.layout.samples)
        && first.frame.stack == slice.frame.stack
        && same_direction
        && (one_file || !alone(a, first) && !alone(b, slice))
}

/// Sorts a group; one that has every place several times (echoes, moments) becomes several volumes.
fn volumes(headers: &[Header], mut slices: Vec<Slice>) -> Vec<Series> {
    let plain = |slices, warnings| Series { id: String::new(), title: String::new(), slices, warnings };
    let Some(normal) = slices[0].frame.place.map(|p| p.normal()) else {
        slices.sort_by_key(|s| (s.frame.order, s.file, s.frame.index));
        let files = slices.iter().any(|s| s.file != slices[0].file);
        let warning =
            files.then(|| "The slices state no position; they are in the order of their numbers".to_owned());
        return vec![plain(slices, warning.into_iter().collect())];
    };
    let along = |s: &Slice| s.frame.place.map_or(0.0, |p| p.position.dot(normal));
    slices.sort_by(|a, b| along(a).total_cmp(&along(b)).then(a.frame.order.cmp(&b.frame.order)));
    let mut places: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        match places.last_mut() {
            Some(here) if along(&slice) - along(&here[0]) < SAME_PLACE_MM => here.push(slice),
            _ => places.push(vec![slice]),
        }
    }
    for here in &mut places {
        here.sort_by_key(|s| (s.frame.order, s.frame.index));
    }
    let copies = places[0].len();
    if copies > 1 && places.iter().all(|p| p.len() == copies) {
        let volume = |i: usize| places.iter().map(|p| p[i].clone()).collect();
        return (0..copies).map(|i| plain(volume(i), Vec::new())).collect();
    }
    let extra: usize = places.iter().map(|p| p.len() - 1).sum();
    let warning = (extra > 0).then(|| {
        let example = headers[places.iter().find(|p| p.len() > 1).map_or(0, |p| p[1].file)].path.display();
        format!("{extra} slices lie where another one lies and were left out (such as {example})")
    });
    vec![plain(places.into_iter().map(|mut p| p.swap_remove(0)).collect(), warning.into_iter().collect())]
}

fn name(headers: &[Header], series: &mut [Series]) {
    for i in 0..series.len() {
        let header = &headers[series[i].slices[0].file];
        let base = if header.series_uid.is_empty() { "series".to_owned() } else { header.series_uid.clone() };
        let same = series[..i].iter().filter(|s| s.id.split('#').next() == Some(&base)).count();
        let id = if same == 0 { base } else { format!("{base}#{}", same + 1) };
        let number = header.series_number.map(|n| format!("{n}: ")).unwrap_or_default();
        let description = [header.series_description.as_str(), &series[i].slices[0].frame.stack]
            .into_iter()
            .filter(|t| !t.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
        let title = format!("{number}{description} ({}, {} slices)", header.modality, series[i].slices.len());
        series[i].id = id;
        series[i].title = title;
    }
}

/// Where the volume's voxels are, and in words what is odd about it.
pub fn grid(headers: &[Header], series: &Series, warnings: &mut Vec<String>) -> Result<Grid, GridError> {
    let header = &headers[series.slices[0].file];
    let dims = [header.layout.columns, header.layout.rows, series.slices.len()];
    let spacing = series.slices[0].frame.spacing;
    if series.slices.iter().any(|s| s.frame.spacing != spacing) {
        warnings.push("The slices state different pixel spacings; the first slice's is used".into());
    }
    let places: Option<Vec<Place>> = series.slices.iter().map(|s| s.frame.place).collect();
    if let Some(places) = places {
        if spacing.is_none() {
            warnings.push("The file states no pixel spacing; one pixel is taken as 1 mm".into());
        }
        return placed(&places, dims, spacing.unwrap_or([1.0; 2]), header.stated_gap, warnings);
    }
    let Some([between_rows, between_columns]) = spacing else {
        return Grid::pixels(dims);
    };
    if header.spacing_at_detector {
        warnings.push("The spacing is that at the detector; lengths in the patient are shorter".into());
    }
    if dims[2] > 1 && header.stated_gap.is_none() {
        warnings.push("The distance between the slices is not stated and was taken as 1 mm".into());
    }
    Grid::spaced(dims, [between_columns, between_rows, header.stated_gap.unwrap_or(1.0)])
}

fn placed(
    places: &[Place],
    dims: [usize; 3],
    [between_rows, between_columns]: [f64; 2],
    stated_gap: Option<f64>,
    warnings: &mut Vec<String>,
) -> Result<Grid, GridError> {
    let first = places[0];
    let last = places[places.len() - 1];
    let normal = first.normal().normalize();
    let along: Vec<f64> = places.iter().map(|p| (p.position - first.position).dot(normal)).collect();
    let steps = places.len() - 1;
    let mut step = match steps {
        0 => normal * stated_gap.unwrap_or(1.0),
        _ => (last.position - first.position) / steps as f64,
    };
    let sideways = step - normal * step.dot(normal);
    if sideways.length() * steps as f64 > 0.01 * between_rows.min(between_columns) * steps.max(1) as f64 {
        let degrees = sideways.length().atan2(step.dot(normal)).to_degrees();
        warnings.push(format!(
            "The slices are shifted against each other by {degrees:.1} degrees (gantry tilt); the volume is shown along its own axes, not resampled"
        ));
    } else {
        // Rounding of the positions is no shear.
        step = normal * step.dot(normal);
    }
    let matrix3 =
        DMat3::from_cols(first.along_row * between_columns, first.along_column * between_rows, step);
    let affine = DAffine3 { matrix3, translation: first.position };
    let grid = Grid::new(dims, affine, Unit::Millimetre, World::Patient)?;
    if steps == 0 {
        return Ok(grid);
    }
    warnings.extend(gaps(&along));
    let off_line = places
        .iter()
        .zip(&along)
        .map(|(p, &a)| (p.position - (first.position + step * (a / step.dot(normal)))).length());
    let worst = off_line.fold(0.0, f64::max);
    if worst > 0.5 * between_rows.min(between_columns) {
        warnings.push(format!("Slices lie up to {worst:.2} mm beside a straight line through the volume"));
    }
    let stretch = step.length() / step.dot(normal);
    grid.with_slice_positions_mm(&along.iter().map(|a| a * stretch).collect::<Vec<_>>())
}

/// What the distances between slices say: missing ones, and unequal spacing.
fn gaps(along: &[f64]) -> Vec<String> {
    let gaps: Vec<f64> = along.windows(2).map(|w| w[1] - w[0]).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let missing = |gap: f64| {
        let times = gap / usual;
        // Half a slice is unequal spacing, whole ones are missing.
        (times > 1.5 && (times - times.round()).abs() < 0.1).then_some(times.round() as usize - 1)
    };
    let lost: usize = gaps.iter().filter_map(|&g| missing(g)).sum();
    let mut warnings = Vec::new();
    if lost > 0 {
        let at: Vec<String> = (0..gaps.len())
            .filter(|&i| missing(gaps[i]).is_some())
            .take(5)
            .map(|i| format!("{}", i + 1))
            .collect();
        warnings.push(format!(
            "{lost} slices seem to be missing, after slice {} (the usual distance is {usual:.3} mm)",
            at.join(", ")
        ));
    } else if sorted[sorted.len() - 1] - sorted[0] > 0.02 * usual {
        warnings.push(format!(
            "The slices are unequally spaced ({:.3} to {:.3} mm); their true positions are kept",
            sorted[0],
            sorted[sorted.len() - 1]
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use glam::DVec3;

    fn places(positions: &[[f64; 3]]) -> Vec<Place> {
        let place = |p: &[f64; 3]| Place {
            position: DVec3::from_array(*p),
            along_row: DVec3::X,
            along_column: DVec3::Y,
        };
        positions.iter().map(place).collect()
    }

    fn built(positions: &[[f64; 3]]) -> (Grid, Vec<String>) {
        let mut warnings = Vec::new();
        let dims = [4, 5, positions.len()];
        let grid = placed(&places(positions), dims, [0.5, 0.25], None, &mut warnings).unwrap();
        (grid, warnings)
    }

    #[test]
    fn rows_and_columns_take_their_own_spacing() {
        let (grid, warnings) = built(&[[0.0, 0.0, 1.0], [0.0, 0.0, 3.0], [0.0, 0.0, 5.0]]);
        assert_eq!(grid.spacing(), [0.25, 0.5, 2.0]);
        assert_eq!(grid.axis_codes(), ['L', 'P', 'S']);
        assert!(warnings.is_empty() && !grid.has_unequal_slices());
    }

    #[test]
    fn missing_slice_is_counted_and_positions_stay_true() {
        let (grid, warnings) = built(&[[0.0, 0.0, 0.0], [0.0, 0.0, 2.0], [0.0, 0.0, 6.0], [0.0, 0.0, 8.0]]);
        assert!(warnings[0].starts_with("1 slices seem to be missing, after slice 2"), "{warnings:?}");
        assert!((grid.patient_of(DVec3::new(0.0, 0.0, 2.0)).z - 6.0).abs() < 1e-9);
    }

    #[test]
    fn gantry_tilt_keeps_every_position() {
        let tilted: Vec<[f64; 3]> = (0..4).map(|i| [10.0, f64::from(i), 3.0 * f64::from(i)]).collect();
        let (grid, warnings) = built(&tilted);
        assert!(warnings[0].contains("18.4 degrees"), "{warnings:?}");
        for (z, p) in tilted.iter().enumerate() {
            let at = grid.patient_of(DVec3::new(0.0, 0.0, z as f64));
            assert!((at - DVec3::from_array(*p)).length() < 1e-9);
        }
    }
}
