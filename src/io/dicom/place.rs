//! Where a volume's voxels are, and in words what is odd about it.

use super::{
    header::{Header, Place, SpacingHolds},
    series::{Order, Series},
};
use crate::geom::{Frame as World, Grid, GridError, Unit};
use glam::{DAffine3, DMat3, DVec3};

/// Of a pixel: positions are written with few digits, so that what adds up to less over a whole volume is rounding.
const ROUNDING: f64 = 0.1;

pub fn grid(headers: &[Header], series: &Series, warnings: &mut Vec<String>) -> Result<Grid, GridError> {
    let header = &headers[series.slices[0].file];
    let dims = [header.layout.columns, header.layout.rows, series.slices.len()];
    let spacing = series.slices[0].frame.spacing;
    let places: Option<Vec<Place>> = series.slices.iter().map(|s| s.frame.place).collect();
    let holds = match header.spacing_holds {
        SpacingHolds::InPatient => None,
        SpacingHolds::AtDetector => {
            Some("The spacing is that at the detector; lengths in the patient are shorter")
        }
        SpacingHolds::InRegion => {
            Some("The spacing is that of the ultrasound region; lengths outside of it mean nothing")
        }
    };
    warnings.extend(holds.map(str::to_owned));
    if let Some(places) = places {
        if spacing.is_none() {
            warnings.push("The file states no pixel spacing; one pixel is taken as 1 mm".into());
        }
        return placed(&places, dims, spacing.unwrap_or([1.0; 2]), header.stated_gap, warnings);
    }
    let Some([between_rows, between_columns]) = spacing else {
        return Grid::pixels(dims);
    };
    let spaced = |gap| Grid::spaced(dims, [between_columns, between_rows, gap]);
    if series.order == Order::Location && dims[2] > 1 {
        let along: Vec<f64> = series.slices.iter().filter_map(|s| s.frame.location).collect();
        let grid = spaced(1.0)?.with_slice_positions_mm(&along)?;
        warnings.extend(gaps(&along, grid.has_unequal_slices()));
        return Ok(grid);
    }
    if dims[2] > 1 && header.stated_gap.is_none() {
        warnings.push("The distance between the slices is not stated and was taken as 1 mm".into());
    }
    spaced(header.stated_gap.unwrap_or(1.0))
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
    let pixel = between_rows.min(between_columns);
    let mut step = match steps {
        0 => normal * stated_gap.unwrap_or(1.0),
        _ => (last.position - first.position) / steps as f64,
    };
    let sideways = step - normal * step.dot(normal);
    if sideways.length() * steps as f64 > ROUNDING * pixel {
        let degrees = sideways.length().atan2(step.dot(normal)).to_degrees();
        warnings.push(format!(
            "The slices are shifted against each other by {degrees:.1} degrees (gantry tilt); the volume is shown along its own axes, not resampled"
        ));
    } else {
        step = normal * step.dot(normal);
    }
    let matrix3 =
        DMat3::from_cols(first.along_row * between_columns, first.along_column * between_rows, step);
    let affine = DAffine3 { matrix3, translation: first.position };
    let grid = Grid::new(dims, affine, Unit::Millimetre, World::Patient)?;
    if steps == 0 {
        return Ok(grid);
    }
    let off_line = places
        .iter()
        .zip(&along)
        .map(|(p, &a)| (p.position - (first.position + step * (a / step.dot(normal)))).length());
    let worst = off_line.fold(0.0, f64::max);
    if worst > 0.5 * pixel {
        warnings.push(format!("Slices lie up to {worst:.2} mm beside a straight line through the volume"));
    }
    let stretch = step.length() / step.dot(normal);
    let grid = grid.with_slice_positions_mm(&along.iter().map(|a| a * stretch).collect::<Vec<_>>())?;
    warnings.extend(gaps(&along, grid.has_unequal_slices()));
    Ok(grid)
}

/// What the distances between slices say: missing ones, and unequal spacing.
fn gaps(along: &[f64], unequal: bool) -> Vec<String> {
    let gaps: Vec<f64> = along.windows(2).map(|w| w[1] - w[0]).collect();
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let usual = sorted[sorted.len() / 2];
    let missing = |gap: f64| {
        let times = gap / usual;
        // Half a slice is unequal spacing, whole ones are missing.
        (times > 1.5 && (times - times.round()).abs() < 0.1).then(|| times.round() as usize - 1)
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
            "{} to be missing, after slice {} (the usual distance is {} mm)",
            if lost == 1 { "1 slice seems".to_owned() } else { format!("{lost} slices seem") },
            at.join(", "),
            length(usual)
        ));
    }
    let others: Vec<f64> = sorted.into_iter().filter(|&g| missing(g).is_none()).collect();
    if let ([least, ..], [.., most]) = (others.as_slice(), others.as_slice())
        && unequal
        && (lost == 0 || *most - *least > 0.02 * usual)
    {
        warnings.push(format!(
            "The slices are unequally spaced ({} to {} mm); their true positions are kept",
            length(*least),
            length(*most)
        ));
    }
    warnings
}

/// Four digits, whatever the scale.
fn length(mm: f64) -> String {
    if mm >= 0.1 { format!("{mm:.3}") } else { format!("{mm:.3e}") }
}

/// How far slices lie beside each other when seen along `direction`, in the plane of the first.
pub fn beside(place: &Place, first: &Place, direction: DVec3) -> DVec3 {
    let normal = first.normal().normalize();
    let from = place.position - first.position;
    from - direction * (from.dot(normal) / direction.dot(normal))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(warnings[0].starts_with("1 slice seems to be missing, after slice 2"), "{warnings:?}");
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!((grid.patient_of(DVec3::new(0.0, 0.0, 2.0)).z - 6.0).abs() < 1e-9);
    }

    #[test]
    fn distances_that_grow_slowly_are_said_and_kept() {
        let along: Vec<f64> =
            (0..40).map(|i| f64::from(i) * 2.0 * (1.0 + 0.005 * f64::from(i) / 40.0)).collect();
        let (grid, warnings) = built(&along.iter().map(|&z| [0.0, 0.0, z]).collect::<Vec<_>>());
        assert!(warnings[0].starts_with("The slices are unequally spaced (2.000 to 2.019"), "{warnings:?}");
        for (z, at) in along.iter().enumerate() {
            assert!((grid.patient_of(DVec3::new(0.0, 0.0, z as f64)).z - at).abs() < 1e-9);
        }
    }

    #[test]
    fn gantry_tilt_keeps_every_position() {
        for sideways in [1.0, 0.003] {
            let tilted: Vec<[f64; 3]> =
                (0..60).map(|i| [10.0, sideways * f64::from(i), 3.0 * f64::from(i)]).collect();
            let (grid, warnings) = built(&tilted);
            let degrees = if sideways == 1.0 { "18.4 degrees" } else { "0.1 degrees" };
            assert!(warnings[0].contains(degrees), "{warnings:?}");
            for (z, p) in tilted.iter().enumerate() {
                let at = grid.patient_of(DVec3::new(0.0, 0.0, z as f64));
                assert!((at - DVec3::from_array(*p)).length() < 1e-9);
            }
        }
    }
}
