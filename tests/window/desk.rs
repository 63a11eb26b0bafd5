//! A desktop's notification service on the bus of the tests, which keeps what it was asked to show. The interface is the one that every
//! desktop of this system offers: <https://specifications.freedesktop.org/notification/latest/protocol.html>.
#![allow(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the interface's macro calls methods and hands on all arguments"
)]

use anyhow::{Context, Result};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};
use zbus::{Connection, connection, interface, zvariant::OwnedValue};

type Shown = Arc<Mutex<Vec<String>>>;

/// The service, for as long as this lives.
pub struct Desk {
    shown: Shown,
    _connection: Connection,
}

impl Desk {
    /// Takes the service's name on the bus.
    pub async fn open() -> Result<Self> {
        let shown = Shown::default();
        let connection = connection::Builder::session()?
            .name("org.freedesktop.Notifications")?
            .serve_at("/org/freedesktop/Notifications", Service { shown: Arc::clone(&shown) })?
            .build()
            .await
            .context("the bus has another notification service")?;
        Ok(Self { shown, _connection: connection })
    }

    /// What was shown so far: title and text of each.
    pub fn shown(&self) -> Vec<String> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Service {
    shown: Shown,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(clippy::too_many_arguments, reason = "the interface wants them")]
    fn notify(
        &self,
        _program: &str,
        _replaces: u32,
        _icon: &str,
        title: &str,
        text: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.push(format!("{title}\n{text}"));
        u32::try_from(shown.len()).unwrap_or(u32::MAX)
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("desk".to_owned(), "Syncdeck".to_owned(), "1".to_owned(), "1.2".to_owned())
    }

    fn close_notification(&self, _number: u32) {}
}
