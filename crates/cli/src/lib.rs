//! What the two command line programs share: `syncdeckctl`, and the small `syncdeck-source`, which is only the command `source` of it.

pub mod source;
