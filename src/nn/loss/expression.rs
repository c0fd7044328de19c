//! Losses as text: `0.8*ce + 0.2*iou`, `ce(1,5,10,20) + log_dice`, `focal(gamma=3) + 0.4*aux(ce)`. Arguments stand in their
//! order or by name; those left out have their defaults, the values of the published systems.

use super::{Loss, Term, Weighted};
use std::{fmt, str::FromStr};

/// A number that a word takes.
struct Number {
    name: &'static str,
    default: f32,
    range: [f32; 2],
}

const fn number(name: &'static str, default: f32, range: [f32; 2]) -> Number {
    Number { name, default, range }
}

/// What stands between a word's brackets: `word(loss, number, …, list…)`.
struct Word {
    word: &'static str,
    loss: bool,
    numbers: &'static [Number],
    /// The range of a list of any length.
    list: Option<[f32; 2]>,
}

const fn word(word: &'static str, numbers: &'static [Number]) -> Word {
    Word { word, loss: false, numbers, list: None }
}

const SHARE: [f32; 2] = [0.0, 1.0];
const FACTOR: [f32; 2] = [0.0, f32::MAX];
const EXPONENT: [f32; 2] = [0.0, 10.0];

const GRAMMAR: &[Word] = &[
    Word { list: Some(FACTOR), ..word("ce", &[]) },
    word("bce", &[]),
    word("focal", &[number("alpha", 0.5, FACTOR), number("gamma", 2.0, EXPONENT)]),
    word("ohem", &[number("probability", 0.7, SHARE), number("least", 0.0625, SHARE)]),
    Word { list: Some([0.0, 100.0]), ..word("topk", &[]) },
    word("scaled_focal", &[number("alpha", 0.5, SHARE), number("gamma", 2.0, EXPONENT)]),
    word("dice", &[number("smooth", 0.0, FACTOR)]),
    word("log_dice", &[number("gamma", 0.5, EXPONENT)]),
    word("flat_dice", &[number("smooth", 1.0, FACTOR)]),
    word("squared_dice", &[]),
    word("iou", &[number("smooth", 1.0, FACTOR)]),
    word("hausdorff", &[]),
    word(
        "unified",
        &[number("lambda", 0.5, SHARE), number("delta", 0.6, SHARE), number("gamma", 0.5, SHARE)],
    ),
    word("detection", &[]),
    word("kl", &[number("temperature", 4.0, [0.01, 1000.0])]),
    word("mse", &[]),
    Word { loss: true, list: Some(FACTOR), ..word("aux", &[]) },
    Word { loss: true, ..word("deep", &[]) },
];

