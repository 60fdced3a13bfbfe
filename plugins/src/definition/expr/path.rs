//! Plain paths, compiled: what a set of paths leads to is picked out of JSON text in one pass, without building a tree.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A step from a JSON value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `.name`
    Key(Box<str>),
    /// `[3]`
    Index(usize),
}

/// A step on the way to rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowStep {
    Step(Step),
    /// `[]`: every element; with `?` a value that has no elements is passed over.
    Each {
        lenient: bool,
    },
    /// `to_entries[]`: every element of an object as `{"key": …, "value": …}`.
    Entries,
}

/// What to pick out of a JSON value, as a tree of steps that ends in numbered slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shape {
    /// Where the text of this very value goes.
    slot: Option<usize>,
    keys: Vec<(Box<str>, Shape)>,
    /// The length and the first letter of each key: looking through these finds most of an answer's keys not wanted at once.
    tags: Vec<u16>,
    /// In the order of the indexes.
    items: Vec<(usize, Shape)>,
}

/// The JSON text of what was picked, by slot.
pub(crate) type Slots<'a> = Vec<Option<&'a str>>;

impl Shape {
    /// Picks what this path leads to as well; `next` is the first free slot. Returns the path's slot.
    pub(crate) fn add(&mut self, steps: &[Step], next: &mut usize) -> usize {
        let Some((step, rest)) = steps.split_first() else {
            return *self.slot.get_or_insert_with(|| {
                *next += 1;
                *next - 1
            });
        };
        let child = match step {
            Step::Key(key) => {
                let at = self.keys.iter().position(|(known, _)| known == key).unwrap_or_else(|| {
                    self.tags.push(tag(key));
                    self.keys.push((key.clone(), Self::default()));
                    self.keys.len() - 1
                });
                &mut self.keys[at].1
            }
            Step::Index(index) => {
                let at = self.items.binary_search_by_key(index, |(known, _)| *known).unwrap_or_else(|at| {
                    self.items.insert(at, (*index, Self::default()));
                    at
                });
                &mut self.items[at].1
            }
        };
        child.add(rest, next)
    }

    /// Picks out of a JSON text. Slots that lead nowhere stay as they are.
    pub(crate) fn pick<'a>(&self, json: &'a str, slots: &mut Slots<'a>) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        ShapeSeed { shape: self, slots }.deserialize(&mut deserializer)?;
        deserializer.end()
    }

    fn is_leaf(&self) -> bool {
        self.keys.is_empty() && self.items.is_empty()
    }

    fn key(&self, name: &str) -> Option<&Self> {
        let wanted = tag(name);
        let mut tags = self.tags.iter().enumerate().filter(|(_, tag)| **tag == wanted);
        tags.find_map(|(at, _)| self.keys.get(at).filter(|(known, _)| &**known == name)).map(|(_, shape)| shape)
    }
}

fn tag(key: &str) -> u16 {
    u16::from_le_bytes([key.len() as u8, key.as_bytes().first().copied().unwrap_or_default()])
}

struct ShapeSeed<'s, 'a> {
    shape: &'s Shape,
    slots: &'s mut Slots<'a>,
}

impl<'a> DeserializeSeed<'a> for ShapeSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.shape.slot {
            None if self.shape.is_leaf() => IgnoredAny::deserialize(deserializer).map(drop),
            None => deserializer.deserialize_any(self),
            Some(slot) => {
                let text = <&RawValue>::deserialize(deserializer)?.get();
                self.slots[slot] = Some(text);
                if self.shape.is_leaf() {
                    return Ok(());
                }
                // Both a value and something inside it are wanted: what is inside is picked out of the value's own text.
                let inside = ShapeSeed { shape: self.shape, slots: self.slots };
                serde_json::Deserializer::from_str(text).deserialize_any(inside).map_err(serde::de::Error::custom)
            }
        }
    }
}

/// Values that have nothing inside, where something inside is wanted: the slots stay empty.
macro_rules! nothing_inside {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<(), E> {
            Ok(())
        }
        fn visit_i64<E>(self, _: i64) -> Result<(), E> {
            Ok(())
        }
        fn visit_u64<E>(self, _: u64) -> Result<(), E> {
            Ok(())
        }
        fn visit_f64<E>(self, _: f64) -> Result<(), E> {
            Ok(())
        }
        fn visit_str<E>(self, _: &str) -> Result<(), E> {
            Ok(())
        }
    };
}

