//! Table `alert_rules`: what a person changed about the rules of alerts. What a rule does by itself stands in `model`.

use crate::{
    Result, Store, StoreError,
    codec::{Read, json},
};
use model::alert::{AlertKind, AlertRule};
use std::collections::BTreeMap;

impl Store {
    /// The rules of all kinds, as a person changed them or as they are by themselves. A number that lies outside of what this version
    /// allows is what it is by itself.
    pub async fn alert_rules(&self) -> Result<BTreeMap<AlertKind, AlertRule>> {
        let mut rules: BTreeMap<AlertKind, AlertRule> =
            AlertKind::ALL.iter().map(|kind| (*kind, kind.rule())).collect();
        let rows =
            sqlx::query("SELECT kind, enabled, severity, thresholds FROM alert_rules").fetch_all(&self.readers).await?;
        for row in &rows {
            let kind: AlertKind = row.word("kind")?;
            let mut rule = AlertRule {
                kind,
                enabled: row.value("enabled")?,
                severity: row.word("severity")?,
                thresholds: kind.rule().thresholds,
            };
            let kept: BTreeMap<String, u32> = row.json("thresholds")?;
            for range in kind.thresholds() {
                if let Some(&value) = kept.get(range.threshold.as_str())
                    && (range.least..=range.most).contains(&value)
                {
                    rule.thresholds.insert(range.threshold, value);
                }
            }
            rules.insert(kind, rule);
        }
        Ok(rules)
    }

    /// Changes the rule of one kind.
    pub async fn set_alert_rule(&self, rule: &AlertRule) -> Result<()> {
        if rule.check().is_err() {
            return Err(StoreError::Misuse("a rule has every number of its kind, within its range"));
        }
        self.located(async {
            let set = sqlx::query(
                "INSERT INTO alert_rules (kind, enabled, severity, thresholds) VALUES (?, ?, ?, ?)
                 ON CONFLICT (kind) DO UPDATE SET enabled = excluded.enabled, severity = excluded.severity,
                     thresholds = excluded.thresholds",
            )
            .bind(rule.kind.as_str())
            .bind(rule.enabled)
            .bind(rule.severity.as_str())
            .bind(json(&rule.thresholds)?);
            self.execute(set).await?;
            Ok(())
        })
        .await
    }
}