/// The words that losses are written with, in the order in which help lists them.
pub fn words() -> impl Iterator<Item = &'static str> {
    GRAMMAR.iter().map(|w| w.word)
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    #[error("there is no loss \"{word}\"; there are {}", words().collect::<Vec<_>>().join(", "))]
    Unknown { word: String },
    #[error("the loss {word}: {reason}")]
    Arguments { word: &'static str, reason: String },
    #[error("a loss is a sum such as \"0.8*ce + 0.2*iou\": {expected} was expected {}", place(.found))]
    Syntax { expected: &'static str, found: String },
}

fn place(found: &str) -> String {
    if found.is_empty() { "at the end".to_owned() } else { format!("at \"{found}\"") }
}

/// The arguments of a term.
#[derive(Default)]
struct Arguments {
    loss: Loss,
    numbers: Vec<f32>,
    list: Vec<f32>,
}

impl Term {
    /// `None` for a word that the grammar lacks.
    fn of(word: &str, Arguments { loss, numbers, list }: Arguments) -> Option<Self> {
        Some(match (word, &numbers[..]) {
            ("ce", []) => Term::CrossEntropy { class_weights: list },
            ("bce", []) => Term::Binary,
            ("focal", &[alpha, gamma]) => Term::Focal { alpha, gamma },
            ("ohem", &[probability, least]) => Term::Ohem { probability, least },
            ("topk", []) => Term::TopK { percent: list },
            ("scaled_focal", &[alpha, gamma]) => Term::ScaledFocal { alpha, gamma },
            ("dice", &[smooth]) => Term::SoftDice { smooth },
            ("log_dice", &[gamma]) => Term::LogDice { gamma },
            ("flat_dice", &[smooth]) => Term::FlatDice { smooth },
            ("squared_dice", []) => Term::SquaredDice,
            ("iou", &[smooth]) => Term::Iou { smooth },
            ("hausdorff", []) => Term::Hausdorff,
            ("unified", &[lambda, delta, gamma]) => Term::Unified { lambda, delta, gamma },
            ("detection", []) => Term::Detection,
            ("kl", &[temperature]) => Term::Kl { temperature },
            ("mse", []) => Term::Mse,
            ("aux", []) => Term::Auxiliary { loss, coefficients: list },
            ("deep", []) => Term::Deep { loss },
            _ => return None,
        })
    }

    fn arguments(&self) -> (&'static str, Arguments) {
        let numbers = |numbers: &[f32]| Arguments { numbers: numbers.to_vec(), ..Arguments::default() };
        let list = |list: &[f32]| Arguments { list: list.to_vec(), ..Arguments::default() };
        match self {
            Term::CrossEntropy { class_weights } => ("ce", list(class_weights)),
            Term::Binary => ("bce", numbers(&[])),
            Term::Focal { alpha, gamma } => ("focal", numbers(&[*alpha, *gamma])),
            Term::Ohem { probability, least } => ("ohem", numbers(&[*probability, *least])),
            Term::TopK { percent } => ("topk", list(percent)),
            Term::ScaledFocal { alpha, gamma } => ("scaled_focal", numbers(&[*alpha, *gamma])),
            Term::SoftDice { smooth } => ("dice", numbers(&[*smooth])),
            Term::LogDice { gamma } => ("log_dice", numbers(&[*gamma])),
            Term::FlatDice { smooth } => ("flat_dice", numbers(&[*smooth])),
            Term::SquaredDice => ("squared_dice", numbers(&[])),
            Term::Iou { smooth } => ("iou", numbers(&[*smooth])),
            Term::Hausdorff => ("hausdorff", numbers(&[])),
            Term::Unified { lambda, delta, gamma } => ("unified", numbers(&[*lambda, *delta, *gamma])),
            Term::Detection => ("detection", numbers(&[])),
            Term::Kl { temperature } => ("kl", numbers(&[*temperature])),
            Term::Mse => ("mse", numbers(&[])),
            Term::Auxiliary { loss, coefficients } => {
                ("aux", Arguments { loss: loss.clone(), ..list(coefficients) })
            }
            Term::Deep { loss } => ("deep", Arguments { loss: loss.clone(), ..Arguments::default() }),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, Arguments { loss, numbers, list }) = self.arguments();
        let grammar = GRAMMAR.iter().find(|w| w.word == word);
        let mut inside: Vec<String> = vec![];
        if grammar.is_some_and(|w| w.loss) {
            inside.push(loss.to_string());
        }
        let named = grammar.map_or(&[][..], |w| w.numbers).iter().zip(numbers);
        inside.extend(named.filter(|(n, v)| n.default != *v).map(|(n, v)| format!("{}={v}", n.name)));
        inside.extend(list.iter().map(f32::to_string));
        if inside.is_empty() { f.write_str(word) } else { write!(f, "{word}({})", inside.join(",")) }
    }
}

/// What [`Loss::parse`] reads; a sum of nothing is `0`.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let term = |Weighted { weight, term }: &Weighted| {
            if *weight == 1.0 { term.to_string() } else { format!("{weight}*{term}") }
        };
        match &self.terms[..] {
            [] => f.write_str("0"),
            terms => f.write_str(&terms.iter().map(term).collect::<Vec<_>>().join("+")),
        }
    }
}

impl FromStr for Loss {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl Loss {
    /// Reads an expression such as `0.8*ce + 0.2*iou` or `ce(1,5,10,20) + dice(smooth=1) + detection`.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { rest: text.trim_start() };
        let loss = parser.sum()?;
        if parser.rest.is_empty() { Ok(loss) } else { Err(parser.syntax("\"+\"")) }
    }
}