impl<'a> Visitor<'a> for ShapeSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    nothing_inside!();

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(child) = map.next_key_seed(KeySeed(self.shape))? {
            match child {
                Some(shape) => map.next_value_seed(ShapeSeed { shape, slots: self.slots })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut at = 0;
        for (index, shape) in &self.shape.items {
            while at < *index {
                if seq.next_element::<IgnoredAny>()?.is_none() {
                    return Ok(());
                }
                at += 1;
            }
            if seq.next_element_seed(ShapeSeed { shape, slots: self.slots })?.is_none() {
                return Ok(());
            }
            at += 1;
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Reads an object's key as the part of the shape that it leads to.
struct KeySeed<'s>(&'s Shape);

impl<'s, 'a> DeserializeSeed<'a> for KeySeed<'s> {
    type Value = Option<&'s Shape>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for KeySeed<'s> {
    type Value = Option<&'s Shape>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.key(key))
    }
}

/// Walks the rows that `steps` lead to and hands the picked slots of each to `sink`.
///
/// Answers whether the way was there at all. A `null` on the way is an empty list.
pub(crate) fn each_row<'a>(
    json: &'a str,
    steps: &[RowStep],
    shape: &Shape,
    slot_count: usize,
    mut sink: impl FnMut(&Slots<'a>),
) -> serde_json::Result<bool> {
    let mut walk = Walk { shape, slots: vec![None; slot_count], sink: &mut sink, arrived: false };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    WalkSeed { steps, walk: &mut walk }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(walk.arrived)
}

struct Walk<'w, 'a, F> {
    shape: &'w Shape,
    slots: Slots<'a>,
    sink: &'w mut F,
    arrived: bool,
}

struct WalkSeed<'w, 'k, 'a, F> {
    steps: &'w [RowStep],
    walk: &'w mut Walk<'k, 'a, F>,
}

impl<'a, F: FnMut(&Slots<'a>)> DeserializeSeed<'a> for WalkSeed<'_, '_, 'a, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        if !self.steps.is_empty() {
            return deserializer.deserialize_any(self);
        }
        let walk = self.walk;
        walk.arrived = true;
        walk.slots.fill(None);
        ShapeSeed { shape: walk.shape, slots: &mut walk.slots }.deserialize(deserializer)?;
        (walk.sink)(&walk.slots);
        Ok(())
    }
}

impl<'w, 'k, 'a, F: FnMut(&Slots<'a>)> WalkSeed<'w, 'k, 'a, F> {
    fn next(&mut self) -> WalkSeed<'_, 'k, 'a, F> {
        WalkSeed { steps: &self.steps[1..], walk: self.walk }
    }

    fn is_lenient(&self) -> bool {
        matches!(self.steps[0], RowStep::Each { lenient: true })
    }

    fn cannot_enter<E: serde::de::Error>(mut self, what: &str) -> Result<(), E> {
        if self.is_lenient() {
            self.arrive();
            return Ok(());
        }
        Err(E::custom(format_args!("{what} stands where rows should be")))
    }

    fn arrive(&mut self) {
        self.walk.arrived = true;
    }
}

impl<'a, F: FnMut(&Slots<'a>)> Visitor<'a> for WalkSeed<'_, '_, 'a, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.cannot_enter("a truth value")
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        self.cannot_enter("a number")
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.cannot_enter("a number")
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.cannot_enter("a number")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.cannot_enter("a text")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.arrive();
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        match &self.steps[0] {
            RowStep::Step(Step::Key(wanted)) => {
                while let Some(key) = map.next_key::<Cow<'a, str>>()? {
                    if *key == **wanted {
                        map.next_value_seed(self.next())?;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            RowStep::Step(Step::Index(_)) => while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {},
            RowStep::Each { .. } => {
                self.arrive();
                while map.next_key::<IgnoredAny>()?.is_some() {
                    map.next_value_seed(self.next())?;
                }
            }
            RowStep::Entries => {
                self.arrive();
                while let Some(key) = map.next_key::<&RawValue>()? {
                    let Walk { shape, slots, sink, .. } = &mut *self.walk;
                    slots.fill(None);
                    if let Some(slot) = shape.key("key").and_then(|shape| shape.slot) {
                        slots[slot] = Some(key.get());
                    }
                    match shape.key("value") {
                        Some(shape) => map.next_value_seed(ShapeSeed { shape, slots })?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                    sink(slots);
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut seq: A) -> Result<(), A::Error> {
        match self.steps[0] {
            RowStep::Each { .. } => {
                self.arrive();
                while seq.next_element_seed(self.next())?.is_some() {}
                return Ok(());
            }
            RowStep::Step(Step::Index(index)) => {
                for _ in 0..index {
                    if seq.next_element::<IgnoredAny>()?.is_none() {
                        return Ok(());
                    }
                }
                if seq.next_element_seed(self.next())?.is_none() {
                    return Ok(());
                }
            }
            RowStep::Step(Step::Key(_)) => {}
            RowStep::Entries => return self.cannot_enter("a list"),
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}
