//! The sources, read whole: their code without comments and without tests, wherever in a file these stand.

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::LazyLock,
};

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A file of the program, as much of it as is not a test.
pub struct Source {
    /// The path below `src`, with slashes.
    pub file: String,
    /// Comments and tests are blank; lines are where they were.
    pub code: String,
    /// The same, with the contents of strings blank too.
    pub bare: String,
}

impl Source {
    /// The folder or file below `src` that it belongs to.
    pub fn module(&self) -> &str {
        self.file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    pub fn is_in(&self, folder: &str) -> bool {
        self.file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')) || self.file == folder
    }

    /// Where words stand in the code, each as `FILE:LINE: TEXT OF THE LINE`. A word does not begin within another.
    pub fn places(&self, word: &str) -> Vec<String> {
        let starts = word.starts_with(|c: char| c.is_alphanumeric());
        let within =
            |at: usize| starts && self.bare[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let found = self.bare.match_indices(word).filter(|(at, _)| !within(*at));
        found
            .map(|(at, _)| {
                let line = self.bare[..at].matches('\n').count();
                let text = self.bare.lines().nth(line).unwrap_or_default().trim();
                format!("{}:{}: {text}", self.file, line + 1)
            })
            .collect()
    }
}

/// The whole program without its tests.
pub fn program() -> &'static [Source] {
    static PROGRAM: LazyLock<Vec<Source>> = LazyLock::new(read);
    &PROGRAM
}

fn read() -> Vec<Source> {
    let src = root().join("src");
    let (mut read, mut tests) = (Vec::new(), BTreeSet::new());
    for path in files(&src) {
        let text = fs::read_to_string(&path).unwrap();
        let (code, bare) = without_comments(&text);
        let blank = tests_of(&bare);
        for range in &blank {
            if let Some(name) = module_of_its_own(&bare[range.clone()]) {
                tests.insert(place_of(&path, name));
            }
        }
        let file = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
        read.push((path, Source { file, code: blanked(&code, &blank), bare: blanked(&bare, &blank) }));
    }
    // `tests.rs` and what is in the folder `tests` beside it.
    let is_test = |path: &Path| tests.iter().any(|t| path.with_extension("") == *t || path.starts_with(t));
    read.into_iter().filter(|(path, _)| !is_test(path)).map(|(_, source)| source).collect()
}

/// `mod NAME;`, whose code is in another file.
fn module_of_its_own(item: &str) -> Option<&str> {
    item.trim().strip_suffix(';')?.rsplit_once("mod ").map(|(_, name)| name.trim())
}

/// Where the module of a file lies, without the ending.
fn place_of(path: &Path, module: &str) -> PathBuf {
    let of_folder = path.file_name().is_some_and(|n| n == "mod.rs" || n == "lib.rs" || n == "main.rs");
    let folder = if of_folder { path.parent().unwrap().to_path_buf() } else { path.with_extension("") };
    folder.join(module)
}

fn blanked(text: &str, ranges: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in ranges {
        bytes[range.clone()].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
    }
    String::from_utf8(bytes).unwrap()
}

/// The items that are compiled for tests only, from their attribute to their end; of code whose strings are blank.
fn tests_of(bare: &str) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (start, attribute) in bare.match_indices("#[cfg(test)]") {
        if ranges.last().is_some_and(|last| last.contains(&start)) {
            continue;
        }
        let mut depth = 0;
        let rest = &bare[start + attribute.len()..];
        let end = rest.char_indices().find_map(|(at, c)| {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            let ends = depth == 0 && (c == '}' || c == ';');
            // A field or an argument ends with a comma, or with what it is in.
            let ends_part = depth < 0 || depth == 0 && c == ',';
            (ends || ends_part).then_some(at + usize::from(depth >= 0))
        });
        ranges.push(start..start + attribute.len() + end.unwrap_or(rest.len()));
    }
    ranges
}

/// The code with its comments blank, and the same with the contents of strings and characters blank too. Of the same length.
fn without_comments(text: &str) -> (String, String) {
    let (mut comments, mut contents) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let length = |end: Option<usize>| end.unwrap_or(rest.len());
        if rest.starts_with("//") {
            let end = length(rest.find('\n'));
            comments.push(at..at + end);
            at += end;
        } else if rest.starts_with("/*") {
            let end = length(rest.find("*/").map(|end| end + 2));
            comments.push(at..at + end);
            at += end;
        } else if let Some((open, close)) = raw_string(text, at) {
            let end = rest[open..].find(&close).map_or(rest.len(), |end| open + end);
            contents.push(at + open..at + end);
            at += (end + close.len()).min(rest.len());
        } else if rest.starts_with('"') {
            let end = length(end_of_quoted(rest, '"'));
            contents.push(at + 1..at + end);
            at += end + 1;
        } else if let Some(end) = end_of_character(rest) {
            contents.push(at + 1..at + end);
            at += end + 1;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    let code = blanked(text, &comments);
    let bare = blanked(&code, &contents);
    (code, bare)
}

/// How long the opening of a raw string is that begins here, and what closes it.
fn raw_string(text: &str, at: usize) -> Option<(usize, String)> {
    let rest = &text[at..];
    let marks = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let marks_len = marks.len() - marks.trim_start_matches('#').len();
    let is_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if is_word || !marks[marks_len..].starts_with('"') {
        return None;
    }
    Some((rest.len() - marks.len() + marks_len + 1, format!("\"{}", "#".repeat(marks_len))))
}

fn end_of_quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    rest.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Where a character in quotes ends; `'a` without a second quote is a lifetime.
fn end_of_character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let first = inner.chars().next()?;
    if first == '\\' {
        return end_of_quoted(rest, '\'');
    }
    let end = first.len_utf8();
    inner[end..].starts_with('\'').then_some(1 + end)
}

#[test]
fn comments_strings_and_tests_are_told_from_code() {
    let text = r##"
        a(); // unwrap
        let b = "// no comment {"; let c = '"'; let d: &'static str = r#"a " }"#;
        #[cfg(test)]
        use test::only;
        #[cfg(test)]
        mod tests { fn f() { x['}'] } }
        struct S { #[cfg(test)] field: u8, other: u8 }
        e();
    "##;
    let (code, bare) = without_comments(text);
    assert!(!code.contains("unwrap") && code.contains("// no comment {") && !bare.contains("no comment"));
    let left = blanked(&bare, &tests_of(&bare));
    let left: Vec<&str> = left.split_whitespace().collect();
    let left = left.join(" ");
    assert!(left.ends_with("struct S { other: u8 } e();"), "{left}");
    assert!(left.starts_with("a(); let b = \"") && !left.contains("only"), "{left}");
    assert_eq!(module_of_its_own("#[cfg(test)] mod tests;"), Some("tests"));
    assert_eq!(place_of(Path::new("src/io/raster.rs"), "tests"), Path::new("src/io/raster/tests"));
    assert_eq!(place_of(Path::new("src/nn/mod.rs"), "tests"), Path::new("src/nn/tests"));
}
