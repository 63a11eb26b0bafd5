//! Stages with their times, and one summary at the end: what ran, how long it took, what failed and why.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// How a stage ended.
enum Outcome {
    Passed,
    Failed(String),
    /// It cannot run on this system, and why.
    Impossible(String),
}

/// The stages so far.
#[derive(Default)]
pub(crate) struct Report {
    stages: Vec<(&'static str, Outcome, Duration)>,
}

impl Report {
    /// Runs a stage. Its failure is kept for the summary and the next stage runs anyway, because one run that names all
    /// failures is worth more than several that name one each. Answers whether it passed, for stages that need this one.
    pub(crate) fn stage(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        println!("\n━━ {name}");
        let start = Instant::now();
        let outcome = match work() {
            Ok(()) => Outcome::Passed,
            Err(error) => {
                let error = format!("{error:#}");
                // The summary tells the rest.
                eprintln!("{}", error.lines().next().unwrap_or_default());
                Outcome::Failed(error)
            }
        };
        let passed = matches!(outcome, Outcome::Passed);
        self.stages.push((name, outcome, start.elapsed()));
        passed
    }

    /// Notes a stage that cannot run on this system. On Linux, where everything can be had, that is a failure.
    pub(crate) fn impossible(&mut self, name: &'static str, reason: &str) {
        println!("\n━━ {name}\nCannot run here: {reason}");
        self.stages.push((name, Outcome::Impossible(reason.to_owned()), Duration::ZERO));
    }

    /// Prints the summary; an error when a stage failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n━━ Summary");
        let mut failed = 0;
        for (name, outcome, time) in &self.stages {
            let (mark, text) = match outcome {
                Outcome::Passed => ("passed", ""),
                Outcome::Failed(error) => ("FAILED", error.lines().next().unwrap_or_default()),
                Outcome::Impossible(reason) => ("cannot run here", reason.as_str()),
            };
            let fails = match outcome {
                Outcome::Passed => false,
                Outcome::Failed(_) => true,
                Outcome::Impossible(_) => cfg!(target_os = "linux"),
            };
            failed += usize::from(fails);
            println!("{name:<28} {:>7}  {mark}  {text}", minutes(*time));
        }
        let total = self.stages.iter().map(|(_, _, time)| *time).sum();
        println!("{:<28} {:>7}", "total", minutes(total));
        for (name, outcome, _) in &self.stages {
            if let Outcome::Failed(error) = outcome
                && let Some((_, why)) = error.split_once('\n')
            {
                println!("\n━━ {name} failed\n{why}");
            }
        }
        if failed > 0 {
            bail!("{failed} of {} stages failed", self.stages.len());
        }
        Ok(())
    }
}

/// `12:34`, minutes and seconds.
fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn every_stage_runs_and_one_failure_fails_the_whole() {
        let mut report = Report::default();
        assert!(report.stage("good", || Ok(())));
        assert!(!report.stage("bad", || Err(anyhow!("broken"))));
        assert!(report.stage("good after bad", || Ok(())));
        assert_eq!(report.stages.len(), 3);
        assert_eq!(report.finish().map_err(|error| error.to_string()), Err("1 of 3 stages failed".to_owned()));
    }

    #[test]
    fn what_cannot_run_fails_where_it_should_run() {
        let mut report = Report::default();
        report.impossible("window", "no WebDriver");
        assert_eq!(report.finish().is_err(), cfg!(target_os = "linux"));
    }

    #[test]
    fn times_read_as_minutes_and_seconds() {
        for (seconds, text) in [(0, "0:00"), (9, "0:09"), (61, "1:01"), (3599, "59:59")] {
            assert_eq!(minutes(Duration::from_secs(seconds)), text);
        }
    }
}
