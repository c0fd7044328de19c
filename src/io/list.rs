//! LIST.csv: the cases of a data set, one row each.
//!
//! Columns, in any order, named in the first row: `id`, `image`, `label` (mask, may be empty), `valid` (mask of the
//! pixels that count, may be empty), `split` (`train`, `val`, `test`; empty is `train`). Paths are relative to the
//! list. Masks keep their ids; one that holds only 0 and 255 is read with 255 as class 1 ([`super::binary`]).

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Unique in the list; files made for the case are named after it.
    pub id: String,
    pub image: PathBuf,
    pub label: Option<PathBuf>,
    /// Pixels other than 0 count, the rest are ignored in training and evaluation.
    pub valid: Option<PathBuf>,
    pub split: Split,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokenRow {
    /// Line in the file, the header being line 1.
    pub line: u64,
    pub what: String,
}

impl fmt::Display for BrokenRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  line {}: {}", self.line, self.what)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ListError {
    #[error("{} cannot be read: {source}", path.display())]
    Csv { path: PathBuf, source: csv::Error },
    #[error("{} has no column \"{column}\"; its columns are: {found}", path.display())]
    NoColumn { path: PathBuf, column: &'static str, found: String },
    #[error("{} has no rows", path.display())]
    Empty { path: PathBuf },
    /// Every broken row at once.
    #[error("{}: {} of its rows cannot be used:{}", path.display(), rows.len(), rows.iter().map(ToString::to_string).collect::<String>())]
    Rows { path: PathBuf, rows: Vec<BrokenRow> },
}

/// Reads a list and checks that every file that it names exists.
pub fn read(path: &Path) -> Result<Vec<Case>, ListError> {
    let csv_error = |source| ListError::Csv { path: path.to_owned(), source };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_path(path).map_err(csv_error)?;
    let headers = reader.headers().map_err(csv_error)?.clone();
    let named =
        |name: &str| headers.iter().position(|h| h.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name));
    let required = |column: &'static str| {
        named(column).ok_or_else(|| ListError::NoColumn {
            path: path.to_owned(),
            column,
            found: headers.iter().collect::<Vec<_>>().join(", "),
        })
    };
    let columns = Columns {
        id: required("id")?,
        image: required("image")?,
        label: named("label"),
        valid: named("valid"),
        split: named("split"),
        width: headers.len(),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut cases, mut broken) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, u64> = HashMap::new();
    for (i, record) in reader.records().enumerate() {
        let record = record.map_err(csv_error)?;
        let line = record.position().map_or(i as u64 + 2, csv::Position::line);
        let mut faults = Vec::new();
        let case = columns.case(&record, folder, &mut faults);
        if let Some(first) = seen.insert(case.id.clone(), line).filter(|_| !case.id.is_empty()) {
            faults.push(format!("id \"{}\" is already used in line {first}", case.id));
        }
        if faults.is_empty() {
            cases.push(case);
        } else {
            broken.push(BrokenRow { line, what: faults.join("; ") });
        }
    }
    match (broken.is_empty(), cases.is_empty()) {
        (false, _) => Err(ListError::Rows { path: path.to_owned(), rows: broken }),
        (true, true) => Err(ListError::Empty { path: path.to_owned() }),
        (true, false) => Ok(cases),
    }
}

struct Columns {
    id: usize,
    image: usize,
    label: Option<usize>,
    valid: Option<usize>,
    split: Option<usize>,
    width: usize,
}

impl Columns {
    fn case(&self, record: &csv::StringRecord, folder: &Path, faults: &mut Vec<String>) -> Case {
        if record.len() != self.width {
            faults.push(format!("{} cells where the first row has {}", record.len(), self.width));
        }
        let cell = |i: usize| record.get(i).unwrap_or_default();
        let optional = |i: Option<usize>| i.map(cell).filter(|c| !c.is_empty()).map(|c| folder.join(c));
        let id = cell(self.id).to_owned();
        if id.is_empty() {
            faults.push("id is empty".to_owned());
        } else if id.contains(['/', '\\']) || id.starts_with('.') {
            faults.push(format!("id \"{id}\" cannot be a file name"));
        }
        if cell(self.image).is_empty() {
            faults.push("image is empty".to_owned());
        }
        let split = match self.split.map(cell).unwrap_or_default() {
            "" | "train" => Split::Train,
            "val" => Split::Val,
            "test" => Split::Test,
            other => {
                faults.push(format!("split is \"{other}\", not train, val or test"));
                Split::Train
            }
        };
        let case = Case {
            id,
            image: folder.join(cell(self.image)),
            label: optional(self.label),
            valid: optional(self.valid),
            split,
        };
        for file in [Some(&case.image), case.label.as_ref(), case.valid.as_ref()].into_iter().flatten() {
            if !file.exists() {
                faults.push(format!("{} does not exist", file.display()));
            }
        }
        case
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder_with(list: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.png", "a_mask.png", "b.png"] {
            fs::write(folder.path().join(name), b"").unwrap();
        }
        let path = folder.path().join("list.csv");
        fs::write(&path, list).unwrap();
        (folder, path)
    }

    #[test]
    fn rows_become_cases_relative_to_the_list() {
        let (folder, path) =
            folder_with("\u{feff}id,image,label,valid,split\na,a.png,a_mask.png,,val\nb, b.png ,,,\n");
        let cases = read(&path).unwrap();
        assert_eq!(cases[0].label, Some(folder.path().join("a_mask.png")));
        assert_eq!((cases[0].split, cases[1].split), (Split::Val, Split::Train));
        assert_eq!((cases[1].image.clone(), &cases[1].valid), (folder.path().join("b.png"), &None));
    }

    #[test]
    fn every_broken_row_is_named_at_once() {
        let (_folder, path) = folder_with(
            "id,image,label,split\na,a.png,no.png,val\na,b.png,,dev\n../x,,,\nb,b.png,,\nc,b.png\n",
        );
        let Err(ListError::Rows { rows, .. }) = read(&path) else { panic!("the list must be refused") };
        assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [2, 3, 4, 6]);
        assert!(rows[0].what.contains("no.png"));
        assert!(rows[1].what.contains("line 2") && rows[1].what.contains("dev"));
        assert!(rows[2].what.contains("file name") && rows[2].what.contains("image is empty"));
        assert!(rows[3].what.contains("2 cells"));
    }

    #[test]
    fn missing_column_is_named() {
        let (_folder, path) = folder_with("name,image\na,a.png\n");
        let Err(ListError::NoColumn { column, .. }) = read(&path) else { panic!("the list must be refused") };
        assert_eq!(column, "id");
    }
}
