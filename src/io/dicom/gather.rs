//! Frames of many files to the volumes that they make. Names of files play no part.

use super::{
    header::Header,
    keys::{KEYS, Splits},
    series::{Series, Slice, by_keys, common_keys, natural},
    split,
};
use std::collections::HashMap;

/// Cosines that differ by less are one direction.
const SAME_DIRECTION: f64 = 1e-3;
/// Pixel spacings that differ by less than this share of them are one, written with other digits.
const SAME_SPACING: f64 = 1e-3;
/// So many differences make a title; more would hide which they are.
const MOST_NAMED: usize = 3;

/// All volumes in the headers, each with at least one slice, in the order of their series numbers.
pub fn of(headers: &[Header]) -> Vec<Series> {
    let mut groups: Vec<Vec<Slice>> = Vec::new();
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    let known = known(headers);
    for (file, header) in headers.iter().enumerate() {
        for frame in &header.frames {
            let mut slice = Slice { file, frame: frame.clone() };
            for (key, value) in slice.frame.keys.iter_mut().enumerate().filter(|(_, value)| value.is_empty())
            {
                if let Some(Some(only)) = known.get(&(header.series_uid.as_str(), key)) {
                    *value = (*only).to_owned();
                }
            }
            let candidates = alike.entry(said(header, &slice)).or_default();
            match candidates.iter().find(|&&g| belongs(headers, &groups[g][0], &slice)) {
                Some(&group) => groups[group].push(slice),
                None => {
                    candidates.push(groups.len());
                    groups.push(vec![slice]);
                }
            }
        }
    }
    groups.sort_by(|a, b| {
        let [(x, a), (y, b)] = [a, b].map(|g| (&headers[g[0].file], &g[0]));
        let number = |h: &Header| h.series_number.unwrap_or(i64::MAX);
        let size = |h: &Header| h.layout.rows * h.layout.columns;
        number(x)
            .cmp(&number(y))
            .then_with(|| x.series_uid.cmp(&y.series_uid))
            .then_with(|| by_keys(&a.frame, &b.frame))
            .then_with(|| size(y).cmp(&size(x)))
            .then_with(|| x.instance_uid.cmp(&y.instance_uid))
    });
    let mut series: Vec<Series> = groups.into_iter().flat_map(|g| split::volumes(headers, g)).collect();
    name(headers, &mut series);
    series
}

/// The only value that a series states of a key of which a slice that lacks it may be of any volume; `None` where it states several.
fn known(headers: &[Header]) -> HashMap<(&str, usize), Option<&str>> {
    let mut known: HashMap<(&str, usize), Option<&str>> = HashMap::new();
    for header in headers.iter().filter(|h| !h.series_uid.is_empty()) {
        for frame in &header.frames {
            for (key, value) in frame.keys.iter().enumerate() {
                if KEYS[key].may_lack && !value.is_empty() {
                    let only = known.entry((&header.series_uid, key)).or_insert(Some(value));
                    *only = only.filter(|other| other == value);
                }
            }
        }
    }
    known
}

/// What must be the same to the letter in slices of one volume.
fn said(header: &Header, slice: &Slice) -> String {
    let l = &header.layout;
    let always = KEYS.iter().zip(&slice.frame.keys).filter(|(k, _)| k.splits == Splits::Always);
    // Without places, the frames of one file belong together and to nobody else.
    let alone = slice.frame.place.is_none() && header.frames.len() > 1;
    let file = if alone { slice.file.to_string() } else { String::new() };
    let sizes = format!("{} {} {}", l.rows, l.columns, l.samples);
    let texts = [header.series_uid.as_str(), &header.modality, &sizes, &file];
    texts.into_iter().chain(always.map(|(_, value)| value.as_str())).collect::<Vec<_>>().join("\0")
}

fn belongs(headers: &[Header], first: &Slice, slice: &Slice) -> bool {
    let same_direction = match (&first.frame.place, &slice.frame.place) {
        (Some(a), Some(b)) => {
            (a.along_row - b.along_row).length() < SAME_DIRECTION
                && (a.along_column - b.along_column).length() < SAME_DIRECTION
        }
        (None, None) => true,
        _ => false,
    };
    let same_spacing = match (first.frame.spacing, slice.frame.spacing) {
        (Some(a), Some(b)) => (0..2).all(|i| (a[i] / b[i] - 1.0).abs() < SAME_SPACING),
        (None, None) => true,
        _ => false,
    };
    let holds = |s: &Slice| headers[s.file].spacing_holds;
    same_direction && same_spacing && holds(first) == holds(slice)
}

fn name(headers: &[Header], series: &mut [Series]) {
    let common: Vec<[Option<String>; KEYS.len()]> = series.iter().map(|s| common_keys(&s.slices)).collect();
    let mut siblings: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, s) in series.iter().enumerate() {
        siblings.entry(&headers[s.slices[0].file].series_uid).or_default().push(i);
    }
    let mut titles: HashMap<String, usize> = HashMap::new();
    for (uid, siblings) in siblings {
        let values: [Vec<&String>; KEYS.len()] = std::array::from_fn(|key| {
            let mut values: Vec<&String> = siblings.iter().filter_map(|&i| common[i][key].as_ref()).collect();
            values.sort_by(|a, b| natural(a, b));
            values.dedup();
            values
        });
        for (n, i) in siblings.into_iter().enumerate() {
            let base = if uid.is_empty() { "series" } else { uid };
            series[i].id = if n == 0 { base.to_owned() } else { format!("{base}#{}", n + 1) };
            let header = &headers[series[i].slices[0].file];
            let differs =
                (0..KEYS.len()).filter_map(|key| differing(key, common[i][key].as_ref()?, &values[key]));
            let description =
                std::iter::once(header.series_description.clone()).chain(differs.take(MOST_NAMED));
            let description = description.filter(|t| !t.is_empty()).collect::<Vec<_>>().join(", ");
            let number = header.series_number.map(|n| format!("{n}: ")).unwrap_or_default();
            let slices = series[i].slices.len();
            let title = format!("{number}{description} ({}, {slices} slices)", header.modality);
            // Nothing but their places tells them apart.
            let again = titles.entry(format!("{uid} {title}")).or_default();
            *again += 1;
            series[i].title = if *again == 1 { title } else { format!("{title}, volume {again}") };
        }
    }
}

/// What a title says of a key in which a volume differs from others of its series; `values` are all of theirs.
fn differing(key: usize, value: &String, values: &[&String]) -> Option<String> {
    if values.len() < 2 || value.is_empty() {
        return None;
    }
    let place = values.iter().position(|v| *v == value).unwrap_or(0) + 1;
    let said = if KEYS[key].counted { place.to_string() } else { value.clone() };
    Some(format!("{} {said}", KEYS[key].title).trim().to_owned())
}
