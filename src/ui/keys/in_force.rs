//! The keys that count: those of the list, and what a person has changed of them.

use super::written::{is_shifted, read, written};
use super::{KeyCommand, Shortcut, shortcuts};
use egui::{Context, Id, Key, KeyboardShortcut, Modifiers};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// What a person has changed: the title of a line, and its keys as they are written on screen. This is what is kept.
pub type Changes = BTreeMap<String, Vec<String>>;

/// The list of keys as it counts now.
#[derive(Clone)]
pub struct Keys {
    lines: Vec<Shortcut>,
}

impl Keys {
    /// The list with its own keys.
    fn first() -> Arc<Self> {
        static FIRST: LazyLock<Arc<Keys>> = LazyLock::new(|| Arc::new(Keys { lines: shortcuts().to_vec() }));
        Arc::clone(&FIRST)
    }

    /// The list with a person's changes. Lines and keys that this program does not know are passed over, and so is a key
    /// that would mean two things.
    pub fn with(changes: &Changes) -> Self {
        let mut keys = Self { lines: Self::first().lines.clone() };
        let changed: Vec<_> = shortcuts()
            .iter()
            .filter(|line| line.can_change())
            .filter_map(|line| Some((line, changes.get(line.title)?)))
            .collect();
        // First what a person has taken away, so that another line can have it.
        for (line, wanted) in &changed {
            let kept = |key: &KeyboardShortcut| wanted.contains(&written(key));
            keys.put(line.title, line.keys.iter().filter(|key| kept(key)).copied().collect());
        }
        for (line, wanted) in changed {
            let free =
                |key: &KeyboardShortcut| keys.meaning(key).is_none_or(|other| other.title == line.title);
            let wanted: Vec<_> = wanted.iter().filter_map(|text| read(text)).filter(free).collect();
            keys.put(line.title, wanted);
        }
        keys
    }

    /// What differs from the list's own keys.
    pub fn changes(&self) -> Changes {
        let differs = |(own, line): &(&Shortcut, &Shortcut)| own.keys != line.keys;
        let pairs = shortcuts().iter().zip(&self.lines).filter(differs);
        pairs.map(|(_, line)| (line.title.to_owned(), line.keys.iter().map(written).collect())).collect()
    }

    pub fn lines(&self) -> &[Shortcut] {
        &self.lines
    }

    /// The line that a key belongs to.
    pub fn meaning(&self, key: &KeyboardShortcut) -> Option<&Shortcut> {
        self.lines.iter().find(|line| line.keys.contains(key))
    }

    /// Gives a line these keys, and takes them from the others.
    pub fn give(&mut self, title: &str, keys: Vec<KeyboardShortcut>) {
        for line in &mut self.lines {
            if line.keys.iter().any(|key| keys.contains(key)) {
                line.keys.to_mut().retain(|key| !keys.contains(key));
            }
        }
        self.put(title, keys);
    }

    /// Gives a line its own keys back, where no other has them now.
    pub fn give_back(&mut self, title: &str) {
        let Some(own) = shortcuts().iter().find(|line| line.title == title) else { return };
        let free = |key: &&KeyboardShortcut| self.meaning(key).is_none_or(|other| other.title == title);
        let keys = own.keys.iter().filter(free).copied().collect();
        self.put(title, keys);
    }

    fn put(&mut self, title: &str, keys: Vec<KeyboardShortcut>) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.title == title) {
            line.keys = Cow::Owned(keys);
        }
    }

    /// The command of a key.
    pub fn find(&self, key: Key, modifiers: Modifiers) -> Option<KeyCommand> {
        let fits = |s: &KeyboardShortcut| {
            let shift = modifiers.shift && !is_shifted(key);
            let modifiers = Modifiers { shift, ..modifiers };
            s.logical_key == key && modifiers.matches_exact(s.modifiers)
        };
        self.lines.iter().find(|s| s.keys.iter().any(fits)).map(|s| s.command)
    }

    /// Whether a key of a command is down. Its modifiers are not looked at: a key that is held counts until it is released.
    pub fn is_down(&self, ctx: &Context, command: KeyCommand) -> bool {
        let keys = self.lines.iter().filter(|s| s.command == command).flat_map(|s| s.keys.iter());
        ctx.input(|i| keys.into_iter().any(|key| i.key_down(key.logical_key)))
    }
}

/// The keys that count in a window.
pub fn keys(ctx: &Context) -> Arc<Keys> {
    ctx.data(|data| data.get_temp(place())).unwrap_or_else(Keys::first)
}

/// From now on these count.
pub fn set_keys(ctx: &Context, keys: Keys) {
    ctx.data_mut(|data| data.insert_temp(place(), Arc::new(keys)));
}

