//! The parts that the schemas are made of.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use serde_json::Value;

/// A key of an object, and what it holds.
pub(super) type Field = (&'static str, MetaSchemaRef);

/// An object whose keys are always there.
pub(super) fn object(description: &'static str, fields: Vec<Field>, example: Option<Value>) -> MetaSchema {
    let required = fields.iter().map(|(name, _)| *name).collect();
    MetaSchema { description: Some(description), required, properties: fields, example, ..MetaSchema::new("object") }
}

pub(super) fn described(ty: &'static str, description: &'static str) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema { description: Some(description), ..MetaSchema::new(ty) }))
}

pub(super) fn text(description: &'static str) -> MetaSchemaRef {
    described("string", description)
}

/// A number with the digits that the exchange sent: no format, as none promises to keep them.
pub(super) fn number(description: &'static str) -> MetaSchemaRef {
    described("number", description)
}

pub(super) fn boolean(description: &'static str) -> MetaSchemaRef {
    described("boolean", description)
}

pub(super) fn integer(description: &'static str) -> MetaSchemaRef {
    let schema = MetaSchema { description: Some(description), ..MetaSchema::new_with_format("integer", "int64") };
    MetaSchemaRef::Inline(Box::new(schema))
}

pub(super) fn one_of(description: &'static str, names: &[&str]) -> MetaSchemaRef {
    let enum_items = names.iter().map(|name| Value::from(*name)).collect();
    let schema = MetaSchema { description: Some(description), enum_items, ..MetaSchema::new("string") };
    MetaSchemaRef::Inline(Box::new(schema))
}

pub(super) fn named(name: &str) -> MetaSchemaRef {
    MetaSchemaRef::Reference(name.to_owned())
}

pub(super) fn list(items: MetaSchemaRef) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema { items: Some(Box::new(items)), ..MetaSchema::new("array") }))
}

pub(super) fn levels(description: &'static str) -> MetaSchemaRef {
    let level =
        MetaSchema { min_items: Some(2), max_items: Some(2), ..inline(list(number("The price, or the amount."))) };
    let levels = list(MetaSchemaRef::Inline(Box::new(level)));
    MetaSchemaRef::Inline(Box::new(MetaSchema { description: Some(description), ..inline(levels) }))
}

pub(super) fn null(schema: MetaSchemaRef) -> MetaSchemaRef {
    let mut schema = MetaSchema { nullable: true, ..inline(schema) };
    if !schema.enum_items.is_empty() {
        // In an enumeration null must stand among the values.
        schema.enum_items.push(Value::Null);
    }
    MetaSchemaRef::Inline(Box::new(schema))
}

/// A reference becomes a schema that is all of what it refers to.
pub(super) fn inline(schema: MetaSchemaRef) -> MetaSchema {
    match schema {
        MetaSchemaRef::Inline(schema) => *schema,
        reference @ MetaSchemaRef::Reference(_) => MetaSchema { all_of: vec![reference], ..MetaSchema::ANY },
    }
}
