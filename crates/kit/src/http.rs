//! (contract; the kit helper fills it in)
