use serde::Deserializer;
use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::mend::{keys_mend, words_known};
use super::{ReadError, Trace};
use crate::config::place::{Fault, Place};
use crate::config::tree::{Key, Node, Plain, Scalar, Value};

/// A serde deserializer over one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    node: &'de Node,
    /// Where its key stands: a missing key inside is reported there.
    owner: Place,
    trace: &'de Trace,
}

impl<'de> Reader<'de> {
    pub(super) fn new(node: &'de Node, owner: Place, trace: &'de Trace) -> Self {
        Self { node, owner, trace }
    }

    /// Notes the first error that passes, with its place.
    fn note<T>(self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        note(
            self.trace,
            result,
            |error| if error.0.code == "missing_key" { self.owner } else { self.node.place },
        )
    }

    /// Reads through `seed`, which may refuse what it read only after this reader is done.
    fn seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        self.note(seed.deserialize(self))
    }

    fn scalar(self) -> Option<&'de Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    fn any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.value {
            Value::Scalar(Scalar { text, plain }) => match *plain {
                Plain::Text => visitor.visit_borrowed_str(text),
                Plain::Bool(value) => visitor.visit_bool(value),
                Plain::Integer(value) => match u64::try_from(value) {
                    Ok(value) => visitor.visit_u64(value),
                    Err(_) => visitor.visit_i64(value),
                },
                Plain::Float(value) => visitor.visit_f64(value),
                Plain::Null => visitor.visit_unit(),
            },
            Value::List(items) => visitor.visit_seq(Items { items: items.iter(), reader: self }),
            Value::Map(entries) => {
                visitor.visit_map(Entries { rest: entries.iter(), current: None, trace: self.trace })
            }
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.scalar() {
            Some(Scalar { plain: Plain::Null, .. }) | None => self.any(visitor),
            Some(scalar) => visitor.visit_borrowed_str(&scalar.text),
        }
    }
}

fn note<T>(
    trace: &Trace,
    result: Result<T, ReadError>,
    place: impl FnOnce(&ReadError) -> Place,
) -> Result<T, ReadError> {
    result.inspect_err(|error| {
        let mut noted = trace.borrow_mut();
        if noted.is_none() {
            let mut fault = error.0.clone();
            fault.place = Some(place(error));
            *noted = Some(fault);
        }
    })
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.note(self.any(visitor))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.note(self.text(visitor))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.note(self.text(visitor))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.note(self.text(visitor))
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.note(self.text(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.scalar() {
            Some(Scalar { plain: Plain::Null, .. }) => self.note(visitor.visit_none()),
            _ => self.note(visitor.visit_some(self)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.note(visitor.visit_newtype_struct(self))
    }

    /// Only a map: serde would take a list as well, its items in the order of the fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let no_map = |ReadError(fault)| {
            let help = keys_mend(fields, self.node);
            ReadError(Fault { help, ..fault })
        };
        self.note(match self.node.value {
            Value::List(_) => Err(no_map(de::Error::invalid_type(de::Unexpected::Seq, &visitor))),
            Value::Scalar(_) => self.any(visitor).map_err(no_map),
            Value::Map(_) => self.any(visitor),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let variant = match &self.node.value {
            Value::Scalar(Scalar { text, plain }) if *plain != Plain::Null => {
                Ok(Variant { name: text, place: self.node.place, content: None, trace: self.trace })
            }
            Value::Map(entries) if entries.len() == 1 => {
                let (Key { text, place }, node) = &entries[0];
                Ok(Variant { name: text, place: *place, content: Some(node), trace: self.trace })
            }
            _ => {
                let known = words_known(variants).collect::<Vec<_>>().join(", ");
                let message = "expected one word, or one key with its settings".to_owned();
                Err(ReadError::new("invalid_value", message, format!("write one of {known}")))
            }
        };
        self.note(variant.and_then(|variant| visitor.visit_enum(variant)))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 bytes byte_buf unit unit_struct seq tuple
        tuple_struct map ignored_any
    }
}

struct Items<'de> {
    items: std::slice::Iter<'de, Node>,
    reader: Reader<'de>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        Reader::new(node, node.place, self.reader.trace).seed(seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Entries<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    current: Option<&'de (Key, Node)>,
    trace: &'de Trace,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.current = self.rest.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        seed.deserialize(Word { text: &key.text, place: key.place, trace: self.trace }).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let (key, node) = self.current.expect("serde asks for a value after its key");
        Reader::new(node, key.place, self.trace).seed(seed)
    }
}

/// A key, or the name of an enum's variant.
struct Word<'de> {
    text: &'de str,
    place: Place,
    trace: &'de Trace,
}

impl<'de> Deserializer<'de> for Word<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        note(self.trace, visitor.visit_borrowed_str(self.text), |_| self.place)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_enum(Variant { name: self.text, place: self.place, content: None, trace: self.trace })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Variant<'de> {
    name: &'de str,
    place: Place,
    content: Option<&'de Node>,
    trace: &'de Trace,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let word = Word { text: self.name, place: self.place, trace: self.trace };
        Ok((seed.deserialize(word)?, self))
    }
}

impl<'de> Variant<'de> {
    fn content(&self) -> Result<Reader<'de>, ReadError> {
        let missing = || {
            let message = format!("\"{}\" needs its settings: write {{{}: …}}", self.name, self.name);
            note(self.trace, Err(de::Error::custom(message)), |_| self.place)
        };
        self.content.map_or_else(missing, |node| Ok(Reader::new(node, self.place, self.trace)))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        if self.content.is_none() {
            return Ok(());
        }
        let message = format!("\"{}\" stands alone and takes no settings", self.name);
        note(self.trace, Err(de::Error::custom(message)), |_| self.place)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, ReadError> {
        self.content()?.seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.content()?.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.content()?.deserialize_map(visitor)
    }
}
