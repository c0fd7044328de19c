//! Losses as text: `0.8*ce + 0.2*iou`, `ce(1,5,10,20) + log_dice`, `focal(gamma=3) + 0.4*aux(ce)`. Arguments stand in their
//! order or by name; those left out have their defaults, the values of the published systems.

use super::{
    LOSSES, Loss, LossSpec, Term, Weighted,
    spec::{Arguments, check},
};
use std::{fmt, str::FromStr};

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    #[error("there is no loss \"{word}\"; there are {}", LOSSES.iter().map(|loss| loss.name).collect::<Vec<_>>().join(", "))]
    Unknown { word: String },
    #[error("the loss {word}: {reason}")]
    Arguments { word: &'static str, reason: String },
    #[error("a loss is a sum such as \"0.8*ce + 0.2*iou\": {expected} was expected {}", place(.found))]
    Syntax { expected: &'static str, found: String },
}

fn place(found: &str) -> String {
    if found.is_empty() { "at the end".to_owned() } else { format!("at \"{found}\"") }
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
        let spec = LOSSES.iter().copied().find(|spec| spec.name == name).ok_or_else(unknown)?;
        let mut term = spec.term();
        self.arguments(spec, &mut term.arguments)?;
        Ok(term)
    }

    /// What stands in brackets: a loss where the spec wants one, numbers in their order or by name, the list.
    fn arguments(&mut self, spec: &LossSpec, arguments: &mut Arguments) -> Result<(), ParseError> {
        let refuse = |reason| Err(ParseError::Arguments { word: spec.name, reason });
        let mut next = self.takes('(');
        if spec.of_loss {
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
                Some(name) => match spec.numbers.iter().position(|n| n.name == name) {
                    Some(at) => at,
                    None => return refuse(format!("it has no \"{name}\"")),
                },
                None => place,
            };
            place = at + 1;
            let range = match (spec.numbers.get(at), &spec.list) {
                (Some(n), _) => n.range,
                (None, Some(list)) => list.range,
                (None, None) => return refuse(format!("{value} is one number too many")),
            };
            if let Err(reason) = check(value, range) {
                return refuse(reason);
            }
            match arguments.numbers.get_mut(at) {
                Some(number) => *number = value,
                None => arguments.list.push(value),
            }
            next = self.takes(',') || self.closes()?;
        }
        Ok(())
    }

    /// Always `false`, nothing follows; or an error where no bracket closes.
    fn closes(&mut self) -> Result<bool, ParseError> {
        if self.takes(')') { Ok(false) } else { Err(self.syntax("\")\"")) }
    }
}