struct Parser<'a> {
    /// Without blanks in front.
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn syntax(&self, expected: &'static str) -> ParseError {
        ParseError::Syntax { expected, found: self.rest.chars().take(20).collect() }
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (token, rest) = self.rest.split_at(bytes);
        self.rest = rest.trim_start();
        token
    }

    fn takes(&mut self, symbol: char) -> bool {
        let found = self.rest.starts_with(symbol);
        if found {
            self.advance(symbol.len_utf8());
        }
        found
    }

    fn name(&mut self) -> Option<&'a str> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(self.rest.len());
        let starts = self.rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
        starts.then(|| self.advance(end))
    }

    /// A finite number, with an exponent if need be.
    fn number(&mut self) -> Option<f32> {
        let bytes = self.rest.as_bytes();
        let part_of = |i: usize| match bytes[i] {
            b'0'..=b'9' | b'.' => true,
            b'+' | b'-' => i == 0 || matches!(bytes[i - 1], b'e' | b'E'),
            b'e' | b'E' => i > 0,
            _ => false,
        };
        let end = (0..bytes.len()).find(|&i| !part_of(i)).unwrap_or(bytes.len());
        let value: f32 = self.rest[..end].parse().ok().filter(|v: &f32| v.is_finite())?;
        self.advance(end);
        Some(value)
    }

    fn sum(&mut self) -> Result<Loss, ParseError> {
        let mut loss = Loss::default();
        loop {
            let weight = self.number();
            if weight == Some(0.0) && loss.terms.is_empty() && !self.rest.starts_with('*') {
                return Ok(loss);
            }
            if weight.is_some() && !self.takes('*') {
                return Err(self.syntax("\"*\""));
            }
            loss.terms.push(Weighted { weight: weight.unwrap_or(1.0), term: self.term()? });
            if !self.takes('+') {
                return Ok(loss);
            }
        }
    }

    fn term(&mut self) -> Result<Term, ParseError> {
        let name = self.name().ok_or_else(|| self.syntax("the name of a loss"))?;
        let unknown = || ParseError::Unknown { word: name.to_owned() };
        let word = GRAMMAR.iter().find(|w| w.word == name).ok_or_else(unknown)?;
        let arguments = self.arguments(word)?;
        Term::of(name, arguments).ok_or_else(unknown)
    }

    fn arguments(&mut self, word: &Word) -> Result<Arguments, ParseError> {
        let refuse = |reason| Err(ParseError::Arguments { word: word.word, reason });
        let defaults = word.numbers.iter().map(|n| n.default).collect();
        let mut arguments = Arguments { numbers: defaults, ..Arguments::default() };
        let mut next = self.takes('(');
        if word.loss {
            if !next {
                return refuse("a loss is wanted in brackets, as in aux(ce)".to_owned());
            }
            arguments.loss = self.sum()?;
            next = self.takes(',') || self.closes()?;
        }
        let mut place = 0;
        while next {
            let name = self.name();
            if name.is_some() && !self.takes('=') {
                return Err(self.syntax("\"=\""));
            }
            let value = self.number().ok_or_else(|| self.syntax("a number"))?;
            let at = match name {
                Some(name) => match word.numbers.iter().position(|n| n.name == name) {
                    Some(at) => at,
                    None => return refuse(format!("it has no \"{name}\"")),
                },
                None => place,
            };
            place = at + 1;
            let range = match (word.numbers.get(at), word.list) {
                (Some(n), _) => n.range,
                (None, Some(range)) => range,
                (None, None) => return refuse(format!("{value} is one number too many")),
            };
            if !(range[0]..=range[1]).contains(&value) {
                return refuse(format!("{value} is not between {} and {}", range[0], range[1]));
            }
            match arguments.numbers.get_mut(at) {
                Some(number) => *number = value,
                None => arguments.list.push(value),
            }
            next = self.takes(',') || self.closes()?;
        }
        Ok(arguments)
    }

    /// Always `false`, nothing follows; or an error where no bracket closes.
    fn closes(&mut self) -> Result<bool, ParseError> {
        if self.takes(')') { Ok(false) } else { Err(self.syntax("\")\"")) }
    }
}
