//! One file per command.

pub(crate) mod bench;
pub(crate) mod check;
pub(crate) mod conformance;
pub(crate) mod faults;
pub(crate) mod fuzz;
pub(crate) mod r#gen;
pub(crate) mod month;
pub(crate) mod new;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod test;
