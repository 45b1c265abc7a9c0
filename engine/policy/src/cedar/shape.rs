//! What a schema declares of entities and context, and values in that form.
//!
//! An attribute is the member of the body of its name. What the body has beyond
//! that is left out; null counts as absent. Where a set of texts is declared and
//! the body has an object, the set is that of its keys. Times are RFC 3339, or
//! without an offset as Keystone writes them, which means UTC.

use std::collections::BTreeMap;

use regorus::Value;
use serde_json::{Map, Value as Json, json};
use tidegate_model::{AbortCode, Timestamp};

/// A type of a schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    Text,
    Number,
    Truth,
    Time,
    /// An entity of this type; in a body, its id.
    Entity(String),
    Set(Box<Shape>),
    Record(Record),
}

/// A record of a schema.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Record(pub(crate) BTreeMap<String, (Shape, Need)>);

/// Whether a member of a record must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// Why a value is not in the form that is declared.
pub(crate) type Unfit = (AbortCode, String);

/// The types of a schema, read from its resolved JSON form.
pub(crate) struct Types<'j> {
    json: &'j Json,
}

impl<'j> Types<'j> {
    pub(crate) fn new(json: &'j Json) -> Self {
        Self { json }
    }

    fn member(&self, of: &str, name: &str) -> Option<&'j Json> {
        let (namespace, base) = name.rsplit_once("::").unwrap_or(("", name));
        self.json.get(namespace)?.get(of)?.get(base)
    }

    /// An entity type as declared.
    pub(crate) fn entity(&self, name: &str) -> Option<&'j Json> {
        self.member("entityTypes", name)
    }

    /// The attributes of an entity type.
    pub(crate) fn attributes(&self, name: &str) -> Result<Record, String> {
        let entity = self.entity(name).ok_or_else(|| format!("there is no entity `{name}`"))?;
        match entity.get("shape") {
            None => Ok(Record::default()),
            Some(shape) => self.record(shape).map_err(|e| format!("entity `{name}`: {e}")),
        }
    }

    /// The context of an action that stands in no namespace.
    pub(crate) fn context(&self, action: &str) -> Result<Record, String> {
        let action = self.member("actions", action);
        match action.and_then(|a| a.pointer("/appliesTo/context")) {
            None => Ok(Record::default()),
            Some(shape) => self.record(shape).map_err(|e| format!("context: {e}")),
        }
    }

    fn record(&self, json: &Json) -> Result<Record, String> {
        match self.shape(json)? {
            Shape::Record(record) => Ok(record),
            _ => Err("it is not a record".to_owned()),
        }
    }

    fn shape(&self, json: &Json) -> Result<Shape, String> {
        let text = |key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default();
        let own = |name: &str| name.strip_prefix("__cedar::").unwrap_or(name).to_owned();
        match own(text("type")).as_str() {
            "String" => Ok(Shape::Text),
            "Long" => Ok(Shape::Number),
            "Bool" | "Boolean" => Ok(Shape::Truth),
            "datetime" => Ok(Shape::Time),
            "Extension" if own(text("name")) == "datetime" => Ok(Shape::Time),
            "Entity" => Ok(Shape::Entity(text("name").to_owned())),
            "Set" => {
                let element = json.get("element").ok_or("a set of nothing")?;
                Ok(Shape::Set(Box::new(self.shape(element)?)))
            }
            "Record" => {
                let members = json.get("attributes").and_then(Json::as_object);
                let one = |(name, json): (&String, &Json)| {
                    let shape = self.shape(json).map_err(|e| format!("`{name}`: {e}"))?;
                    let required = json.get("required").and_then(Json::as_bool) != Some(false);
                    let need = if required { Need::Required } else { Need::Optional };
                    Ok((name.clone(), (shape, need)))
                };
                let members = members.into_iter().flatten().map(one);
                Ok(Shape::Record(Record(members.collect::<Result<_, String>>()?)))
            }
            name => match self.member("commonTypes", name) {
                // A schema with types that lead in a circle was refused by Cedar.
                Some(common) => self.shape(common),
                None => Err(format!("values of type `{name}` cannot be read from a body")),
            },
        }
    }
}

