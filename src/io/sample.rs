use super::{Format, OpenError, OpenOptions, Opened, Progress, source};
use crate::phantom::{self, Sample};
use std::path::Path;

/// The program's own phantoms, opened like files by the path `sample:ID`.
pub static FORMAT: Format = Format {
    id: "sample",
    title: "Built-in sample",
    extensions: &[],
    reads: "images that the program draws itself: `sample:oct`, `sample:ct`, `sample:fundus`",
    sniff: |path, _| is_sample(path),
    open,
    writer: None,
};

const PREFIX: &str = "sample:";

pub fn is_sample(path: &Path) -> bool {
    path.to_str().is_some_and(|p| p.starts_with(PREFIX))
}

/// The sample that a path names.
pub fn sample_of(path: &Path) -> Option<&'static Sample> {
    phantom::find(path.to_str()?.strip_prefix(PREFIX)?)
}

fn open(path: &Path, _: &OpenOptions, progress: &mut dyn Progress) -> Result<Opened, OpenError> {
    let text = path.to_string_lossy();
    let id = text.strip_prefix(PREFIX).unwrap_or(&text);
    let sample = phantom::find(id).ok_or_else(|| {
        let ids: Vec<&str> = phantom::SAMPLES.iter().map(|s| s.id).collect();
        OpenError::NoSuchSeries { path: path.to_owned(), asked: id.to_owned(), available: ids.join(", ") }
    })?;
    progress.report(0, 1);
    let phantom = sample.open();
    progress.report(1, 1);
    Ok(Opened {
        volume: phantom.volume,
        source: path.to_owned(),
        warnings: Vec::new(),
        series: Vec::new(),
        content_hash: source::hash(format!("{PREFIX}{id}:{}", phantom::SAMPLE_SEED).as_bytes()),
        turned: None,
        by_look: false,
        facts: serde_json::json!({ "sample": id, "title": sample.title, "seed": phantom::SAMPLE_SEED }),
    })
}
