//! Counts in sentences.

/// "1 slice", "3 slices", "2 classes": `one` is the noun's singular, whose plural takes an s, or es behind an s.
pub fn counted(n: usize, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n if one.ends_with('s') => format!("{n} {one}es"),
        n => format!("{n} {one}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "slice")), ["0 slices", "1 slice", "2 slices"]);
        assert_eq!([1, 2].map(|n| counted(n, "class")), ["1 class", "2 classes"]);
    }
}