impl Record {
    /// The members of an object in the form declared, as Cedar's own JSON.
    pub(crate) fn of(&self, value: &Value, at: &str) -> Result<Json, Unfit> {
        let Value::Object(members) = value else { return unfit(at, "an object") };
        let mut out = Map::new();
        for (name, (shape, need)) in &self.0 {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            match members.get(&Value::from(name.as_str())) {
                None | Some(Value::Null | Value::Undefined) => match need {
                    Need::Required => {
                        return Err((AbortCode::Requires, format!("`{at}` is absent")));
                    }
                    Need::Optional => {}
                },
                Some(value) => drop(out.insert(name.clone(), shape.of(value, &at)?)),
            }
        }
        Ok(out.into())
    }

    /// The pointers that must exist: of required members, in required records.
    pub(crate) fn required(&self, at: &str, found: &mut Vec<String>) {
        for (name, (shape, need)) in &self.0 {
            if *need == Need::Optional {
                continue;
            }
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            found.push(at.clone());
            if let Shape::Record(record) = shape {
                record.required(&at, found);
            }
        }
    }

    /// Hands out each place that names an entity, as a pointer of a join, with
    /// the type.
    pub(crate) fn entities(&self, at: &str, found: &mut dyn FnMut(String, &str)) {
        for (name, (shape, _)) in &self.0 {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            shape.entities(at, found);
        }
    }
}

impl Shape {
    fn of(&self, value: &Value, at: &str) -> Result<Json, Unfit> {
        match (self, value) {
            (Self::Text, Value::String(text)) => Ok(text.as_ref().into()),
            (Self::Text, _) => unfit(at, "text"),
            (Self::Number, Value::Number(number)) => match number.as_i64() {
                Some(number) => Ok(number.into()),
                None => unfit(at, "a whole number"),
            },
            (Self::Number, _) => unfit(at, "a whole number"),
            (Self::Truth, Value::Bool(truth)) => Ok((*truth).into()),
            (Self::Truth, _) => unfit(at, "true or false"),
            (Self::Time, Value::String(text)) => match time(text) {
                Some(time) => Ok(time.into()),
                None => unfit(at, "a time"),
            },
            (Self::Time, _) => unfit(at, "a time"),
            (Self::Entity(kind), Value::String(id)) => {
                Ok(json!({"__entity": {"type": kind, "id": id.as_ref()}}))
            }
            (Self::Entity(_), _) => unfit(at, "an id"),
            (Self::Set(element), Value::Array(items)) => {
                let items = items.iter().enumerate();
                let items = items.map(|(n, item)| element.of(item, &format!("{at}/{n}")));
                Ok(Json::Array(items.collect::<Result<_, _>>()?))
            }
            (Self::Set(element), Value::Object(members)) if **element == Self::Text => {
                let keys = members.iter_sorted().map(|(key, _)| element.of(key, at));
                Ok(Json::Array(keys.collect::<Result<_, _>>()?))
            }
            (Self::Set(_), _) => unfit(at, "a list"),
            (Self::Record(record), value) => record.of(value, at),
        }
    }

    fn entities(&self, at: String, found: &mut dyn FnMut(String, &str)) {
        match self {
            Self::Entity(kind) => found(at, kind),
            Self::Set(element) => match element.as_ref() {
                // Joins take the elements of an array by themselves.
                Self::Entity(kind) => found(at, kind),
                element => element.entities(format!("{at}/*"), found),
            },
            Self::Record(record) => record.entities(&at, found),
            Self::Text | Self::Number | Self::Truth | Self::Time => {}
        }
    }
}

fn unfit<T>(at: &str, wanted: &str) -> Result<T, Unfit> {
    Err((AbortCode::Error, format!("`{at}` is not {wanted}")))
}

/// A time as Cedar reads it.
fn time(text: &str) -> Option<String> {
    let time: Timestamp = match text.parse() {
        Ok(time) => time,
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        }
    };
    Some(time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
}
