//! Names in scripts that run from right to left, in the order in which they are painted.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// A name with its words in the order in which they stand on screen: egui lays words out from left to right, and turns
/// only the letters within a word.
pub fn as_painted(name: &str) -> String {
    painted(name, None)
}

/// The same for the names in a sentence of the program, which begins at the left also where such a name is its first word.
pub fn in_words(sentence: &str) -> String {
    painted(sentence, Some(Level::ltr()))
}

fn painted(name: &str, begins: Option<Level>) -> String {
    if !name.chars().any(runs_left) {
        return name.to_owned();
    }
    let bidi = BidiInfo::new(name, begins);
    let mut painted = String::with_capacity(name.len());
    for paragraph in &bidi.paragraphs {
        let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
        for run in runs {
            match levels[run.start].is_rtl() {
                true => painted.extend(pieces(&name[run]).into_iter().rev()),
                false => painted.push_str(&name[run]),
            }
        }
    }
    painted
}

fn runs_left(c: char) -> bool {
    matches!(bidi_class(c), BidiClass::R | BidiClass::AL)
}

/// Words with their marks, and one by one what stands between them, turned where it is a bracket.
fn pieces(run: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in run.chars() {
        let of_word = runs_left(c) || in_word && bidi_class(c) == BidiClass::NSM;
        match pieces.last_mut() {
            Some(word) if in_word && of_word => word.push(c),
            _ => pieces.push(if of_word { c } else { turned(c) }.to_string()),
        }
        in_word = of_word;
    }
    pieces
}

fn turned(c: char) -> char {
    const PAIRS: [(char, char); 5] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»')];
    let other = |&(a, b): &(char, char)| if c == a { Some(b) } else { (c == b).then_some(a) };
    PAIRS.iter().find_map(other).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_in_the_order_in_which_they_are_read() {
        assert_eq!(as_painted("left kidney (2)"), "left kidney (2)");
        assert_eq!(as_painted("肝臓 左"), "肝臓 左");
        // The first word is the rightmost.
        assert_eq!(as_painted("كبد أيمن"), "أيمن كبد");
        assert_eq!(as_painted("كبد 12 (أيمن)"), "(أيمن) 12 كبد");
        assert_eq!(as_painted("scan כבד שמאל.nii"), "scan שמאל כבד.nii");
        assert_eq!(in_words("كبد أيمن.png: it is read"), "أيمن كبد.png: it is read");
        // A mark stays with its letter.
        assert_eq!(as_painted("كَبِد طحال"), "طحال كَبِد");
    }
}
