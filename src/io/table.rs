//! Label names and colours beside a mask: ITK-SNAP's description file (.txt, .label) and JSON.

use super::{OpenError, WriteError, dataset::labels_in, file_stem, text};
use crate::label::{Label, LabelTable};
use crate::replace::write_bytes;
use std::{
    borrow::Cow,
    fmt::Write,
    path::{Path, PathBuf},
};

/// Writes a label table: ITK-SNAP's label description for `.txt` and `.label`, JSON for `.json`.
pub fn write_table(path: &Path, table: &LabelTable) -> Result<(), WriteError> {
    write_bytes(path, table_text(path, table)?.as_bytes())
}

/// What [`write_table`] writes.
pub fn table_text(path: &Path, table: &LabelTable) -> Result<String, WriteError> {
    Ok(match extension(path).as_str() {
        "json" => serde_json::to_string_pretty(table).map_err(|e| WriteError::unfit(path, e.to_string()))?,
        "txt" | "label" => itk_snap(table),
        other => {
            return Err(WriteError::unfit(
                path,
                format!("label tables are .txt (ITK-SNAP) or .json, not \".{other}\""),
            ));
        }
    })
}

/// Text as a cell of a CSV that a spreadsheet shows and does not run: what it would take for a formula begins with an
/// apostrophe. For text only; a number such as -0.5 is no formula.
pub fn plain_cell(text: &str) -> Cow<'_, str> {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => {
            Cow::Owned(format!("'{text}"))
        }
        _ => Cow::Borrowed(text),
    }
}

/// A number of a table: six decimals, or six digits and a power of ten where those would say too little or too much.
pub fn csv_number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if (1e-3..1e12).contains(&size) => format!("{value:.6}"),
        _ => format!("{value:.6e}"),
    }
}

/// Reads either form.
pub fn read_table(path: &Path) -> Result<LabelTable, OpenError> {
    let text = text::read(path).map_err(|e| OpenError::io(path, e))?;
    if extension(path) == "json" {
        return serde_json::from_str(&text).map_err(|e| OpenError::corrupt(path, e));
    }
    let mut table = LabelTable::default();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let label = snap_line(line).ok_or_else(|| {
            OpenError::corrupt(path, format!("line {} is not IDX R G B A VIS MSH \"LABEL\"", i + 1))
        })?;
        if table.get(label.id).is_some() {
            return Err(OpenError::corrupt(path, format!("line {} is a second label {}", i + 1, label.id)));
        }
        if label.id != 0 {
            table.insert(label);
        }
    }
    Ok(table)
}

/// `mask.nii.gz` has its names and colours in `mask.txt`.
pub fn table_beside(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}.txt", file_stem(path)))
}

/// The names and colours of a mask's ids: from the file [`table_beside`] it, else from the file of labels of its folder. A
/// sentence for each that is there and is none.
pub fn table_of(mask: &Path) -> (Option<LabelTable>, Vec<String>) {
    let folder = if mask.is_dir() { Some(mask) } else { mask.parent() };
    let own = Some(table_beside(mask)).filter(|path| path.is_file());
    let mut notes = Vec::new();
    for file in own.into_iter().chain(folder.and_then(labels_in)) {
        match read_table(&file) {
            Ok(table) if table.is_empty() => {}
            Ok(table) => return (Some(table), notes),
            Err(e) => notes.push(format!("no names of labels were read: {e}")),
        }
    }
    (None, notes)
}

fn extension(path: &Path) -> String {
    path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// The header is the one that ITK-SNAP writes itself; it skips lines that begin with `#`.
fn itk_snap(table: &LabelTable) -> String {
    let rule = "#".repeat(48);
    let mut text = format!(
        "{rule}\n# ITK-SnAP Label Description File\n# File format:\n# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL\n{rule}\n"
    );
    text.push_str("    0     0    0    0        0  0  0    \"Clear Label\"\n");
    for Label { id, name, color: [r, g, b], visible, .. } in table.iter() {
        let visible = u8::from(*visible);
        // The name stands in quotation marks, which it therefore cannot hold.
        let name = name.replace('"', "'").replace(['\n', '\r'], " ");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{id:>5} {r:>5} {g:>4} {b:>4}        1  {visible}  1    \"{name}\"");
    }
    text
}

fn snap_line(line: &str) -> Option<Label> {
    let (numbers, name) = line.split_once('"')?;
    let name = name.strip_suffix('"')?;
    let mut fields = numbers.split_whitespace();
    let id = fields.next()?.parse().ok()?;
    let mut byte = || fields.next()?.parse::<u8>().ok();
    let color = [byte()?, byte()?, byte()?];
    let _alpha: f32 = fields.next()?.parse().ok()?;
    let visible = fields.next()? != "0";
    Some(Label { id, name: name.to_owned(), color, locked: false, visible })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn both_forms_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut table = LabelTable::named(&["liver", "left kidney"]);
        table.insert(Label {
            id: 300,
            name: "tumour".into(),
            color: [1, 2, 3],
            locked: false,
            visible: false,
        });
        for name in ["labels.txt", "labels.json"] {
            let path = folder.path().join(name);
            write_table(&path, &table).unwrap();
            assert_eq!(read_table(&path).unwrap(), table, "{name}");
        }
        assert!(write_table(&folder.path().join("labels.png"), &table).is_err());
    }

    #[test]
    fn cells_are_text_to_a_spreadsheet() {
        for (text, cell) in
            [("=1+1", "'=1+1"), ("-a", "'-a"), ("@x", "'@x"), ("\t=1", "'\t=1"), ("a=1", "a=1")]
        {
            assert_eq!(plain_cell(text), cell);
        }
    }

    #[test]
    fn broken_line_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        fs::write(&path, "# comment\n1 2 3 4 1 1 1 \"a\"\n1 2 300 4 1 1 1 \"a\"\n").unwrap();
        assert!(read_table(&path).unwrap_err().to_string().contains("line 3"));
    }

    #[test]
    fn two_labels_of_one_id_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let label = |id: u16| {
            format!(r#"{{"id":{id},"name":"l{id}","color":[1,2,3],"locked":false,"visible":true}}"#)
        };
        for (name, text, what) in [
            (
                "labels.txt",
                "1 2 3 4 1 1 1 \"a\"\n\n1 2 3 4 1 1 1 \"b\"\n".to_owned(),
                "line 3 is a second label 1",
            ),
            (
                "labels.json",
                format!(r#"{{"labels":[{},{}]}}"#, label(4), label(4)),
                "\"l4\" has the id 4, which another",
            ),
            (
                "labels.json",
                format!(r#"{{"labels":[{}]}}"#, label(0)),
                "\"l0\" has the id 0, which is background",
            ),
        ] {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            let told = read_table(&path).unwrap_err().to_string();
            assert!(told.contains(what), "{told}");
        }
    }
}
