//! Python pickles, protocols 0 to 5, as inert data: nothing that a pickle names is ever called. A global outside a short
//! list is refused by name. (Opcodes: CPython, `Lib/pickletools.py`.)

/// A place in [`Pickle`]'s nodes.
pub(super) type Id = usize;

/// One object. Containers hold places and not objects, so that a hostile file can neither nest nor copy without bound.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    /// Tuples, lists and sets.
    Sequence(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// `module.name`, one of [`GLOBALS`] or a tensor storage.
    Global(String),
    /// What the pickler left to its caller: PyTorch's storages.
    Persistent(Id),
    /// A call that was not made: callable, arguments; and the state that a later BUILD gives.
    Call {
        callable: Id,
        arguments: Id,
        state: Option<Id>,
    },
}

/// What a weights file may name.
const GLOBALS: &[&str] = &[
    "_codecs.encode",
    "collections.OrderedDict",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy._core.numeric._frombuffer",
    "numpy.dtype",
    "numpy.ndarray",
    "torch.Size",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_tensor_v2",
    "torch.device",
];

/// A global that is inert data: one of the list, a storage class such as `torch.FloatStorage`, or a tensor type.
fn allowed(global: &str) -> bool {
    let storage = global.strip_prefix("torch.").and_then(|name| name.strip_suffix("Storage"));
    let storage = storage.is_some_and(|kind| kind.chars().all(|c| c.is_ascii_alphanumeric()));
    storage || GLOBALS.contains(&global)
}

/// Objects of one pickle: a tensor takes a dozen, and a checkpoint has some thousands of tensors.
const MOST_OBJECTS: usize = 1 << 22;
/// A pair of an OrderedDict takes four bytes of the file or more, and sixteen here.
const MOST_COPIES: usize = 8;

#[derive(Debug, thiserror::Error, PartialEq)]
pub(super) enum PickleError {
    #[error("it ends in the middle of a pickle")]
    Truncated,
    #[error(
        "it asks for the Python object {0}, which is not plain weights; nothing of it was run. Save the state dict alone \
         (torch.save(model.state_dict(), …)) and import that"
    )]
    Refused(String),
    #[error("it is not a pickle of weights: {0}")]
    Malformed(&'static str),
    #[error("it is not a pickle of weights: opcode 0x{0:02x}")]
    Opcode(u8),
}

use PickleError::{Malformed, Truncated};

/// The objects of one pickle.
#[derive(Debug)]
pub(super) struct Pickle {
    pub nodes: Vec<Node>,
    pub root: Id,
}

