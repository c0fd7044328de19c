//! Which names fit what was typed, and how well.

/// How well a name fits; the lower, the better. Names that fit equally well keep their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The name begins with it.
    Start,
    /// One of its words does.
    Word,
    /// It stands somewhere in the name.
    Inside,
    /// Its letters follow each other in the name, with others between them.
    Letters,
    /// The sentence about it has it.
    Sentence,
}

/// The rank of a name, and which of its letters were typed; `None` where it does not fit. Capitals do not count. Nothing
/// typed fits every name.
pub fn fit(name: &str, sentence: &str, typed: &str) -> Option<(Rank, Vec<usize>)> {
    let lower =
        |text: &str| -> Vec<char> { text.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect() };
    let (name, typed) = (lower(name), lower(typed.trim()));
    if typed.is_empty() {
        return Some((Rank::Start, Vec::new()));
    }
    let stands_at = |at: usize| name[at..].starts_with(&typed[..]);
    let begins_word = |at: usize| at == 0 || !name[at - 1].is_alphanumeric();
    let places: Vec<usize> = (0..name.len()).filter(|&at| stands_at(at)).collect();
    let best = places.iter().copied().find(|&at| begins_word(at)).or(places.first().copied());
    if let Some(at) = best {
        let rank = match at {
            0 => Rank::Start,
            at if begins_word(at) => Rank::Word,
            _ => Rank::Inside,
        };
        return Some((rank, (at..at + typed.len()).collect()));
    }
    let mut letters = Vec::new();
    let mut rest = typed.iter().filter(|c| !c.is_whitespace()).peekable();
    for (at, letter) in name.iter().enumerate() {
        if rest.peek() == Some(&letter) {
            rest.next();
            letters.push(at);
        }
    }
    if rest.peek().is_none() && letters.len() > 1 {
        return Some((Rank::Letters, letters));
    }
    let typed: String = typed.into_iter().collect();
    sentence.to_lowercase().contains(&typed).then(|| (Rank::Sentence, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(name: &str, typed: &str) -> Option<Rank> {
        fit(name, "Takes small parts away", typed).map(|(rank, _)| rank)
    }

    #[test]
    fn a_name_that_begins_with_it_comes_first() {
        assert_eq!(rank("Smooth", "sm"), Some(Rank::Start));
        assert_eq!(rank("Remove small islands", "SM"), Some(Rank::Word));
        assert_eq!(rank("Plasma", "sm"), Some(Rank::Inside));
        assert_eq!(rank("Fill holes", "fho"), Some(Rank::Letters));
        assert_eq!(rank("Islands", "parts"), Some(Rank::Sentence));
        assert_eq!(rank("Islands", "liver"), None);
        assert!(Rank::Start < Rank::Word && Rank::Letters < Rank::Sentence);
    }

    #[test]
    fn the_letters_that_were_typed_are_told() {
        assert_eq!(fit("Remove small islands", "", "small").unwrap().1, [7, 8, 9, 10, 11]);
        assert_eq!(fit("Fill holes", "", "fho").unwrap().1, [0, 5, 6]);
        assert_eq!(fit("肝臓 liver", "", "肝").unwrap().1, [0]);
    }
}
