//! Drives the real window: starts WebKit's own WebDriver, which starts the program, and offers what a person does: read, press,
//! type. Everything waits for what it needs and says what was on the screen when it did not come.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::json;
use std::{
    fmt::Write as _,
    fs,
    future::Future,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use thirtyfour::{By, Capabilities, WebDriver, WebElement};

/// How long something may take to appear. Only a failing test ever waits this long.
const PATIENCE: Duration = Duration::from_mins(1);

/// How often a screen is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(100);

/// How the program is started.
pub struct Start<'a> {
    /// Folder of the workspace.
    pub workspace: &'a Path,
    /// Opens the demo.
    pub demo: bool,
    /// `SYNCDECK_URL_MAP`.
    pub url_map: String,
}

/// What a selector finds in sight: screens that were left stay in the page, undrawn.
const IN_SIGHT: &str = "const inSight = (selector) => \
    [...document.querySelectorAll(selector)].filter((found) => found.offsetParent !== null);";

/// The program in its window, and the driver that holds it.
pub struct Window {
    driver: WebDriver,
    process: Child,
}

impl Window {
    /// Starts the program and waits until its page is there.
    pub async fn open(start: &Start<'_>) -> Result<Self> {
        let port = free_port()?;
        let log = fs::File::create(output().join("webdriver.log"))?;
        let mut process = Command::new("WebKitWebDriver")
            .arg(format!("--port={port}"))
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("SYNCDECK_URL_MAP", &start.url_map)
            // "Today" is then the same day for the program and for the platform.
            .env("TZ", "Europe/Moscow")
            .stdout(log.try_clone()?)
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .context("WebKitWebDriver could not be started")?;
        let mut arguments = vec!["--workspace".to_owned(), start.workspace.display().to_string()];
        if start.demo {
            arguments.push("--demo".to_owned());
        }
        let mut capabilities = Capabilities::new();
        let program = json!({ "binary": env!("CARGO_BIN_EXE_syncdeck"), "args": arguments });
        capabilities.set("webkitgtk:browserOptions", program)?;
        let address = format!("http://127.0.0.1:{port}");
        let listening = until("the driver listens", async || {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok().map(drop))
        });
        let driver = match async {
            listening.await?;
            Ok(WebDriver::new(address, capabilities).await?)
        }
        .await
        {
            Ok(driver) => driver,
            Err(error) => {
                process.kill()?;
                process.wait()?;
                return Err(error);
            }
        };
        let window = Self { driver, process };
        window.element("the page", "//*[@id='root']/*").await?;
        Ok(window)
    }

    /// Sets preferences as the person's own choice in Settings would, and shows the page anew. The period is one of thirty days
    /// that end yesterday, so that tests do not depend on the day of the month.
    pub async fn prefer(&self, language: &str, theme: &str) -> Result<()> {
        self.prefer_period(language, theme, "last_30").await
    }

    /// The same with another period.
    pub async fn prefer_period(&self, language: &str, theme: &str, period: &str) -> Result<()> {
        let prefs = json!({ "language": language, "theme": theme, "period": period }).to_string();
        self.driver.execute("localStorage.setItem('syncdeck.prefs', arguments[0])", vec![json!(prefs)]).await?;
        self.driver.refresh().await?;
        self.element("the page", "//*[@id='root']/*").await?;
        Ok(())
    }

    /// Waits for a text to be on the screen: the whole text of some element, whatever marks words inside it.
    pub async fn reads(&self, text: &str) -> Result<()> {
        self.element(text, &format!("//*[normalize-space(.)={}]", quoted(text))).await.map(drop)
    }

    /// Waits for a text to be part of what the screen says.
    pub async fn mentions(&self, text: &str) -> Result<()> {
        let said = until(text, async || Ok(plain(&self.text().await?).contains(&plain(text)).then_some(()))).await;
        match said {
            Ok(()) => Ok(()),
            Err(error) => Err(self.describe(error).await),
        }
    }

    /// Brings the pointer onto the control of this name, as a hand does a while before it presses.
    pub async fn point(&self, name: &str) -> Result<()> {
        let control = self.element(name, &control(name)).await?;
        Ok(self.driver.action_chain().move_to_element_center(&control).perform().await?)
    }

    /// Presses the button, link, tab, option or other control of this name.
    pub async fn press(&self, name: &str) -> Result<()> {
        let path = control(name);
        // What was found may be drawn anew before it is pressed, so finding and pressing are tried together.
        let pressed = until(name, async || {
            let Ok(found) = self.driver.find_all(By::XPath(&path)).await else { return Ok(None) };
            for element in found.into_iter().rev() {
                if element.is_displayed().await.unwrap_or(false) && element.click().await.is_ok() {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await;
        match pressed {
            Ok(()) => Ok(()),
            Err(error) => Err(self.describe(error).await),
        }
    }

    /// Presses the first element in sight that a CSS selector finds: for rows, which have no name of their own.
    pub async fn press_first(&self, selector: &str) -> Result<()> {
        let pressed = until(selector, async || {
            let Ok(found) = self.driver.find_all(By::Css(selector)).await else { return Ok(None) };
            for element in found {
                if element.is_displayed().await.unwrap_or(false) && element.click().await.is_ok() {
                    return Ok(Some(()));
                }
            }
            Ok(None)
        })
        .await;
        match pressed {
            Ok(()) => Ok(()),
            Err(error) => Err(self.describe(error).await),
        }
    }

    /// Types into the field with this label, in place of what stands there.
    pub async fn fill(&self, label: &str, text: &str) -> Result<()> {
        let label_ = quoted(label);
        let path = format!(
            "//*[(self::input or self::textarea) and (@aria-label={label_} \
             or @id=//label[normalize-space(.)={label_} or normalize-space(text())={label_}]/@for)]"
        );
        let field = self.element(label, &path).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// Waits until a script's expression is something other than null, false or nothing. It may ask for `inSight(selector)`.
    pub async fn script(&self, script: &str) -> Result<serde_json::Value> {
        let script = format!("{IN_SIGHT} return ({script})");
        let answer = until(&script, async || {
            let answer = self.driver.execute(script.as_str(), Vec::new()).await?.json().clone();
            Ok((!answer.is_null() && answer != json!(false)).then_some(answer))
        })
        .await;
        match answer {
            Ok(answer) => Ok(answer),
            Err(error) => Err(self.describe(error).await),
        }
    }

    /// Chooses an option of the list behind the field with this label.
    pub async fn choose(&self, label: &str, option: &str) -> Result<()> {
        let path = format!("//input[@id=//label[normalize-space(.)={}]/@for]", quoted(label));
        self.element(label, &path).await?.click().await?;
        self.press(option).await
    }

    /// Measures the page from now on (see `meter.js`).
    pub async fn measure(&self) -> Result<()> {
        self.driver.execute(include_str!("meter.js"), Vec::new()).await?;
        Ok(())
    }

    /// How long a press takes, in milliseconds, from the moment the system makes it until what `shown` (a script's expression) asks
    /// for is painted; it may ask for `inSight(selector)`. Needs [`Window::measure`].
    pub async fn time<F: Future<Output = Result<()>>>(&self, shown: &str, press: F) -> Result<f64> {
        self.driver.execute(format!("{IN_SIGHT} meter.arm(() => {shown})"), Vec::new()).await?;
        press.await?;
        let took = self.driver.execute_async("const done = arguments[0]; meter.took.then(done)", Vec::new()).await;
        match took {
            Ok(took) => Ok(took.convert()?),
            Err(error) => Err(self.describe(anyhow!("{shown} did not come: {error:#}")).await),
        }
    }

    /// What an asynchronous script measures: a number that it hands to its last argument.
    pub async fn measure_script(&self, script: &str) -> Result<f64> {
        Ok(self.driver.execute_async(script, Vec::new()).await?.convert()?)
    }

    /// How long the program has been there, in milliseconds, since the system started it; to the hundredth of a second.
    pub fn age_millis(&self) -> Result<f64> {
        /// Of a second: what Linux counts a process's start in on every platform we test on.
        const TICKS: f64 = 100.0;
        let uptime = fs::read_to_string("/proc/uptime")?;
        let uptime: f64 = uptime.split_whitespace().next().context("how long the system is up")?.parse()?;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.program()?))?;
        // The program's name, in parentheses, may have spaces; the start is the twenty-second field.
        let fields = stat.rsplit_once(") ").context("the state of the program")?.1;
        let started: f64 = fields.split_whitespace().nth(19).context("when the program started")?.parse()?;
        Ok((uptime - started / TICKS) * 1_000.0)
    }

    /// What [`Window::measure`] noted.
    pub async fn measured(&self) -> Result<serde_json::Value> {
        Ok(self.driver.execute("return meter.read()", Vec::new()).await?.json().clone())
    }

    /// Asks the backend as the page does.
    pub async fn ask(&self, command: &str, request: &serde_json::Value) -> Result<serde_json::Value> {
        let ask = "const [command, request, done] = arguments;
            window.__TAURI_INTERNALS__.invoke('call', { command, request }).then(done, (error) => done({ error }))";
        let answer = self.driver.execute_async(ask, vec![json!(command), request.clone()]).await?.json().clone();
        match answer.get("error") {
            Some(error) => bail!("{command} was refused: {error}"),
            None => Ok(answer),
        }
    }

    /// The most memory the program ever held, in megabytes, and how much of what it holds now are pages of files (of the program
    /// itself, above all), which the system takes back when it needs them.
    pub fn memory(&self) -> Result<(f64, f64)> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.program()?))?;
        let megabytes = |name: &str| -> Result<f64> {
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .context("the system tells less than it should")?;
            Ok(line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<f64>()? / 1024.0)
        };
        Ok((megabytes("VmHWM")?, megabytes("RssFile")?))
    }

    /// Gives the window another size.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        self.driver.set_window_rect(0, 0, width, height).await?;
        Ok(())
    }

    /// What the screen says.
    pub async fn text(&self) -> Result<String> {
        Ok(self.driver.execute("return document.body.innerText", Vec::new()).await?.convert()?)
    }

    /// The page itself, with everything in it that is not shown.
    pub async fn source(&self) -> Result<String> {
        Ok(self.driver.source().await?)
    }

    /// Takes a picture: for the documentation when `SYNCDECK_SCREENSHOTS=1`, else beside the other output of tests.
    pub async fn picture(&self, name: &str) -> Result<()> {
        let folder = if std::env::var("SYNCDECK_SCREENSHOTS").is_ok_and(|wish| wish == "1") {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots")
        } else {
            output()
        };
        fs::create_dir_all(&folder)?;
        // What the page says is there before it is painted, and transitions take up to 150 ms.
        let painted = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 400)))";
        self.driver.execute_async(painted, Vec::new()).await?;
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await?;
        Ok(())
    }

    /// Ends the program as a desktop that logs out does, and waits until it has stopped its work and is gone. (To end the session
    /// through the driver would kill it.)
    pub async fn close(self) -> Result<()> {
        let program = self.program()?;
        let asked = Command::new("kill").arg(program.to_string()).status()?;
        if !asked.success() {
            bail!("the program could not be asked to end");
        }
        until("the program ends", async || Ok(has_ended(program).then_some(()))).await
    }

    /// The program that the driver started.
    fn program(&self) -> Result<u32> {
        let driver = self.process.id();
        let children = fs::read_to_string(format!("/proc/{driver}/task/{driver}/children"))?;
        match children.split_whitespace().collect::<Vec<_>>()[..] {
            [child] => Ok(child.parse()?),
            ref children => bail!("the driver has {} children", children.len()),
        }
    }

    async fn element(&self, what: &str, path: &str) -> Result<WebElement> {
        let found = until(what, async || {
            for element in self.driver.find_all(By::XPath(path)).await.unwrap_or_default() {
                if element.is_displayed().await.unwrap_or(false) {
                    return Ok(Some(element));
                }
            }
            Ok(None)
        })
        .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => Err(self.describe(error).await),
        }
    }

    /// Adds to an error what was on the screen.
    async fn describe(&self, error: anyhow::Error) -> anyhow::Error {
        let mut text = format!("{error:#}");
        match self.text().await {
            Ok(screen) => _ = write!(text, "\nThe screen said:\n{screen}"),
            Err(gone) => _ = write!(text, "\nThe screen could not be read: {gone:#}"),
        }
        if let Err(error) = self.driver.screenshot(&output().join("failure.png")).await {
            _ = write!(text, "\nNo picture of it: {error:#}");
        }
        anyhow!(text)
    }
}

