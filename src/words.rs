//! Counts in sentences.

/// "1 slice", "3 slices", "0 slices": `one` is the noun's singular, whose plural takes an s.
pub fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "slice")), ["0 slices", "1 slice", "2 slices"]);
    }
}
