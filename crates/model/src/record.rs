//! Records kept as they came: what a stream without a place among our tables leaves behind. Their shape is the vendor's, so they are
//! JSON text here and nobody below the surface looks into it.

/// One record of a stream, as the connector handed it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenericRecord {
    /// The values of its primary key as JSON text, such as `["7","2026-11-20"]`; `None` when the stream has no key.
    pub key: Option<String>,
    /// The record as JSON text, fields in the order they came.
    pub data: String,
}

impl GenericRecord {
    /// About how much memory it takes, in bytes.
    pub fn size(&self) -> usize {
        self.data.len() + self.key.as_ref().map_or(0, String::len) + size_of::<Self>()
    }
}
