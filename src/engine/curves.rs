//! The curves of a run as CSV, every number to its last digit. A row is on the disk before the checkpoint that follows it, so
//! that a run that was killed goes on with the curves of one that was not.

use crate::label::LabelId;
use crate::replace::write_bytes;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::Path;

/// The file of the loss of every step.
pub(super) const CURVE_OF_STEPS: &str = "steps.csv";
pub(super) const CURVE_OF_VALIDATIONS: &str = "validation.csv";

/// Of the steps, and of the validations.
const HEADERS: [&str; 2] = ["step,loss,lr", "step,value,dice,best,dice of each label"];

pub(super) struct CurveFiles {
    steps: File,
    validation: File,
}

impl CurveFiles {
    /// In `folder`, from the beginning, or after the steps of a checkpoint: what was written beyond it is written again.
    pub fn open(folder: &Path, step: u64, validated: u64) -> Result<Self> {
        Ok(Self {
            steps: curve(&folder.join(CURVE_OF_STEPS), HEADERS[0], step)?,
            validation: curve(&folder.join(CURVE_OF_VALIDATIONS), HEADERS[1], validated)?,
        })
    }

    /// `[step, loss]` and `[step, mean Dice]` of a run that may be under way: a line that is not written to its end yet, or
    /// has no value, is left out.
    pub fn read(folder: &Path) -> Result<[Vec<[f64; 2]>; 2]> {
        let read = |name: &str, column: usize| -> Result<Vec<[f64; 2]>> {
            let text = crate::io::text::read(&folder.join(name))?;
            let whole = text.rfind('\n').map_or("", |end| &text[..end]);
            let point = |line: &str| {
                let mut cells = line.split(',');
                let step = cells.next()?.parse().ok()?;
                Some([step, cells.nth(column - 1)?.parse().ok()?])
            };
            Ok(whole.lines().skip(1).filter_map(point).collect())
        };
        Ok([read(CURVE_OF_STEPS, 1)?, read(CURVE_OF_VALIDATIONS, 2)?])
    }

    /// Whether every line of a curve is one that a run writes, so that a run that goes on loses none of anybody else's. The
    /// last may have been cut.
    pub fn is_whole(file: &Path) -> bool {
        let Ok(text) = crate::file::read_text(file) else { return false };
        let (whole, cut) = text.split_at(text.rfind('\n').map_or(0, |end| end + 1));
        let is_number = |cell: &str| cell.is_empty() || cell.parse::<f64>().is_ok();
        let is_row = |line: &str| line.split(',').all(is_number);
        let has_header =
            whole.is_empty() || HEADERS.iter().any(|header| whole.lines().next() == Some(header));
        let may_be_cut = |c: char| c.is_ascii_digit() || ".,-+eEinfNa".contains(c);
        has_header && whole.lines().skip(1).all(is_row) && cut.chars().all(may_be_cut)
    }

    pub fn step(&mut self, step: u64, loss: f32, lr: f64) -> Result<()> {
        writeln!(self.steps, "{step},{loss},{lr}")
    }

    pub fn validation(
        &mut self,
        step: u64,
        value: Option<f64>,
        dice: Option<f64>,
        best: bool,
        per_label: &BTreeMap<LabelId, Option<f64>>,
    ) -> Result<()> {
        let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
        let each: Vec<String> = per_label.values().map(|v| number(*v)).collect();
        let (value, dice, best) = (number(value), number(dice), u8::from(best));
        writeln!(self.validation, "{step},{value},{dice},{best},{}", each.join(","))
    }
}

fn curve(path: &Path, header: &str, step: u64) -> Result<File> {
    let before = match crate::file::read_text(path) {
        _ if step == 0 => String::new(),
        // Somebody has moved it away: what the run goes on with is written.
        Err(e) if e.kind() == ErrorKind::NotFound => String::new(),
        before => before?,
    };
    let mut text = format!("{header}\n");
    for line in before.lines().skip(1) {
        let of: Option<u64> = line.split(',').next().and_then(|s| s.parse().ok());
        if of.is_some_and(|of| of <= step) {
            text += line;
            text.push('\n');
        }
    }
    write_bytes(path, text.as_bytes()).map_err(Error::other)?;
    OpenOptions::new().append(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_curve_goes_on_where_its_checkpoint_stands() {
        let folder = tempfile::tempdir().unwrap();
        let read = || fs::read_to_string(folder.path().join("steps.csv")).unwrap();
        let mut curves = CurveFiles::open(folder.path(), 0, 0).unwrap();
        for step in 1..=5 {
            curves.step(step, 0.1 + step as f32, 1e-3).unwrap();
        }
        let whole = read();
        assert_eq!(whole.lines().nth(1), Some("1,1.1,0.001"));
        fs::write(folder.path().join("steps.csv"), format!("{whole}6,1")).unwrap();
        let mut curves = CurveFiles::open(folder.path(), 3, 0).unwrap();
        assert_eq!(read().lines().count(), 4);
        for step in 4..=5 {
            curves.step(step, 0.1 + step as f32, 1e-3).unwrap();
        }
        assert_eq!(read(), whole);
    }

    #[test]
    fn a_line_that_no_run_writes_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("steps.csv");
        let mut curves = CurveFiles::open(folder.path(), 0, 0).unwrap();
        curves.step(1, f32::NAN, 1e-3).unwrap();
        curves.validation(1, None, None, false, &BTreeMap::from([(1, None)])).unwrap();
        assert!(CurveFiles::is_whole(&file) && CurveFiles::is_whole(&folder.path().join("validation.csv")));
        let whole = fs::read_to_string(&file).unwrap();
        for (more, own) in
            [("2,0.5,0.001\n3,0.", true), ("mine", false), ("2,mine,3\n", false), ("\n2,0.5 good\n", false)]
        {
            fs::write(&file, format!("{whole}{more}")).unwrap();
            assert_eq!(CurveFiles::is_whole(&file), own, "{more}");
        }
        fs::write(&file, "my own,text\n").unwrap();
        assert!(!CurveFiles::is_whole(&file));
    }

    #[test]
    fn curves_are_read_as_far_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut curves = CurveFiles::open(folder.path(), 0, 0).unwrap();
        curves.step(1, 0.5, 1e-3).unwrap();
        curves.step(2, 0.25, 1e-3).unwrap();
        let labels = BTreeMap::from([(1, Some(0.75))]);
        curves.validation(1, Some(0.7), None, true, &labels).unwrap();
        curves.validation(2, Some(0.8), Some(0.75), true, &labels).unwrap();
        write!(curves.steps, "3,0.1").unwrap();
        let [loss, dice] = CurveFiles::read(folder.path()).unwrap();
        assert_eq!(loss, [[1.0, 0.5], [2.0, 0.25]]);
        assert_eq!(dice, [[2.0, 0.75]]);
    }
}
