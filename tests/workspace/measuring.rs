//! Measurements: kept in the project file, undone like strokes, written as a table.

use super::Bench;
use fovea::geom::Axis;
use fovea::io::measurements_csv;
use fovea::metrics::measurements::{MeasurementKind, Reading};
use fovea::workspace::{Command, CommandError, EditCommand, MeasureCommand};
use rusqlite::Connection;

fn measure(bench: &mut Bench, command: MeasureCommand) -> Result<(), CommandError> {
    bench.workspace.apply(Command::Measure(command))
}

fn ruler(bench: &mut Bench, to: f64) {
    let points = vec![[2.0, 3.0, 1.0], [2.0 + to, 3.0, 1.0]];
    let add = MeasureCommand::Add { kind: MeasurementKind::Ruler, normal: Axis::Z, points };
    measure(bench, add).unwrap();
}

fn lengths(bench: &Bench) -> Vec<Reading> {
    let document = bench.document();
    document.measurements().iter().map(|m| m.reading(document.volume())).collect()
}

#[test]
fn a_measurement_is_in_the_project_file_with_its_own_undo() {
    let mut bench = Bench::opened();
    ruler(&mut bench, 10.0);
    ruler(&mut bench, 7.5);
    let moved = MeasureCommand::Place { id: 0, points: vec![[0.0, 0.0, 1.0], [3.0, 4.0, 1.0]] };
    measure(&mut bench, moved).unwrap();
    measure(&mut bench, MeasureCommand::Rename { id: 1, name: " long axis ".into() }).unwrap();
    assert_eq!(lengths(&bench), [Reading::Length(5.0), Reading::Length(7.5)]);
    // From the snapshot, then from the journal alone.
    bench.reopen();
    assert_eq!(lengths(&bench), [Reading::Length(5.0), Reading::Length(7.5)]);
    bench.close();
    let db = Connection::open(bench.project()).unwrap();
    let kept: i64 = db.query_row("SELECT count(*) FROM measurement", [], |r| r.get(0)).unwrap();
    assert_eq!(kept, 2, "for other readers");
    db.execute("DELETE FROM snapshot", []).unwrap();
    drop(db);
    bench.open();
    assert_eq!(lengths(&bench), [Reading::Length(5.0), Reading::Length(7.5)]);
    assert_eq!(bench.document().measurements().get(1).unwrap().name, "long axis");
    bench.edit(EditCommand::Undo);
    bench.edit(EditCommand::Undo);
    assert_eq!(lengths(&bench), [Reading::Length(10.0), Reading::Length(7.5)]);
    bench.edit(EditCommand::Redo);
    assert_eq!(lengths(&bench), [Reading::Length(5.0), Reading::Length(7.5)]);
    measure(&mut bench, MeasureCommand::Remove { id: 0 }).unwrap();
    assert_eq!(lengths(&bench), [Reading::Length(7.5)]);
}

#[test]
fn what_is_no_measurement_is_refused() {
    let mut bench = Bench::opened();
    let add =
        MeasureCommand::Add { kind: MeasurementKind::Angle, normal: Axis::Z, points: vec![[0.0; 3]; 2] };
    let told = measure(&mut bench, add).unwrap_err().to_string();
    assert!(told.contains("Angle") && told.contains("2 points"), "{told}");
    let told = measure(&mut bench, MeasureCommand::Remove { id: 4 }).unwrap_err().to_string();
    assert!(told.contains("no measurement 4"), "{told}");
    assert!(bench.document().measurements().is_empty());
    bench.close();
    assert!(!bench.project().exists(), "nothing was measured");
}

#[test]
fn the_table_has_a_row_for_each() {
    let mut bench = Bench::opened();
    ruler(&mut bench, 10.0);
    let path = vec![[0.0, 0.0, 2.0], [3.0, 4.0, 2.0], [3.0, 8.0, 2.0]];
    let way = MeasureCommand::Add { kind: MeasurementKind::Path, normal: Axis::Z, points: path };
    measure(&mut bench, way).unwrap();
    let corners = vec![[0.0, 0.0, 0.0], [3.0, 1.0, 0.0]];
    let region = MeasureCommand::Add { kind: MeasurementKind::Rectangle, normal: Axis::Z, points: corners };
    measure(&mut bench, region).unwrap();
    measure(&mut bench, MeasureCommand::Rename { id: 2, name: "=a \"b\"".into() }).unwrap();
    let text = measurements_csv(bench.document().volume(), bench.document().measurements());
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(|row| row.unwrap()).collect();
    let of = |row: usize, cells: std::ops::Range<usize>| -> Vec<&str> {
        rows[row].iter().collect::<Vec<_>>()[cells].to_vec()
    };
    assert_eq!(of(0, 0..7), ["0", "ruler", "", "axial", "2", "10.000000", "px"]);
    assert_eq!(of(0, 15..21), ["2.0000", "3.0000", "1.0000", "12.0000", "3.0000", "1.0000"]);
    // Eight pixels, whose values grow by 5 to the right and by 3 downwards.
    assert_eq!(
        of(2, 0..9),
        ["2", "rectangle", "'=a \"b\"", "axial", "1", "3.000000", "px²", "8", "9.000000"]
    );
}