fn place() -> Id {
    Id::unique("keys that count")
}

/// The first shortcut of a command, for tooltips.
pub fn shortcut_of(ctx: &Context, command: KeyCommand) -> Option<String> {
    keys(ctx).lines().iter().find(|s| s.command == command)?.keys.first().map(written)
}

/// Replaces each `{title}` in a sentence by the key that this line of the list has now, or by the title if it has none.
pub fn with_keys(ctx: &Context, words: &str) -> String {
    let (keys, mut said, mut rest) = (keys(ctx), String::with_capacity(words.len()), words);
    while let Some((before, after)) = rest.split_once('{') {
        let found = after.split_once('}').and_then(|(title, after)| {
            let line = keys.lines().iter().find(|line| line.title == title)?;
            let key = line.keys.first().map_or_else(|| format!("“{title}”"), written);
            Some((key, after))
        });
        said += before;
        match found {
            Some((key, after)) => {
                said += &key;
                rest = after;
            }
            None => {
                said.push('{');
                rest = after;
            }
        }
    }
    said + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(all: &[(&str, &[&str])]) -> Changes {
        let words = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        all.iter().map(|(title, keys)| ((*title).to_owned(), words(keys))).collect()
    }

    fn shortcut(text: &str) -> KeyboardShortcut {
        read(text).unwrap()
    }

    #[test]
    fn a_changed_key_counts_and_the_old_one_does_not() {
        let keys = Keys::with(&changes(&[("Fit the image into the view", &["Ctrl+Alt+F"])]));
        assert_eq!(
            keys.find(Key::F, Modifiers::CTRL | Modifiers::COMMAND | Modifiers::ALT),
            Some(KeyCommand::Fit)
        );
        assert_eq!(keys.find(Key::R, Modifiers::NONE), None);
        assert_eq!(keys.changes(), changes(&[("Fit the image into the view", &["Ctrl+Alt+F"])]));
    }

    #[test]
    fn two_lines_can_change_places() {
        let all = changes(&[("Undo", &["Ctrl+Y"]), ("Redo", &["Ctrl+Z"])]);
        let keys = Keys::with(&all);
        assert_eq!(keys.meaning(&shortcut("Ctrl+Y")).unwrap().command, KeyCommand::Undo);
        assert_eq!(keys.meaning(&shortcut("Ctrl+Z")).unwrap().command, KeyCommand::Redo);
        assert_eq!(keys.changes(), all);
    }

    #[test]
    fn no_change_makes_a_key_mean_two_things_or_takes_escape_away() {
        let all = changes(&[
            ("Undo", &["Ctrl+K", "Ctrl+U"]),
            ("Redo", &["Ctrl+U"]),
            ("Cancel what is being drawn", &["F9"]),
            ("Of another program", &["F8"]),
            ("Save", &["no key"]),
        ]);
        let keys = Keys::with(&all);
        assert_eq!(keys.meaning(&shortcut("Ctrl+K")).unwrap().command, KeyCommand::Find);
        assert_eq!(keys.meaning(&shortcut("Ctrl+U")).unwrap().command, KeyCommand::Undo);
        assert_eq!(keys.meaning(&shortcut("Esc")).unwrap().command, KeyCommand::Abort);
        for line in keys.lines() {
            for key in line.keys.iter() {
                assert_eq!(
                    keys.lines().iter().filter(|other| other.keys.contains(key)).count(),
                    1,
                    "{key:?}"
                );
            }
        }
    }

    #[test]
    fn sentences_name_the_keys_that_count() {
        let ctx = Context::default();
        let say = |words: &str| with_keys(&ctx, words);
        assert_eq!(say("{Smaller brush} {Larger brush} or the wheel"), "[ ] or the wheel");
        assert_eq!(say("Reduce it: {Reduce motion}"), "Reduce it: “Reduce motion”");
        assert_eq!(say("“{a name}” is locked {"), "“{a name}” is locked {");
        set_keys(&ctx, Keys::with(&changes(&[("Smaller brush", &["F7"])])));
        assert_eq!(say("{Smaller brush} {Larger brush}"), "F7 ]");
    }

    #[test]
    fn what_is_given_is_taken_from_the_others_and_comes_back() {
        let mut keys = Keys::with(&Changes::new());
        keys.give("Redo", vec![shortcut("Ctrl+Z")]);
        assert_eq!(keys.meaning(&shortcut("Ctrl+Z")).unwrap().command, KeyCommand::Redo);
        assert!(keys.changes().contains_key("Undo"));
        keys.give_back("Redo");
        keys.give_back("Undo");
        assert_eq!(keys.changes(), Changes::new());
    }
}
