//! The parts of a document that somebody reads.

use std::cmp::Ordering;

use regorus::Value;

use crate::pointer::Pointer;

/// A step down into a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The member of an object.
    Name(String),
    /// Every element of an array, every member of an object.
    Each,
    /// The same, where the name of the member or the place of the element is read,
    /// too.
    Keyed,
}

/// The parts of a document that are read. Of a part that is only named, it counts
/// that it is there and of which type it is; of one that is looked at, its value, too,
/// if it is a scalar.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Shape {
    whole: bool,
    looked_at: bool,
    /// In order of name.
    members: Vec<Member>,
    each: Option<Box<Shape>>,
    keys: bool,
}

/// A member of an object with what is read of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// The name as a key of the engine, which all values share.
    pub(crate) key: Value,
    pub(crate) below: Shape,
}

impl Shape {
    /// All of a document.
    pub(crate) fn whole() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Whether all of it is read.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether its value counts if it is a scalar.
    pub(crate) fn is_looked_at(&self) -> bool {
        self.whole || self.looked_at
    }

    /// What is read below a member; the key is handed out to be shared.
    pub(crate) fn member(&self, name: &str) -> Option<(&Value, &Self)> {
        let at = self.place(name).ok()?;
        self.members.get(at).map(|m| (&m.key, &m.below))
    }

    /// As [`Shape::member`], for names that come in order, as those of canonical JSON
    /// do: it is looked for from `at` on, which is left behind it. A name out of order
    /// is found as well.
    pub(crate) fn next_member(&self, at: &mut usize, name: &str) -> Option<(&Value, &Self)> {
        let before = at.checked_sub(1).and_then(|last| self.members.get(last));
        if before.is_some_and(|m| m.name.as_str() >= name) {
            *at = 0;
        }
        let rest = self.members.get(*at..).unwrap_or_default();
        for member in rest {
            match member.name.as_str().cmp(name) {
                Ordering::Less => *at += 1,
                Ordering::Equal => {
                    *at += 1;
                    return Some((&member.key, &member.below));
                }
                Ordering::Greater => return None,
            }
        }
        None
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        self.members.binary_search_by(|m| m.name.as_str().cmp(name))
    }

    /// What is read below a member, which is put in if it is not there.
    #[expect(clippy::indexing_slicing, reason = "INVARIANT: it was found or put in there")]
    fn member_mut(&mut self, name: &str) -> &mut Self {
        let at = self.place(name).unwrap_or_else(|at| {
            let (key, below) = (Value::from(name), Self::default());
            self.members.insert(at, Member { name: name.to_owned(), key, below });
            at
        });
        &mut self.members[at].below
    }

    /// What is read of every element or member.
    pub(crate) fn each(&self) -> Option<&Self> {
        self.each.as_deref()
    }

    /// Whether the names of all members are read, too.
    pub(crate) fn keys(&self) -> bool {
        self.keys || self.whole
    }

    /// The members that are named, in order of name.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Notes that the value of the part at a path counts if it is a scalar.
    pub(crate) fn look(&mut self, path: &[Step]) {
        self.touch(path).looked_at = true;
    }

    /// Names the part at a path.
    pub(crate) fn touch(&mut self, path: &[Step]) -> &mut Self {
        path.iter().fold(self, |at, step| match step {
            Step::Name(name) => at.member_mut(name),
            Step::Each => at.each.get_or_insert_default(),
            Step::Keyed => {
                at.keys = true;
                at.each.get_or_insert_default()
            }
        })
    }

    /// Notes that all of the part at a path is read.
    pub(crate) fn read(&mut self, path: &[Step]) {
        self.touch(path).whole = true;
    }

    /// Notes that what a pointer leads to is read, or only that it is there. A number
    /// or `*` in it may stand for elements or be the name of a member.
    pub(crate) fn point(&mut self, pointer: &Pointer, whole: bool) {
        let steps: Vec<&str> = pointer.segments().collect();
        self.point_at(&steps, whole);
    }

    fn point_at(&mut self, steps: &[&str], whole: bool) {
        let Some((first, rest)) = steps.split_first() else {
            self.whole |= whole;
            return;
        };
        self.touch(&[Step::Name((*first).to_owned())]).point_at(rest, whole);
        if *first == "*" || first.bytes().all(|b| b.is_ascii_digit()) {
            self.touch(&[Step::Each]).point_at(rest, whole);
        }
    }

    /// Adds what another shape reads.
    pub(crate) fn add(&mut self, other: &Self) {
        self.whole |= other.whole;
        self.looked_at |= other.looked_at;
        self.keys |= other.keys;
        for Member { name, below, .. } in &other.members {
            self.member_mut(name).add(below);
        }
        if let Some(each) = &other.each {
            self.touch(&[Step::Each]).add(each);
        }
    }

    /// Brings it into the form that [`Shape::member`] and [`Shape::each`] answer
    /// for alone: what is read of every member is read of those with a name, and
    /// nothing needs to be said below what is read whole.
    pub(crate) fn settle(&mut self) {
        if self.whole {
            *self = Self::whole();
            return;
        }
        if let Some(each) = &mut self.each {
            each.settle();
        }
        for Member { below, .. } in &mut self.members {
            if let Some(each) = &self.each {
                below.add(each);
            }
            below.settle();
        }
    }

    /// What is read of this part of every document of this shape.
    pub(crate) fn at(&self, path: &[Step]) -> Self {
        let Some((first, rest)) = path.split_first() else { return self.clone() };
        if self.whole {
            return Self::whole();
        }
        let mut found = Self::default();
        let named = self.members.iter().filter(|m| match first {
            Step::Name(asked) => *asked == m.name,
            Step::Each | Step::Keyed => true,
        });
        named.for_each(|m| found.add(&m.below.at(rest)));
        if let Some(each) = &self.each {
            found.add(&each.at(rest));
        }
        found
    }
}
