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

/// "liver, spleen and 3 more": at most so many names.
pub fn listed(names: &[&str], most: usize) -> String {
    match (names.len().saturating_sub(most), names) {
        (0, [first @ .., last]) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        (0, names) => names.concat(),
        (more, names) => format!("{} and {more} more", names[..most].join(", ")),
    }
}

/// A number as people write it: with a comma or a point before the decimals, and with blanks between thousands. `None` where it is
/// none, or no finite one.
pub fn number(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = plain.replace('−', "-");
    let plain = match plain.contains('.') {
        true => plain,
        false => plain.replacen(',', ".", 1),
    };
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

/// "about 3 min": in steps in which a person would say it.
pub fn duration(secs: f64) -> String {
    let in_steps = |value: f64, step: f64| (value / step).round().max(1.0) * step;
    match secs {
        s if s < 10.0 => "a few seconds".to_owned(),
        s if s < 55.0 => format!("about {:.0} s", in_steps(s, 10.0)),
        s if s < 600.0 => format!("about {:.0} min", in_steps(s / 60.0, 1.0)),
        s if s < 3450.0 => format!("about {:.0} min", in_steps(s / 60.0, 5.0)),
        s => format!("about {:.0} h", in_steps(s / 3600.0, 1.0)),
    }
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
    fn names_and_durations_are_said_as_a_person_would() {
        let said = |names: &[&str]| listed(names, 2);
        assert_eq!(said(&[]), "");
        assert_eq!(said(&["liver"]), "liver");
        assert_eq!(said(&["liver", "spleen"]), "liver and spleen");
        assert_eq!(said(&["liver", "spleen", "aorta", "colon"]), "liver, spleen and 2 more");
        let said = [3.0, 10.0, 44.0, 55.0, 170.0, 599.0, 1300.0, 3599.0, 9000.0].map(duration);
        let expected = [
            "a few seconds",
            "about 10 s",
            "about 40 s",
            "about 1 min",
            "about 3 min",
            "about 10 min",
            "about 20 min",
            "about 1 h",
            "about 3 h",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, read) in [
            ("2.5", Some(2.5)),
            (" 2,5 ", Some(2.5)),
            ("−62,4", Some(-62.4)),
            ("1 412", Some(1412.0)),
            ("1e-3", Some(0.001)),
            ("1,234.5", None),
            ("1,2,3", None),
            ("nan", None),
            ("inf", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(number(text), read, "{text:?}");
        }
    }

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|n| counted(n, "slice")), ["0 slices", "1 slice", "2 slices"]);
        assert_eq!([1, 2].map(|n| counted(n, "class")), ["1 class", "2 classes"]);
    }
}
