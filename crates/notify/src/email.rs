//! Mail, by SMTP. Always encrypted: a server that offers neither way is not given a password. A message is plain text with an HTML twin,
//! both whole, because half of the world's readers of mail show one of them and no more.

use crate::{Lent, Messenger, SILENCE, Sent, fit, invalid, message::Message};
use async_trait::async_trait;
use kit::clock::Clock;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    message::{Mailbox, MultiPart},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use model::{
    alert::Severity,
    channel::{Language, MailTls},
    failure::{Code, Failure},
    secret::Secret,
};
use std::{error::Error, fmt::Write, io, sync::Arc};
use tokio_util::sync::CancellationToken;
use url::Url;

/// More than anybody reads; a bound all the same.
const MOST_ITEMS: usize = 300;

/// A mail server and who signs in there.
pub(crate) struct Server<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) tls: MailTls,
    pub(crate) user: &'a str,
}

/// A sender, its server and the readers.
pub(crate) struct Email {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    host: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    clock: Arc<dyn Clock>,
}

impl Email {
    pub(crate) fn new(
        server: &Server<'_>,
        from: &str,
        to: &[String],
        password: &Secret,
        lent: &Lent,
    ) -> Result<Self, Failure> {
        let host = server.host.trim();
        let named = !host.is_empty()
            && host.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '.' | '-' | ':' | '[' | ']'));
        if !named {
            return Err(invalid("host"));
        }
        if server.port == 0 {
            return Err(invalid("port"));
        }
        if server.user.trim().is_empty() {
            return Err(invalid("user"));
        }
        let mailbox = |text: &str, field| text.trim().parse::<Mailbox>().map_err(|_| invalid(field));
        let from = mailbox(from, "from")?;
        let to = to.iter().map(|reader| mailbox(reader, "to")).collect::<Result<Vec<_>, _>>()?;
        if to.is_empty() {
            return Err(invalid("to"));
        }
        let builder = if let Some((host, port)) = stand_in(host, server.port, &lent.url_map) {
            // A simulator on this computer; the wire does not leave it, as with HTTP.
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(port)
        } else {
            let parameters = TlsParameters::new(host.to_owned())
                .map_err(|error| Failure::new(Code::Internal).detail("TLS could not be set up").caused_by(error))?;
            let tls = match server.tls {
                MailTls::Implicit => Tls::Wrapper(parameters),
                MailTls::Starttls => Tls::Required(parameters),
            };
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(server.port).tls(tls)
        };
        let credentials = Credentials::new(server.user.trim().to_owned(), password.expose().to_owned());
        let transport = builder.credentials(credentials).timeout(Some(SILENCE)).build();
        Ok(Self { transport, host: host.to_owned(), from, to, clock: Arc::clone(&lent.clock) })
    }

    fn letter(&self, message: &Message) -> Result<lettre::Message, Failure> {
        let domain = self.from.email.domain();
        let mut letter = lettre::Message::builder()
            .from(self.from.clone())
            .subject(&message.title)
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .date(self.clock.now().into());
        for reader in &self.to {
            letter = letter.to(reader.clone());
        }
        letter
            .multipart(MultiPart::alternative_plain_html(plain(message), html(message)))
            .map_err(|error| Failure::new(Code::Internal).detail("a letter could not be made").caused_by(error))
    }

    /// Our word for what went wrong. A server's own words do not quote the password, but they may quote addresses, so they stay short.
    fn failure(&self, error: lettre::transport::smtp::Error) -> Failure {
        let mut innermost: &(dyn Error + 'static) = &error;
        let mut insecure = error.is_tls();
        while let Some(inner) = innermost.source() {
            innermost = inner;
            insecure |= innermost.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::InvalidData);
        }
        let told = error.to_string();
        let status = error.status().map(|code| code.to_string());
        let code = match status.as_deref() {
            Some("530" | "534" | "535" | "538") => Code::ChannelRejected,
            Some("521" | "550" | "551" | "553" | "556") => Code::ChannelClosed,
            Some(status) if status.starts_with('5') => Code::MessageRefused,
            Some(_) => Code::PlatformDown,
            None if insecure || told.contains("STARTTLS") => Code::MailNotSecure,
            None if told.contains("authentication mechanism") => Code::ChannelRejected,
            None if error.is_timeout() => Code::Timeout,
            None if error.is_response() => Code::PlatformDown,
            None => Code::Offline,
        };
        let failure = Failure::new(code).with("system", &self.host).detail(&told).caused_by(error);
        match (status, code) {
            (Some(status), _) => failure.with("status", status),
            (None, Code::Timeout) => failure.with("secs", SILENCE.as_secs()),
            (None, _) => failure,
        }
    }
}

