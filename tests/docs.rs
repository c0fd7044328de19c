//! What README and `docs/` say is held against the program. The table of networks is made from the registry and from what
//! `benches/predict` measured; where that test fails, `FOVEA_WRITE=1 cargo test --release --test docs` writes it anew.

use clap::Parser;
use fovea::{
    cli::Arguments,
    edit::effects::EFFECTS,
    io::FORMATS,
    nn::{MODELS, ModelSpec, find, measured, parity},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

const NETWORKS: &str = "docs/src/networks.md";
const EFFECTS_PAGE: &str = "docs/src/effects.md";
const FORMATS_PAGE: &str = "docs/src/formats.md";
/// A mean of other networks has no reference of its own.
const FUSION: &str = "edema/fusion";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The pages for people, relative to the project.
fn pages() -> Vec<PathBuf> {
    let chapters = fs::read_dir(root().join("docs/src")).unwrap().map(|entry| entry.unwrap().path());
    let chapters = chapters.filter(|path| path.extension().is_some_and(|e| e == "md"));
    let mut pages: Vec<PathBuf> =
        chapters.map(|path| path.strip_prefix(root()).unwrap().to_owned()).collect();
    pages.extend(
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "assets/models/README.md", "benches/README.md"]
            .map(PathBuf::from),
    );
    pages.sort();
    pages
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
    format!(
        "| `{}` | {} | {} | {} | {parameters:.2} M | {numbers} | {proof} |\n",
        spec.id,
        spec.title,
        spec.rank().says(),
        spec.paper
    )
}

/// Holds a table on a page against the one that the program makes, or writes it there.
fn assert_made(page: &str, name: &str, table: &str) {
    let text = read(page);
    let (begin, end) =
        (format!("<!-- {name}: made by tests/docs.rs -->\n"), format!("<!-- end of {name} -->"));
    let start = text.find(&begin).expect("the mark before the table") + begin.len();
    let end = start + text[start..].find(&end).expect("the mark after the table");
    if std::env::var_os("FOVEA_WRITE").is_some() {
        fs::write(root().join(page), format!("{}{table}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert_eq!(&text[start..end], table, "FOVEA_WRITE=1 cargo test --release --test docs writes it anew");
}

#[test]
fn the_table_lists_every_network_as_the_registry_has_it() {
    let mut table =
        "| id | network | labels | paper | parameters | multiply-accumulates at 512² | ms | MiB | parity proof |\n\
                     |---|---|---|---|---:|---:|---:|---:|---|\n"
            .to_owned();
    MODELS.iter().for_each(|spec| table.push_str(&row(spec)));
    assert_made(NETWORKS, "networks", &table);
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
fn every_network_has_the_parity_proof_that_the_table_names() {
    let Some(folder) = fovea::testing::shared("parity/networks") else { return };
    for spec in MODELS.iter().filter(|spec| spec.id != FUSION) {
        let files = fs::read_dir(folder.join(spec.family)).unwrap();
        let proofs = files.filter(|file| {
            let name = file.as_ref().unwrap().file_name();
            let fixture = format!("{}/{}", spec.family, name.to_string_lossy());
            parity::spec_of(&fixture).is_some_and(|of| of.id == spec.id)
        });
        assert!(proofs.count() > 0, "{} has no fixture", spec.id);
    }
}

#[test]
fn the_table_lists_every_format_as_the_program_has_it() {
    let mut table = "| format | endings | what is read | written |\n|---|---|---|---|\n".to_owned();
    for format in FORMATS {
        let endings =
            |endings: &[&str]| endings.iter().map(|e| format!("`.{e}`")).collect::<Vec<_>>().join(", ");
        let written = format.writer.map_or_else(String::new, |writer| {
            let kinds =
                [Some("masks"), writer.image.map(|_| "images"), writer.probability.map(|_| "probabilities")];
            let kinds = kinds.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let place = if writer.keeps_geometry { "with" } else { "without" };
            format!("{kinds}; {place} their place: {}", endings(writer.extensions))
        });
        let row = [format.title, &endings(format.extensions), format.reads, &written].map(str::to_owned);
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    assert_made(FORMATS_PAGE, "formats", &table);
}

#[test]
fn the_page_lists_every_effect_as_the_program_has_it() {
    let mut text = String::new();
    for effect in EFFECTS {
        let image = if effect.needs_image { " It needs the image." } else { "" };
        text.push_str(&format!("\n### {}\n\n`{}`: {}{image}\n", effect.title, effect.id, effect.summary));
        if effect.parameters.is_empty() {
            continue;
        }
        text.push_str("\n| parameter | what it is | unless told | takes |\n|---|---|---|---|\n");
        for parameter in effect.parameters {
            let row = [
                format!("`{}`", parameter.key),
                parameter.whole_help(),
                parameter.kind.default_text(),
                parameter.kind.takes(),
            ];
            text.push_str(&format!("| {} |\n", row.join(" | ")));
        }
    }
    text.push('\n');
    assert_made(EFFECTS_PAGE, "effects", &text);
}

#[test]
fn the_readme_is_short_and_the_summary_has_every_chapter() {
    let lines = read("README.md").lines().count();
    assert!(lines <= 150, "README.md has {lines} lines: move what is not needed at first into docs/src");
    let summary = read("docs/src/SUMMARY.md");
    for page in pages().iter().filter(|page| page.starts_with("docs/src")) {
        let name = page.file_name().unwrap().to_string_lossy().into_owned();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "SUMMARY.md lacks {name}");
    }
}

/// As GitHub and mdBook make it.
fn anchor(title: &str) -> String {
    let kept = title.trim().to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
}

/// What lies between `](` and `)`, and leads to no other site.
fn links(text: &str) -> Vec<&str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.filter(|link| !link.contains("://")).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            let (path, section) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            if !root().join(&target).exists() {
                broken.push(format!("{}: {link} is not there", page.display()));
            } else if !section.is_empty() {
                let titles = read(&target);
                let mut titles = titles.lines().filter_map(|line| line.strip_prefix('#'));
                if !titles.any(|title| anchor(title.trim_start_matches('#')) == section) {
                    broken.push(format!("{}: {link} has no such section", page.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The commands of a page: lines in fenced code that begin with `fovea`, with the lines that they go on in.
fn commands(text: &str) -> Vec<String> {
    let code = text.split("```").skip(1).step_by(2).map(|block| block.replace("\\\n", " "));
    let lines: Vec<String> =
        code.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect();
    lines.into_iter().filter(|line| line.starts_with("fovea ")).collect()
}

/// As a shell does it: quotes keep a word together, `#` begins a remark.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in command.chars() {
        match c {
            '\'' => quoted = !quoted,
            '#' if !quoted && word.is_empty() => break,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(words("fovea a  'b #c' d # e"), ["fovea", "a", "b #c", "d"]);
    assert_eq!(words("fovea --labels vein=#ff"), ["fovea", "--labels", "vein=#ff"]);
}

#[test]
fn every_command_of_the_documentation_is_one_that_the_program_knows() {
    let (mut wrong, mut known) = (Vec::new(), 0);
    for page in pages() {
        for command in commands(&read(&page)) {
            match Arguments::try_parse_from(words(&command)) {
                Ok(_) => known += 1,
                Err(error) => wrong.push(format!("{}: {command}\n{error}", page.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(known > 20, "only {known} commands were found");
}
