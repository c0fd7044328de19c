//! Warnings of many cases: each kind once, with the cases that it is of.

use crate::io::dataset::shortened;

/// What readers said of the cases of a set.
#[derive(Clone, Debug, Default)]
pub struct Warnings {
    kinds: Vec<Kind>,
}

#[derive(Clone, Debug)]
struct Kind {
    /// The text without its numbers, which differ from case to case.
    key: String,
    /// Of the first case.
    text: String,
    same: bool,
    cases: Vec<String>,
}

impl Warnings {
    pub fn add(&mut self, case: &str, text: &str) {
        let key: String = text.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '-')).collect();
        match self.kinds.iter_mut().find(|kind| kind.key == key) {
            Some(kind) => {
                kind.same &= kind.text == text;
                if !kind.cases.iter().any(|known| known == case) {
                    kind.cases.push(case.to_owned());
                }
            }
            None => {
                let (text, cases) = (text.to_owned(), vec![case.to_owned()]);
                self.kinds.push(Kind { key, text, same: true, cases });
            }
        }
    }

    /// A line for each kind: "12 cases (a, b, c, d, e and 7 more): …".
    pub fn lines(&self) -> Vec<String> {
        let line = |Kind { text, same, cases, .. }: &Kind| match (cases.len(), same) {
            (1, _) => format!("{}: {text}", cases[0]),
            (n, true) => format!("{n} cases ({}): {text}", shortened(cases)),
            (n, false) => format!("{n} cases ({}), of the first: {text}", shortened(cases)),
        };
        self.kinds.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_warning_is_one_line() {
        let mut warnings = Warnings::default();
        for i in 0..9 {
            warnings.add(&format!("c{i}"), "it is turned");
            warnings.add(&format!("c{i}"), &format!("it is {i}.5 mm off"));
        }
        warnings.add("c3", "it is empty");
        assert_eq!(
            warnings.lines(),
            [
                "9 cases (c0, c1, c2, c3, c4 and 4 more): it is turned",
                "9 cases (c0, c1, c2, c3, c4 and 4 more), of the first: it is 0.5 mm off",
                "c3: it is empty",
            ]
        );
    }
}
