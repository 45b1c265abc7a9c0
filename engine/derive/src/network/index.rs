//! What is remembered from one snapshot for the next: which resource tells
//! about what and reads of what. No more: neither addresses nor names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::item::{GROUP, INPUTS, PORT};
use super::topic::{Topic, Topics};

/// The resources of each input.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Index([Lines; INPUTS.len()]);

/// A line for each resource of a kind, in order of key. As few texts as can be:
/// this is read and written with every snapshot.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Lines {
    /// What follows the kind in the keys, one after the other.
    text: String,
    topics: Vec<Topic>,
    lines: Vec<Ends>,
}

/// Where a line ends: in the text, what it reads of, and what it tells about.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Ends {
    text: u32,
    reads: u32,
    tells: u32,
}

/// One resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'i> {
    pub(super) tail: &'i str,
    pub(super) reads: &'i [Topic],
    pub(super) tells: &'i [Topic],
}

fn part<T>(all: &[T], from: u32, to: u32) -> &[T] {
    let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    all.get(at(from)..at(to)).unwrap_or_default()
}

fn end(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl Lines {
    /// Adds a resource that comes after all others.
    pub(super) fn push(&mut self, tail: &str, topics: &Topics) {
        self.text.push_str(tail);
        self.topics.extend(&topics.reads);
        let reads = end(self.topics.len());
        self.topics.extend(&topics.tells);
        let (text, tells) = (end(self.text.len()), end(self.topics.len()));
        self.lines.push(Ends { text, reads, tells });
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Line<'_>> {
        let mut from = Ends::default();
        self.lines.iter().map(move |to| {
            let start = std::mem::replace(&mut from, *to);
            self.line(start, *to)
        })
    }

    fn line(&self, from: Ends, to: Ends) -> Line<'_> {
        let at = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Line {
            tail: self.text.get(at(from.text)..at(to.text)).unwrap_or_default(),
            reads: part(&self.topics, from.tells, to.reads),
            tells: part(&self.topics, to.reads, to.tells),
        }
    }

    pub(super) fn find(&self, tail: &str) -> Option<Line<'_>> {
        let nth = |n: usize| {
            let from = match n.checked_sub(1) {
                Some(before) => *self.lines.get(before)?,
                None => Ends::default(),
            };
            Some(self.line(from, *self.lines.get(n)?))
        };
        let (mut low, mut high) = (0, self.lines.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let line = nth(middle)?;
            match line.tail.cmp(tail) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(line),
            }
        }
        None
    }

    /// Replaces some lines, and leaves out those that there are no topics for.
    fn replace(&mut self, news: &BTreeMap<&str, Option<Topics>>) {
        let mut out = Self::default();
        let mut news = news.iter().peekable();
        let add = |out: &mut Self, (tail, topics): (&&str, &Option<Topics>)| {
            if let Some(topics) = topics {
                out.push(tail, topics);
            }
        };
        for line in self.iter() {
            while let Some(new) = news.next_if(|(tail, _)| **tail < line.tail) {
                add(&mut out, new);
            }
            match news.next_if(|(tail, _)| **tail == line.tail) {
                Some(new) => add(&mut out, new),
                None => {
                    let topics = Topics { reads: line.reads.to_vec(), tells: line.tells.to_vec() };
                    out.push(line.tail, &topics);
                }
            }
        }
        news.for_each(|new| add(&mut out, new));
        *self = out;
    }
}

/// What there is news of: resources that facts are made of, by what follows
/// the kind in their key.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) groups: BTreeSet<String>,
    pub(super) ports: BTreeSet<String>,
}

impl Index {
    pub(super) fn of(&self, place: usize) -> &Lines {
        static NONE: Lines = Lines { text: String::new(), topics: Vec::new(), lines: Vec::new() };
        self.0.get(place).unwrap_or(&NONE)
    }

    pub(super) fn of_mut(&mut self, place: usize) -> Option<&mut Lines> {
        self.0.get_mut(place)
    }

    /// The resources of an input that tell about some topic.
    pub(super) fn telling<'i>(
        &'i self,
        place: usize,
        topics: &BTreeSet<Topic>,
    ) -> impl Iterator<Item = &'i str> {
        let wanted = |line: &Line<'_>| line.tells.iter().any(|t| topics.contains(t));
        self.of(place).iter().filter(wanted).map(|line| line.tail)
    }

    /// Takes in what changed of each input, with its topics now, none if it is
    /// gone. What there is news of, changed resources included.
    pub(super) fn update(&mut self, changed: &[BTreeMap<&str, Option<Topics>>]) -> News {
        let mut topics: BTreeSet<Topic> = BTreeSet::new();
        for (lines, news) in self.0.iter_mut().zip(changed) {
            for (tail, now) in news {
                topics.extend(lines.find(tail).map(|l| l.tells).into_iter().flatten());
                topics.extend(now.iter().flat_map(|t| &t.tells));
            }
            if !news.is_empty() {
                lines.replace(news);
            }
        }
        let reached = |lines: &Lines, topics: &mut BTreeSet<Topic>| {
            let mut reached = BTreeSet::new();
            for line in lines.iter() {
                if line.reads.iter().any(|t| topics.contains(t)) {
                    topics.extend(line.tells);
                    reached.insert(line.tail.to_owned());
                }
            }
            reached
        };
        let mut news = News::default();
        for (place, lines) in self.0.iter().enumerate() {
            match place {
                GROUP => news.groups = reached(lines, &mut topics),
                PORT => {
                    // Interfaces of routers and virtual addresses first.
                    reached(lines, &mut topics);
                    news.ports = reached(lines, &mut topics);
                }
                _ => {
                    reached(lines, &mut topics);
                }
            }
        }
        let own = |place: usize| changed.get(place).into_iter().flat_map(BTreeMap::keys);
        news.groups.extend(own(GROUP).map(|t| (*t).to_owned()));
        news.ports.extend(own(PORT).map(|t| (*t).to_owned()));
        news
    }
}
