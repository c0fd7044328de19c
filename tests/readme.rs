//! The README's table of networks is made from the registry and from what `benches/predict` measured. Where this test
//! fails, `FOVEA_WRITE=1 cargo test --release --test readme` writes the table anew.

use fovea::nn::{MODELS, ModelSpec};
use serde_json::Value;
use std::collections::BTreeMap;

const BEGIN: &str = "<!-- networks: made by tests/readme.rs -->\n";
const END: &str = "<!-- end of networks -->";

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Measured values by network: milliseconds, multiply-accumulates, MiB.
fn measured() -> BTreeMap<String, [f64; 3]> {
    let text = read("benches/networks.csv");
    let rows = text.lines().skip(1).map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let [id, slice, _, products, peak] = fields[..] else { panic!("a row of networks.csv: {line}") };
        (id.to_owned(), [slice, products, peak].map(|v| v.parse().unwrap()))
    });
    rows.collect()
}

fn row(spec: &ModelSpec, measured: &BTreeMap<String, [f64; 3]>) -> String {
    let parameters = spec.param_count(&Value::Null).unwrap() as f64 / 1e6;
    let numbers = measured.get(spec.id).map_or_else(
        || "– | – | –".to_owned(),
        |[slice, products, peak]| format!("{:.1} G | {slice:.0} | {peak:.0}", products / 1e9),
    );
    format!("| `{}` | {} | {} | {parameters:.2} M | {numbers} |\n", spec.id, spec.title, spec.paper)
}

#[test]
fn the_readme_lists_every_network_as_the_registry_has_it() {
    let measured = measured();
    let mut table = "| id | network | paper | parameters | multiply-accumulates at 512² | ms | MiB |\n\
                     |---|---|---|---:|---:|---:|---:|\n"
        .to_owned();
    MODELS.iter().for_each(|spec| table.push_str(&row(spec, &measured)));
    let readme = read("README.md");
    let start = readme.find(BEGIN).expect("the mark before the table") + BEGIN.len();
    let end = start + readme[start..].find(END).expect("the mark after the table");
    if std::env::var_os("FOVEA_WRITE").is_some() {
        let new = format!("{}{table}{}", &readme[..start], &readme[end..]);
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"), new).unwrap();
        return;
    }
    assert_eq!(&readme[start..end], table, "FOVEA_WRITE=1 cargo test --release --test readme writes it anew");
    let unknown: Vec<_> = measured.keys().filter(|id| fovea::nn::find(id).is_none()).collect();
    assert!(unknown.is_empty(), "networks.csv has rows of no network: {unknown:?}");
}