impl Drop for Window {
    /// Leaves no process behind, whether the test closed the window or failed before.
    fn drop(&mut self) {
        if let Ok(program) = self.program() {
            _ = Command::new("kill").arg("-9").arg(program.to_string()).status();
        }
        _ = self.process.kill();
        _ = self.process.wait();
        // The library would wait for an answer of the driver that has just been ended.
        _ = self.driver.clone().leak();
    }
}

/// Where pictures and logs of tests go.
pub fn output() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("window");
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Spaces of every kind as one plain space: `Intl` groups digits with narrow ones.
pub fn plain(text: &str) -> String {
    text.split(|letter: char| letter.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Asks again until there is an answer.
async fn until<T, F: Future<Output = Result<Option<T>>>>(what: &str, ask: impl Fn() -> F) -> Result<T> {
    let answer = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            tokio::time::sleep(GLANCE).await;
        }
    });
    answer.await.unwrap_or_else(|_| Err(anyhow!("This did not come: {what}")))
}

/// Whether a process has ended: it is gone, or only waits for its parent to notice (state `Z`).
fn has_ended(process: u32) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat"))
        .map_or(true, |stat| stat.rsplit_once(") ").is_some_and(|(_, fields)| fields.starts_with('Z')))
}

/// Waits for a claim to hold: a screen is refreshed a moment after what it shows has changed. Fails with what was wrong last.
pub async fn comes_true<F: Future<Output = Result<()>>>(claim: impl Fn() -> F) -> Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        match claim().await {
            Err(_) if Instant::now() < end => tokio::time::sleep(GLANCE).await,
            done => return done,
        }
    }
}

/// A port that nobody listens on now.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The path to the control of a name.
fn control(name: &str) -> String {
    let name = quoted(name);
    format!(
        "//*[self::button or self::a or self::input or self::summary or self::label or @role='button' or @role='tab' or @role='option' \
         or @role='menuitem' or @role='checkbox' or @role='radio'][@aria-label={name} or normalize-space(.)={name} \
         or .//*[normalize-space(.)={name}]][not(@disabled) and not(@aria-disabled='true') and not(@data-disabled='true')]"
    )
}

/// A text as XPath writes it: there is no escape in it, so a text with both quotes cannot be written, and none of ours is.
fn quoted(text: &str) -> String {
    if text.contains('"') { format!("'{text}'") } else { format!("\"{text}\"") }
}
