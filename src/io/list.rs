//! LIST.csv: the cases of a data set, one row each.
//!
//! Columns, in any order, named in the first row: `id`, `image`, `label` (mask, may be empty), `valid` (mask of the
//! pixels that count, may be empty), `split` (`train`, `val`, `test`; empty is `train`), `patient` (cases of one patient
//! are never on both sides of a fold, and a warning names those that `split` puts on both; empty is what [`Case::patient`]
//! says). Paths are relative to the list. What the masks' numbers stand for is decided over all of them
//! ([`super::dataset::Seen`]).

use super::text;
use std::{
    collections::HashMap,
    fmt, fs,
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
    /// Whose image it is, where the list or the folder says.
    pub patient: Option<String>,
}

impl Case {
    /// Whose image it is: as the list or the folder says, else what is left of the id without a number of a slice at its
    /// end (`eye7_slice_012`, `-z3`, `_frame4`) and then without a side (`01L`, `12_OD`).
    pub fn patient(&self) -> &str {
        let id = self.patient.as_deref().unwrap_or(&self.id);
        if self.patient.is_some() { id } else { without_side(without_slice(id)) }
    }
}

fn is_joint(c: char) -> bool {
    matches!(c, '_' | '-' | ' ' | '.')
}

/// `eye7_slice_012` to `eye7`.
fn without_slice(id: &str) -> &str {
    let number = id.trim_end_matches(|c: char| c.is_ascii_digit());
    let word = number.trim_end_matches(is_joint);
    let stem = ["slice", "frame", "z"].iter().find_map(|w| word.strip_suffix(w)).unwrap_or_default();
    let left = stem.trim_end_matches(is_joint);
    if number.len() < id.len() && !left.is_empty() && left.len() < stem.len() { left } else { id }
}

