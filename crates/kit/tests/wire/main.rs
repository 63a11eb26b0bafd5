//! `kit` over real sockets. The server is a scripted one on bare TCP, because half of what is tested here (broken chunks, a length that
//! lies, a socket that says nothing) is what a proper HTTP server refuses to do. Time is virtual except where a silence is measured.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod battery;
mod http;
mod server;
mod signin;
mod unit;
