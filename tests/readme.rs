//! The README's table of networks is made from the registry and from what `benches/predict` measured. Where this test
//! fails, `FOVEA_WRITE=1 cargo test --release --test readme` writes the table anew.

use fovea::nn::{MODELS, ModelSpec, find, measured, parity};
use serde_json::Value;

const BEGIN: &str = "<!-- networks: made by tests/readme.rs -->\n";
/// A mean of other networks has no reference of its own.
const FUSION: &str = "edema/fusion";
const END: &str = "<!-- end of networks -->";

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn row(spec: &ModelSpec) -> String {
    let parameters = spec.param_count(&Value::Null).unwrap() as f64 / 1e6;
    let numbers = measured::cost(spec.id).map_or_else(
        || "– | – | –".to_owned(),
        |cost| {
            let products = cost.multiply_accumulates as f64 / 1e9;
            format!("{products:.1} G | {:.0} | {}", cost.slice_millis, cost.peak_mib)
        },
    );
    let proof = match spec.id {
        FUSION => "its definition, in `src/nn/fuse.rs`".to_owned(),
        id => format!("`{id}*.json`"),
    };
    format!("| `{}` | {} | {} | {parameters:.2} M | {numbers} | {proof} |\n", spec.id, spec.title, spec.paper)
}

#[test]
fn the_readme_lists_every_network_as_the_registry_has_it() {
    let mut table =
        "| id | network | paper | parameters | multiply-accumulates at 512² | ms | MiB | parity proof |\n\
                     |---|---|---|---:|---:|---:|---:|---|\n"
            .to_owned();
    MODELS.iter().for_each(|spec| table.push_str(&row(spec)));
    let readme = read("README.md");
    let start = readme.find(BEGIN).expect("the mark before the table") + BEGIN.len();
    let end = start + readme[start..].find(END).expect("the mark after the table");
    if std::env::var_os("FOVEA_WRITE").is_some() {
        let new = format!("{}{table}{}", &readme[..start], &readme[end..]);
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"), new).unwrap();
        return;
    }
    assert_eq!(&readme[start..end], table, "FOVEA_WRITE=1 cargo test --release --test readme writes it anew");
    let rows = read("assets/networks.csv");
    let unknown: Vec<&str> = rows
        .lines()
        .skip(1)
        .filter_map(|row| row.split(',').next())
        .filter(|id| find(id).is_none())
        .collect();
    assert!(unknown.is_empty(), "networks.csv has rows of no network: {unknown:?}");
}

#[test]
fn every_network_has_the_parity_proof_that_the_readme_names() {
    let Some(folder) = fovea::testing::shared("parity/networks") else { return };
    for spec in MODELS.iter().filter(|spec| spec.id != FUSION) {
        let files = std::fs::read_dir(folder.join(spec.family)).unwrap();
        let proofs = files.filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            let fixture = format!("{}/{}", spec.family, name.to_string_lossy());
            parity::spec_of(&fixture, MODELS).is_some_and(|of| of.id == spec.id)
        });
        assert!(proofs.count() > 0, "{} has no fixture", spec.id);
    }
}
