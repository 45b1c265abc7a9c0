//! The keys of resources by number.
//!
//! Indexes of joins name resources hundreds of thousands of times. A number takes 4
//! bytes there, a key about eighty, and by its number is found what was read of a
//! resource.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use tidegate_model::ResourceKey;

use crate::raw::Raw;

/// Keys by number.
#[derive(Debug, Default)]
pub(crate) struct Keys<'c> {
    /// Empty where a resource is gone.
    texts: Vec<Text<'c>>,
    /// Numbers of resources that are gone, for new ones.
    free: Vec<u32>,
    /// Of those that are new or changed.
    numbers: HashMap<ResourceKey, u32>,
}

/// A key, or nothing.
#[derive(Debug)]
enum Text<'c> {
    Carried(&'c str),
    New(ResourceKey),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Carried(text) => text,
            Self::New(key) => key.as_str(),
        }
    }
}

/// The keys as they are carried: one text, and where each of them ends.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct KeyTable<'c> {
    #[serde(borrow)]
    text: Cow<'c, str>,
    /// 4 bytes each.
    #[serde(borrow)]
    ends: Raw<'c>,
}

impl KeyTable<'_> {
    /// How many bytes it takes.
    pub(crate) fn len(&self) -> usize {
        self.text.len() + self.ends.0.len()
    }
}

impl<'c> Keys<'c> {
    /// The keys of a table; `None` if it is none.
    pub(crate) fn read(table: KeyTable<'c>) -> Option<Self> {
        // What is written is owned, what is read is not.
        let Cow::Borrowed(text) = table.text else { return None };
        let (mut keys, mut from) = (Self::default(), 0);
        for end in table.ends.numbers() {
            let to = usize::try_from(end).ok()?;
            let key = text.get(from..to)?;
            if key.is_empty() {
                keys.free.push(u32::try_from(keys.texts.len()).ok()?);
            }
            keys.texts.push(Text::Carried(key));
            from = to;
        }
        (from == text.len()).then_some(keys)
    }

    pub(crate) fn table(&self) -> KeyTable<'static> {
        let mut text = String::with_capacity(self.texts.iter().map(|t| t.len()).sum());
        let ends = self.texts.iter().map(|key| {
            text.push_str(key);
            u32::try_from(text.len()).unwrap_or(u32::MAX)
        });
        KeyTable { ends: Raw::of_numbers(ends), text: Cow::Owned(text) }
    }

    /// How many numbers are given.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The key with a number; empty if there is none.
    pub(crate) fn text(&self, number: u32) -> &str {
        self.texts.get(number as usize).map_or("", |t| t)
    }

    /// The number of a key that is new or changed.
    pub(crate) fn number(&mut self, key: &ResourceKey) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let text = Text::New(key.clone());
        let number = match self.free.pop() {
            Some(number) => {
                if let Some(slot) = self.texts.get_mut(number as usize) {
                    *slot = text;
                }
                number
            }
            None => {
                self.texts.push(text);
                u32::try_from(self.texts.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.numbers.insert(key.clone(), number);
        number
    }

    /// Learns which keys changed: by number, whether it did.
    pub(crate) fn mark(&mut self, changed: impl Fn(&str) -> bool) -> Vec<bool> {
        let mut marks = vec![false; self.texts.len()];
        for ((number, text), mark) in (0..).zip(&self.texts).zip(&mut marks) {
            if !text.is_empty()
                && changed(text)
                && let Ok(key) = ResourceKey::new(&**text)
            {
                *mark = true;
                self.numbers.insert(key, number);
            }
        }
        marks
    }

    /// Forgets a key that changed, and that nothing names any more.
    pub(crate) fn remove(&mut self, key: &ResourceKey) {
        if let Some(number) = self.numbers.remove(key)
            && let Some(text) = self.texts.get_mut(number as usize)
        {
            *text = Text::Carried("");
            self.free.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> ResourceKey {
        ResourceKey::new(text).unwrap()
    }

    fn carried(keys: &Keys<'_>) -> (String, Raw<'static>) {
        let table = keys.table();
        (table.text.into_owned(), table.ends)
    }

    fn read<'c>(text: &'c str, ends: &Raw<'_>) -> Option<Keys<'c>> {
        Keys::read(KeyTable { text: text.into(), ends: ends.clone().into_owned() })
    }

    #[test]
    fn a_number_stays_with_its_key_until_that_is_gone() {
        let mut keys = Keys::default();
        let [a, b, c] = ["s/a.b/1", "s/a.b/2", "s/a.b/3"].map(key);
        assert_eq!((keys.number(&a), keys.number(&b), keys.number(&a)), (0, 1, 0));
        let (text, ends) = carried(&keys);
        let mut keys = read(&text, &ends).unwrap();
        assert_eq!(keys.mark(|k| k == a.as_str()), [true, false]);
        keys.remove(&b);
        assert_eq!(keys.text(1), b.as_str(), "it did not change");
        keys.remove(&a);
        let (text, ends) = carried(&keys);
        let mut keys = read(&text, &ends).unwrap();
        assert_eq!((keys.text(0), keys.text(1), keys.text(9)), ("", b.as_str(), ""));
        assert_eq!((keys.number(&c), keys.len()), (0, 2));
    }

    #[test]
    fn a_table_that_does_not_fit_its_text_is_none() {
        for (text, ends) in
            [("ab", vec![1]), ("ab", vec![2, 1]), ("ab", vec![3]), ("ä", vec![1, 2])]
        {
            assert!(read(text, &Raw::of_numbers(ends.into_iter())).is_none());
        }
    }
}
