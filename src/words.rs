//! Words in sentences: counts, capitals, what a panic said.

use std::any::Any;

/// "1 slice", "3 slices", "2 classes": `one` is the noun's singular, whose plural takes an s, or es behind an s.
pub fn counted(n: usize, one: &str) -> String {
    match n {
        1 => format!("1 {one}"),
        n if one.ends_with('s') => format!("{n} {one}es"),
        n => format!("{n} {one}s"),
    }
}

/// The words with a capital at their beginning.
pub fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The message of a caught panic.
pub fn of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked without a message").to_owned()
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
