//! Measurements as a table.

use super::{csv_number, plain_cell};
use crate::geom::{Plane, Unit};
use crate::metrics::measurements::{Measurement, Measurements, Reading, places};
use crate::metrics::measures::ValueStatistics;
use crate::volume::Volume;

const HEADER: &str = "id,kind,name,plane,slice,value,unit,pixels,mean,sd,min,p5,median,p95,max";

/// Measurements of an image as CSV, in the order in which they were made. Slices count from 1; x, y and z of the points are in the
/// patient (LPS), in mm, or in pixels where the image has no spacing. Of an ellipse or a rectangle they are two opposite corners of its
/// box. Nothing else of the patient is in it.
pub fn measurements_csv(volume: &Volume, measurements: &Measurements) -> String {
    let most = measurements.iter().map(|measurement| measurement.points.len()).max().unwrap_or(0);
    let header: String = (1..=most).map(|n| format!(",x{n},y{n},z{n}")).collect();
    let rows = measurements.iter().map(|measurement| {
        // Every row has as many cells as the header.
        row(volume, measurement) + &",".repeat(3 * (most - measurement.points.len()))
    });
    [format!("{HEADER}{header}")].into_iter().chain(rows).map(|row| row + "\n").collect()
}

fn row(volume: &Volume, measurement: &Measurement) -> String {
    let grid = volume.grid();
    let in_pixels = grid.unit() == Unit::Pixel;
    let (value, unit, values) = match measurement.reading(volume) {
        Reading::Length(length) => (csv_number(length), if in_pixels { "px" } else { "mm" }, None),
        Reading::Angle(angle) => (angle.map_or_else(String::new, csv_number), "degrees", None),
        Reading::Region { area, values } => (csv_number(area), if in_pixels { "px²" } else { "mm²" }, values),
    };
    let values = match values {
        None => vec![String::new(); 8],
        Some(ValueStatistics { count, mean, sd, min, p5, median, p95, max }) => {
            let numbers = [mean, sd, min, p5, median, p95, max].map(csv_number);
            [count.to_string()].into_iter().chain(numbers).collect()
        }
    };
    let plane = Plane::ALL.into_iter().find(|plane| grid.plane_axes(*plane).normal == measurement.normal);
    let plane = plane.map_or("", Plane::title).to_lowercase();
    let name = plain_cell(&measurement.name).replace('"', "\"\"");
    let points = places(measurement, grid).into_iter().flatten().map(|at| format!("{at:.4}"));
    let head = [measurement.id.to_string(), measurement.kind.id().to_owned(), format!("\"{name}\"")];
    let place = [plane, (measurement.slice() + 1).to_string(), value, unit.to_owned()];
    head.into_iter().chain(place).chain(values).chain(points).collect::<Vec<_>>().join(",")
}