impl Pickle {
    /// Reads one pickle from the front of `bytes`; also returns how long it is.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize), PickleError> {
        let mut machine =
            Machine { bytes, at: 0, nodes: vec![], stack: vec![], marks: vec![], memo: vec![], copied: 0 };
        let root = machine.run()?;
        Ok((Self { nodes: machine.nodes, root }, machine.at))
    }

    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id]
    }

    pub fn str(&self, id: Id) -> Option<&str> {
        match self.node(id) {
            Node::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn int(&self, id: Id) -> Option<i64> {
        match self.node(id) {
            Node::Int(value) => Some(*value),
            _ => None,
        }
    }

    pub fn sequence(&self, id: Id) -> Option<&[Id]> {
        match self.node(id) {
            Node::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// A sequence of lengths, none negative.
    pub fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        self.sequence(id)?.iter().map(|&item| usize::try_from(self.int(item)?).ok()).collect()
    }

    /// A call of a global: its name and arguments.
    pub fn call(&self, id: Id) -> Option<(&str, &[Id], Option<Id>)> {
        let Node::Call { callable, arguments, state } = self.node(id) else { return None };
        let Node::Global(name) = self.node(*callable) else { return None };
        Some((name, self.sequence(*arguments)?, *state))
    }

    /// Entries of a dictionary, an OrderedDict included.
    pub fn entries(&self, id: Id) -> Option<&[(Id, Id)]> {
        match self.node(id) {
            Node::Dict(entries) => Some(entries),
            _ => None,
        }
    }
}

/// The pickle machine: a stack, marks in it, and a memo.
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: Vec<Option<Id>>,
    /// Bytes that calls have copied.
    copied: usize,
}

impl Machine<'_> {
    fn take(&mut self, n: usize) -> Result<&[u8], PickleError> {
        let end = self.at.checked_add(n).filter(|&end| end <= self.bytes.len()).ok_or(Truncated)?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// A little-endian unsigned number of `n` bytes.
    fn number(&mut self, n: usize) -> Result<usize, PickleError> {
        let value = self.take(n)?.iter().rev().fold(0u64, |v, &b| (v << 8) | u64::from(b));
        usize::try_from(value).map_err(|_| Truncated)
    }

    fn line(&mut self) -> Result<String, PickleError> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n').ok_or(Truncated)?;
        let line = String::from_utf8_lossy(&rest[..end]).trim_end_matches('\r').to_owned();
        self.at += end + 1;
        Ok(line)
    }

    fn text(&mut self, n: usize) -> Result<Node, PickleError> {
        let bytes = self.take(n)?.to_vec();
        String::from_utf8(bytes).map(Node::Str).map_err(|_| Malformed("a string is not UTF-8"))
    }

    fn push(&mut self, node: Node) {
        self.nodes.push(node);
        self.stack.push(self.nodes.len() - 1);
    }

    /// Each opcode makes a few things at most, which take some dozens of bytes each.
    fn check_size(&self) -> Result<(), PickleError> {
        if self.nodes.len().max(self.stack.len()).max(self.marks.len()) > MOST_OBJECTS {
            return Err(Malformed("it has more objects than weights can need"));
        }
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, PickleError> {
        let above = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() <= above {
            return Err(Malformed("the stack is empty"));
        }
        self.stack.pop().ok_or(Malformed("the stack is empty"))
    }

    fn top(&self) -> Result<Id, PickleError> {
        self.stack.last().copied().ok_or(Malformed("the stack is empty"))
    }

    fn pop_n<const N: usize>(&mut self) -> Result<[Id; N], PickleError> {
        let mut items = [0; N];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        Ok(items)
    }

    /// What lies above the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleError> {
        let mark =
            self.marks.pop().filter(|&m| m <= self.stack.len()).ok_or(Malformed("a mark is missing"))?;
        Ok(self.stack.split_off(mark))
    }

    fn remember(&mut self, slot: usize) -> Result<(), PickleError> {
        // Slots are handed out one after the other; a file cannot need more than it has objects.
        if slot > self.bytes.len().min(MOST_OBJECTS) {
            return Err(Malformed("a memo slot beyond the file"));
        }
        if self.memo.len() <= slot {
            self.memo.resize(slot + 1, None);
        }
        self.memo[slot] = Some(self.top()?);
        Ok(())
    }

    fn recall(&mut self, slot: usize) -> Result<(), PickleError> {
        let id = self.memo.get(slot).copied().flatten().ok_or(Malformed("an empty memo slot"))?;
        self.stack.push(id);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), PickleError> {
        let name = format!("{module}.{name}");
        if !allowed(&name) {
            return Err(PickleError::Refused(name));
        }
        self.push(Node::Global(name));
        Ok(())
    }

    /// A call is recorded, except where it only spells data: an OrderedDict, or bytes as protocol 2 has to write them.
    fn call(&mut self, callable: Id, arguments: Id) -> Result<(), PickleError> {
        let node = match &self.nodes[callable] {
            Node::Global(name) if name == "collections.OrderedDict" => {
                Some(Node::Dict(self.pairs(arguments)))
            }
            Node::Global(name) if name == "_codecs.encode" => self.latin1(arguments),
            _ => None,
        };
        // These two copy, and what they copy may stand in the file once.
        self.copied += match &node {
            Some(Node::Dict(pairs)) => size_of_val(&pairs[..]),
            Some(Node::Bytes(bytes)) => bytes.len(),
            _ => 0,
        };
        if self.copied > MOST_COPIES * self.bytes.len() {
            return Err(Malformed("it asks for the same data too many times"));
        }
        self.push(node.unwrap_or(Node::Call { callable, arguments, state: None }));
        Ok(())
    }

    /// The bytes of `("…", "latin1")`: a character each.
    fn latin1(&self, arguments: Id) -> Option<Node> {
        let Node::Sequence(arguments) = &self.nodes[arguments] else { return None };
        let Node::Str(text) = &self.nodes[*arguments.first()?] else { return None };
        text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<_>>().map(Node::Bytes)
    }

    /// The pairs that an OrderedDict may be made from; none in the usual case.
    fn pairs(&self, arguments: Id) -> Vec<(Id, Id)> {
        let Node::Sequence(arguments) = &self.nodes[arguments] else { return vec![] };
        let Some(Node::Sequence(pairs)) = arguments.first().map(|&id| &self.nodes[id]) else { return vec![] };
        let pair = |&id: &Id| match &self.nodes[id] {
            Node::Sequence(pair) if pair.len() == 2 => Some((pair[0], pair[1])),
            _ => None,
        };
        pairs.iter().filter_map(pair).collect()
    }

    fn extend(&mut self, target: Id, items: Vec<Id>) -> Result<(), PickleError> {
        match &mut self.nodes[target] {
            Node::Sequence(list) => list.extend(items),
            _ => return Err(Malformed("it adds items to something that is not a list")),
        }
        Ok(())
    }

    fn insert(&mut self, target: Id, items: Vec<Id>) -> Result<(), PickleError> {
        match &mut self.nodes[target] {
            Node::Dict(entries) if items.len().is_multiple_of(2) => {
                entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
            }
            _ => return Err(Malformed("it adds entries to something that is not a dictionary")),
        }
        Ok(())
    }

    fn build(&mut self, target: Id, given: Id) {
        // An object that takes no state here (an OrderedDict with attributes) goes without it: data only.
        if let Node::Call { state, .. } = &mut self.nodes[target] {
            *state = Some(given);
        }
    }

    fn big_int(&mut self, n: usize) -> Result<Node, PickleError> {
        let bytes = self.take(n)?;
        let negative = bytes.last().is_some_and(|&b| b >= 0x80);
        // Longer integers (the magic number of a legacy file) keep their low bits; no weight depends on them.
        let fill = if negative { 0xff } else { 0 };
        let value = (0..8).map(|i| bytes.get(i).copied().unwrap_or(fill));
        Ok(Node::Int(i64::from_le_bytes(std::array::from_fn(|i| value.clone().nth(i).unwrap_or(fill)))))
    }

    fn run(&mut self) -> Result<Id, PickleError> {
        loop {
            self.check_size()?;
            let opcode = self.take(1)?[0];
            match opcode {
                b'.' => return self.pop(),
                0x80 => {
                    if self.take(1)?[0] > 5 {
                        return Err(Malformed("its protocol is newer than 5"));
                    }
                }
                0x95 => {
                    self.take(8)?; // the length of a frame
                }
                b'(' => self.marks.push(self.stack.len()),
                b'0' => {
                    self.pop()?;
                }
                b'1' => {
                    self.pop_mark()?;
                }
                b'2' => self.stack.push(self.top()?),
                b'N' => self.push(Node::None),
                0x88 => self.push(Node::Bool(true)),
                0x89 => self.push(Node::Bool(false)),
                b'J' => {
                    let value = self.number(4)? as u32 as i32;
                    self.push(Node::Int(value.into()));
                }
                b'K' | b'M' => {
                    let value = self.number(if opcode == b'K' { 1 } else { 2 })? as i64;
                    self.push(Node::Int(value));
                }
                0x8a | 0x8b => {
                    let n = self.number(if opcode == 0x8a { 1 } else { 4 })?;
                    let node = self.big_int(n)?;
                    self.push(node);
                }
                b'I' | b'L' => {
                    let line = self.line()?;
                    self.push(match line.trim_end_matches('L') {
                        "01" => Node::Bool(true),
                        "00" => Node::Bool(false),
                        digits => Node::Int(digits.parse().map_err(|_| Malformed("a broken integer"))?),
                    });
                }
                b'G' => {
                    let bits = self.take(8)?.iter().fold(0u64, |v, &b| (v << 8) | u64::from(b));
                    self.push(Node::Float(f64::from_bits(bits)));
                }
                b'F' => {
                    let value = self.line()?.parse().map_err(|_| Malformed("a broken number"))?;
                    self.push(Node::Float(value));
                }
                b'X' | 0x8c | 0x8d => {
                    let n = self.number(match opcode {
                        b'X' => 4,
                        0x8c => 1,
                        _ => 8,
                    })?;
                    let node = self.text(n)?;
                    self.push(node);
                }
                b'V' => {
                    let line = self.line()?;
                    self.push(Node::Str(line));
                }
                b'S' => {
                    let line = self.line()?;
                    self.push(Node::Str(line.trim_matches(['\'', '"']).to_owned()));
                }
                b'U' | b'T' => {
                    // Python 2's strings: text where they are text.
                    let n = self.number(if opcode == b'U' { 1 } else { 4 })?;
                    let bytes = self.take(n)?.to_vec();
                    self.push(match String::from_utf8(bytes) {
                        Ok(text) => Node::Str(text),
                        Err(e) => Node::Bytes(e.into_bytes()),
                    });
                }
                b'B' | b'C' | 0x8e | 0x96 => {
                    let n = self.number(match opcode {
                        b'C' => 1,
                        b'B' => 4,
                        _ => 8,
                    })?;
                    let bytes = self.take(n)?.to_vec();
                    self.push(Node::Bytes(bytes));
                }
                b')' | b']' | 0x8f => self.push(Node::Sequence(vec![])),
                b'}' => self.push(Node::Dict(vec![])),
                b't' | b'l' | 0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Node::Sequence(items));
                }
                b'd' => {
                    let items = self.pop_mark()?;
                    self.push(Node::Dict(vec![]));
                    let target = self.top()?;
                    self.insert(target, items)?;
                }
                0x85 => {
                    let items = self.pop_n::<1>()?.to_vec();
                    self.push(Node::Sequence(items));
                }
                0x86 => {
                    let items = self.pop_n::<2>()?.to_vec();
                    self.push(Node::Sequence(items));
                }
                0x87 => {
                    let items = self.pop_n::<3>()?.to_vec();
                    self.push(Node::Sequence(items));
                }
                b'a' => {
                    let item = self.pop()?;
                    let target = self.top()?;
                    self.extend(target, vec![item])?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    let target = self.top()?;
                    self.extend(target, items)?;
                }
                b's' => {
                    let items = self.pop_n::<2>()?.to_vec();
                    let target = self.top()?;
                    self.insert(target, items)?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    let target = self.top()?;
                    self.insert(target, items)?;
                }
                b'p' | b'g' => {
                    let slot = self.line()?.parse().map_err(|_| Malformed("a broken memo slot"))?;
                    if opcode == b'p' { self.remember(slot)? } else { self.recall(slot)? }
                }
                b'q' | b'r' => {
                    let slot = self.number(if opcode == b'q' { 1 } else { 4 })?;
                    self.remember(slot)?;
                }
                0x94 => self.remember(self.memo.len())?,
                b'h' | b'j' => {
                    let slot = self.number(if opcode == b'h' { 1 } else { 4 })?;
                    self.recall(slot)?;
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(&module, &name)?;
                }
                0x93 => {
                    let [module, name] = self.pop_n()?;
                    match (&self.nodes[module], &self.nodes[name]) {
                        (Node::Str(module), Node::Str(name)) => {
                            let (module, name) = (module.clone(), name.clone());
                            self.global(&module, &name)?;
                        }
                        _ => return Err(Malformed("a global without a name")),
                    }
                }
                b'R' | 0x81 => {
                    let [callable, arguments] = self.pop_n()?;
                    self.call(callable, arguments)?;
                }
                b'b' => {
                    let given = self.pop()?;
                    let target = self.top()?;
                    self.build(target, given);
                }
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Node::Persistent(id));
                }
                other => return Err(PickleError::Opcode(other)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_that_could_run_something_is_refused_by_its_name() {
        // pickle.dumps(os.system) called with a string, protocol 0 and 4.
        let old = b"cposix\nsystem\n(S'echo no'\ntR.";
        let new = b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02no\x85R.";
        for bytes in [&old[..], &new[..]] {
            let error = Pickle::read(bytes).unwrap_err();
            assert_eq!(error, PickleError::Refused("posix.system".into()));
            assert!(error.to_string().contains("posix.system"));
        }
        let eval = Pickle::read(b"c__builtin__\neval\n.").unwrap_err();
        assert_eq!(eval, PickleError::Refused("__builtin__.eval".into()));
        assert!(Pickle::read(b"ctorch\nevil.Storage\n.").is_err());
    }

    #[test]
    fn damaged_pickles_are_errors() {
        // {"a": (1, 2.5, None), "b": [True]} of protocol 4.
        let whole = b"\x80\x04}(\x8c\x01aK\x01G@\x04\x00\x00\x00\x00\x00\x00N\x87\x8c\x01b]\x88au.";
        let (pickle, used) = Pickle::read(whole).unwrap();
        assert_eq!(used, whole.len());
        let entries = pickle.entries(pickle.root).unwrap();
        assert_eq!(pickle.str(entries[0].0), Some("a"));
        let tuple = pickle.sequence(entries[0].1).unwrap();
        assert_eq!(pickle.node(tuple[1]), &Node::Float(2.5));
        for end in 0..whole.len() {
            assert!(Pickle::read(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut damaged = whole.to_vec();
                damaged[at] ^= 1 << bit;
                let _ = Pickle::read(&damaged); // any answer, but no panic
            }
        }
        // A million nested tuples neither overflow the stack nor take time.
        let mut deep = vec![b')'];
        deep.extend(std::iter::repeat_n(0x85, 1_000_000));
        deep.push(b'.');
        assert!(Pickle::read(&deep).is_ok());
        // Nor does one that has more objects than memory should be taken for.
        for opcode in [b')', b'(', b'2'] {
            let mut many = vec![b')'];
            many.extend(std::iter::repeat_n(opcode, 5_000_000));
            assert_eq!(
                Pickle::read(&many).unwrap_err(),
                Malformed("it has more objects than weights can need")
            );
        }
    }
}