/// `01L` to `01`.
fn without_side(id: &str) -> &str {
    let side = |mark: &&str| -> Option<&str> {
        let stem = id.strip_suffix(*mark)?;
        let left = stem.trim_end_matches(is_joint);
        let told = left.len() < stem.len() || left.ends_with(|c: char| c.is_ascii_digit());
        (told && !left.is_empty()).then_some(left)
    };
    ["OD", "OS", "L", "R"].iter().find_map(side).unwrap_or(id)
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
    #[error("{} cannot be read: {cause}", path.display())]
    Io { path: PathBuf, cause: std::io::Error },
    #[error("{} cannot be read: {cause}", path.display())]
    Csv { path: PathBuf, cause: csv::Error },
    #[error("{} has no column \"{column}\"; its columns are: {found}{}", path.display(), other_separator(found))]
    NoColumn { path: PathBuf, column: &'static str, found: String },
    #[error("{} has two columns \"{column}\"", path.display())]
    TwoColumns { path: PathBuf, column: &'static str },
    #[error("{} has no rows", path.display())]
    Empty { path: PathBuf },
    /// Every broken row at once.
    #[error("{}: {} of its rows cannot be used:{}", path.display(), rows.len(), rows.iter().map(ToString::to_string).collect::<String>())]
    Rows { path: PathBuf, rows: Vec<BrokenRow> },
}

/// What a spreadsheet that separates cells by something else is told.
fn other_separator(columns: &str) -> &'static str {
    let only_one = !columns.contains(',');
    match () {
        () if only_one && columns.contains(';') => ". Cells are separated by commas, and here by \";\"",
        () if only_one && columns.contains('\t') => ". Cells are separated by commas, and here by tabs",
        () => "",
    }
}

/// More bytes would leave no room for the endings of files that are named after the case.
const LONGEST_ID: usize = 200;

/// Reads a list and checks that every file that it names exists; one row that cannot be used refuses the list.
pub fn read(path: &Path) -> Result<Vec<Case>, ListError> {
    match scan(path)? {
        (cases, rows) if rows.is_empty() => Ok(cases),
        (_, rows) => Err(ListError::Rows { path: path.to_owned(), rows }),
    }
}

/// The cases of a list, and the rows that cannot be used.
pub fn scan(path: &Path) -> Result<(Vec<Case>, Vec<BrokenRow>), ListError> {
    let csv_error = |cause| ListError::Csv { path: path.to_owned(), cause };
    let text = text_of(path)?;
    if text.trim().is_empty() {
        return Err(ListError::Empty { path: path.to_owned() });
    }
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(csv_error)?.clone();
    let named = |name: &str| headers.iter().position(|h| h.eq_ignore_ascii_case(name));
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
        patient: named("patient"),
        width: headers.len(),
    };
    let known = ["id", "image", "label", "valid", "split", "patient"];
    let is_twice = |name: &&&str| headers.iter().filter(|h| h.eq_ignore_ascii_case(name)).count() > 1;
    if let Some(column) = known.iter().find(is_twice) {
        return Err(ListError::TwoColumns { path: path.to_owned(), column });
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let (mut cases, mut broken) = (Vec::new(), Vec::new());
    let mut seen: HashMap<String, u64> = HashMap::new();
    let (mut at, mut line) = (0, 1);
    for record in reader.records() {
        let record = record.map_err(csv_error)?;
        // The reader's own count stands before the empty lines that it has skipped.
        let start = record.position().map_or(at, |p| p.byte() as usize);
        let start = start + text[start..].len() - text[start..].trim_start_matches('\n').len();
        line += text[at..start].matches('\n').count() as u64;
        at = start;
        // As spreadsheets leave them below a table.
        if record.iter().all(str::is_empty) {
            continue;
        }
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
    if cases.is_empty() && broken.is_empty() {
        return Err(ListError::Empty { path: path.to_owned() });
    }
    Ok((cases, broken))
}

/// The list's text with one kind of line end, so that lines are counted alike whoever
/// wrote it.
fn text_of(path: &Path) -> Result<String, ListError> {
    let io_error = |cause| ListError::Io { path: path.to_owned(), cause };
    if !fs::metadata(path).map_err(io_error)?.is_file() {
        return Err(io_error(std::io::Error::other("it is not a regular file")));
    }
    let text = text::read(path).map_err(io_error)?;
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

struct Columns {
    id: usize,
    image: usize,
    label: Option<usize>,
    valid: Option<usize>,
    split: Option<usize>,
    patient: Option<usize>,
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
        } else if id.contains(|c: char| matches!(c, '/' | '\\') || c.is_control()) || id.starts_with('.') {
            faults.push(format!("id \"{}\" cannot be a file name", id.escape_debug()));
        } else if id.len() > LONGEST_ID {
            faults.push(format!(
                "id is {} bytes long, and files cannot be named after more than {LONGEST_ID}",
                id.len()
            ));
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
            patient: self.patient.map(cell).filter(|c| !c.is_empty()).map(str::to_owned),
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
    fn a_patient_is_named_or_told_by_the_id() {
        let (_folder, path) = folder_with("id,image,patient\na_01L,a.png,\na_01R,b.png,p7\n");
        let cases = read(&path).unwrap();
        assert_eq!([cases[0].patient(), cases[1].patient()], ["a_01", "p7"]);
        let told = |id: &str| Case { id: id.to_owned(), ..cases[0].clone() }.patient().to_owned();
        for (id, patient) in [
            ("eye7_slice_012", "eye7"),
            ("P3-z4", "P3"),
            ("12_OD", "12"),
            ("12OS_frame3", "12"),
            ("cvc_101", "cvc_101"),
            ("drive_train_21", "drive_train_21"),
            ("CONTROL", "CONTROL"),
            ("z4", "z4"),
            ("L", "L"),
        ] {
            assert_eq!(told(id), patient, "{id}");
        }
    }

    #[test]
    fn a_list_that_is_no_table_of_cases_says_what_it_is() {
        let long = format!("id,image\n{},a.png\n", "x".repeat(201));
        for (list, what) in [
            ("", "has no rows"),
            ("\u{feff}\r\n\r\n", "has no rows"),
            ("id,image\n", "has no rows"),
            (
                "id;image\na;a.png\n",
                "has no column \"id\"; its columns are: id;image. Cells are separated by commas, and here by \";\"",
            ),
            ("id\timage\na\ta.png\n", "and here by tabs"),
            ("id,image,Id\na,a.png,b\n", "has two columns \"id\""),
            ("id,image\n\"a\nb\",a.png\n", "line 2: id \"a\\nb\" cannot be a file name"),
            (&long, "line 2: id is 201 bytes long"),
        ] {
            let (_folder, path) = folder_with(list);
            let told = read(&path).unwrap_err().to_string();
            assert!(told.contains(what), "{list:?}: {told}");
        }
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
    fn lines_are_counted_alike_whatever_ends_them() {
        let lines = ["\u{feff}id,image", "", "../x,a.png", "a,a.png", "", "b,", "", ",", "  "];
        for end in ["\n", "\r\n", "\r"] {
            let (_folder, path) = folder_with(&lines.join(end));
            let Err(ListError::Rows { rows, .. }) = read(&path) else { panic!("the list must be refused") };
            assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [3, 6], "{end:?}");
            let (_folder, path) =
                folder_with(&["id,image,label", "a,a.png,", "", "b,b.png,a_mask.png"].join(end));
            assert_eq!(read(&path).unwrap().len(), 2, "{end:?}");
        }
        let (folder, path) = folder_with("");
        fs::write(&path, b"id,image\na,a.png\n\xe4,b.png\n").unwrap();
        let told = read(&path).unwrap_err().to_string();
        assert!(told.contains("not text in UTF-8"), "{told}");
        assert!(read(folder.path()).unwrap_err().to_string().contains("regular file"));
    }

    #[test]
    fn missing_column_is_named() {
        let (_folder, path) = folder_with("name,image\na,a.png\n");
        let Err(ListError::NoColumn { column, .. }) = read(&path) else { panic!("the list must be refused") };
        assert_eq!(column, "id");
    }
}
