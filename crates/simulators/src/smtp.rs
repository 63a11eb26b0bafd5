//! A mail server that takes letters and shows them: EHLO, AUTH PLAIN and LOGIN, MAIL, RCPT, DATA, and on command the refusals of real
//! ones. It speaks in the clear, so it stands in for an encrypted server on this computer only; what it may be made to say after
//! `STARTTLS` is nothing, because it does not offer it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A letter that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The sender of the envelope.
    pub from: String,
    /// The readers of the envelope.
    pub to: Vec<String>,
    /// The letter as it came, with its headers.
    pub text: String,
}

/// Where in a conversation a refusal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// When a client connects.
    Greeting,
    /// When it signs in.
    Auth,
    /// When it names a reader.
    Rcpt,
    /// When the letter is there.
    Data,
}

#[derive(Debug, Default)]
struct State {
    user: String,
    password: String,
    letters: Vec<Letter>,
    refusals: VecDeque<(Stage, String)>,
    /// Answers are held back and the line is cut after a letter was taken, once.
    lose_answer: bool,
}

/// A running mail server. Dropping it stops it.
#[derive(Debug)]
pub struct Smtp {
    /// Its address.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
    runtime: Option<tokio::runtime::Runtime>,
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Smtp {
    /// Starts with one account.
    pub fn start(user: &str, password: &str) -> anyhow::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on 127.0.0.1")?;
        listener.set_nonblocking(true).context("cannot make the listener asynchronous")?;
        let address = listener.local_addr().context("the listener has no address")?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("mail-simulator")
            .enable_all()
            .build()
            .context("cannot start the simulator's runtime")?;
        let state =
            Arc::new(Mutex::new(State { user: user.to_owned(), password: password.to_owned(), ..State::default() }));
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener).context("cannot hand the listener over")?
        };
        let shared = Arc::clone(&state);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                // A client that goes away in the middle has ended the conversation, nothing more.
                tokio::spawn(async move { drop(serve(stream, &state).await) });
            }
        });
        Ok(Self { address, state, runtime: Some(runtime) })
    }

    /// How requests to a real server are led here.
    pub fn stand_in(&self, host: &str, port: u16) -> (String, String) {
        (format!("smtp://{host}:{port}"), format!("smtp://{}", self.address))
    }

    /// Refuses once at this stage with this line, such as `550 5.1.1 no such user`.
    pub fn refuse(&self, stage: Stage, line: &str) {
        lock(&self.state).refusals.push_back((stage, line.to_owned()));
    }

    /// Takes the next letter and then cuts the line instead of saying so.
    pub fn lose_next_answer(&self) {
        lock(&self.state).lose_answer = true;
    }

    /// Changes the password.
    pub fn set_password(&self, password: &str) {
        password.clone_into(&mut lock(&self.state).password);
    }

    /// Everything that was accepted, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        lock(&self.state).letters.clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The refusal that is due at this stage.
fn refusal(state: &Mutex<State>, stage: Stage) -> Option<String> {
    let mut state = lock(state);
    let due = state.refusals.front().is_some_and(|(at, _)| *at == stage);
    due.then(|| state.refusals.pop_front().map(|(_, line)| line)).flatten()
}

fn decoded(text: &str) -> Vec<u8> {
    // Small enough to be done by hand; a library for it would be this room's only use of one.
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let Some(value) = LETTERS.iter().position(|known| *known == letter).and_then(|at| u32::try_from(at).ok())
        else {
            continue;
        };
        bits = (bits << 6) | value;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap_or_default());
        }
    }
    bytes
}

fn address(line: &str) -> String {
    line.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or("", |(address, _)| address).to_owned()
}

async fn serve(stream: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    if let Some(line) = refusal(state, Stage::Greeting) {
        return writing.write_all(format!("{line}\r\n").as_bytes()).await;
    }
    writing.write_all(b"220 mail.example ESMTP\r\n").await?;
    let (mut signed_in, mut from, mut to) = (false, String::new(), Vec::new());
    while let Some(line) = lines.next_line().await? {
        let upper = line.to_uppercase();
        let answer = if upper.starts_with("EHLO") {
            "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250-8BITMIME\r\n250 SMTPUTF8".to_owned()
        } else if let Some(given) = line.strip_prefix("AUTH PLAIN ") {
            let pair = decoded(given);
            let mut parts = pair.split(|byte| *byte == 0).skip(1);
            let known = {
                let state = lock(state);
                parts.next() == Some(state.user.as_bytes()) && parts.next() == Some(state.password.as_bytes())
            };
            signed_in = known;
            greeted(state, known)
        } else if upper.starts_with("AUTH LOGIN") {
            writing.write_all(b"334 VXNlcm5hbWU6\r\n").await?;
            let user = decoded(&lines.next_line().await?.unwrap_or_default());
            writing.write_all(b"334 UGFzc3dvcmQ6\r\n").await?;
            let password = decoded(&lines.next_line().await?.unwrap_or_default());
            let known = {
                let state = lock(state);
                user == state.user.as_bytes() && password == state.password.as_bytes()
            };
            signed_in = known;
            greeted(state, known)
        } else if upper.starts_with("MAIL FROM") {
            from = address(&line);
            to.clear();
            if signed_in { "250 2.1.0 ok".to_owned() } else { "530 5.7.0 Authentication required".to_owned() }
        } else if upper.starts_with("RCPT TO") {
            refusal(state, Stage::Rcpt).unwrap_or_else(|| {
                to.push(address(&line));
                "250 2.1.5 ok".to_owned()
            })
        } else if upper == "DATA" {
            writing.write_all(b"354 go on\r\n").await?;
            let mut text = String::new();
            while let Some(line) = lines.next_line().await? {
                if line == "." {
                    break;
                }
                text.push_str(line.strip_prefix('.').unwrap_or(&line));
                text.push('\n');
            }
            if let Some(line) = refusal(state, Stage::Data) {
                line
            } else {
                let mut state = lock(state);
                state.letters.push(Letter { from: from.clone(), to: to.clone(), text });
                if std::mem::take(&mut state.lose_answer) {
                    return Ok(());
                }
                "250 2.0.0 taken".to_owned()
            }
        } else if upper == "QUIT" {
            return writing.write_all(b"221 2.0.0 bye\r\n").await;
        } else if upper == "RSET" || upper == "NOOP" {
            "250 2.0.0 ok".to_owned()
        } else {
            "502 5.5.1 not known".to_owned()
        };
        writing.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

fn greeted(state: &Mutex<State>, known: bool) -> String {
    match refusal(state, Stage::Auth) {
        Some(line) => line,
        None if known => "235 2.7.0 welcome".to_owned(),
        None => "535 5.7.8 Authentication credentials invalid".to_owned(),
    }
}