#[async_trait]
impl Messenger for Email {
    async fn send(&self, message: &Message, cancel: &CancellationToken) -> Result<Sent, Failure> {
        let message = fit::shortened(message, |message| message.len() <= MOST_ITEMS);
        let letter = self.letter(&message)?;
        let sent = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Failure::new(Code::Cancelled)),
            sent = self.transport.send(letter) => sent,
        };
        sent.map(|_| Sent::default()).map_err(|error| self.failure(error))
    }
}

/// Host and port on this computer that stand in for a mail server.
fn stand_in(host: &str, port: u16, url_map: &[(String, String)]) -> Option<(String, u16)> {
    let (_, to) = url_map.iter().find(|(from, _)| *from == format!("smtp://{host}:{port}"))?;
    let to = Url::parse(to).ok()?;
    let local = to.host_str().filter(|host| *host == "127.0.0.1")?;
    Some((local.to_owned(), to.port()?))
}

fn plain(message: &Message) -> String {
    let mut text = format!("{}\n", message.title);
    for group in &message.groups {
        if !group.heading.is_empty() {
            // Writing into a String does not fail.
            let _ = write!(text, "\n{}\n", group.heading.to_uppercase());
        }
        for item in &group.items {
            let _ = write!(text, "\n{}: {}\n{}\n{}\n", item.mark, item.headline, item.place, item.text);
            if let Some(action) = &item.action {
                let _ = writeln!(text, "→ {action}");
            }
        }
    }
    if let Some(foot) = &message.foot {
        let _ = write!(text, "\n{foot}\n");
    }
    text
}

fn escape(text: &str) -> String {
    crate::telegram::escape(text).replace('"', "&quot;")
}

/// Simple on purpose: one column, no images, nothing loaded from anywhere.
fn html(message: &Message) -> String {
    let lang = match message.language {
        Language::Ru => "ru",
        Language::En => "en",
    };
    let mut body = format!("<h2 style=\"font-size:18px;margin:0 0 16px\">{}</h2>", escape(&message.title));
    for group in &message.groups {
        if !group.heading.is_empty() {
            let _ = write!(body, "<h3 style=\"font-size:15px;margin:20px 0 8px\">{}</h3>", escape(&group.heading));
        }
        for item in &group.items {
            let colour = match item.severity {
                Some(Severity::Critical) => "#b3261e",
                Some(Severity::Warning) => "#8a5a00",
                Some(Severity::Notice) => "#1d5fa8",
                None => "#2e6b34",
            };
            let _ = write!(
                body,
                "<div style=\"border-left:3px solid {colour};padding:0 0 0 12px;margin:0 0 14px\">\
                 <div><b style=\"color:{colour}\">{}:</b> <b>{}</b></div>\
                 <div style=\"color:#5a6472\">{}</div><div>{}</div>",
                escape(&item.mark),
                escape(&item.headline),
                escape(&item.place),
                escape(&item.text)
            );
            if let Some(action) = &item.action {
                let _ = write!(body, "<div>→ {}</div>", escape(action));
            }
            body.push_str("</div>");
        }
    }
    if let Some(foot) = &message.foot {
        let _ = write!(body, "<p style=\"color:#5a6472\">{}</p>", escape(foot));
    }
    format!(
        "<!DOCTYPE html><html lang=\"{lang}\"><head><meta charset=\"utf-8\"></head>\
         <body style=\"font:14px/1.45 -apple-system,'Segoe UI',Roboto,Arial,sans-serif;color:#1c2430;margin:16px;max-width:640px\">\
         {body}</body></html>"
    )
}
