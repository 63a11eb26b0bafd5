//! The audit log notices every way of changing it.

use crate::{Home, noon};
use chrono::TimeDelta;
use sqlx::Connection;

#[tokio::test]
async fn entries_are_numbered_and_read_newest_first() {
    let home = Home::new().await;
    assert!(home.store.verify_audit().await.unwrap().is_intact());
    for number in 1..=5 {
        let at = noon() + TimeDelta::seconds(number);
        assert_eq!(
            home.store.append_audit(at, "anna", "client_created", &format!("Клиент {number}")).await.unwrap(),
            number
        );
    }
    let home = home.reopened().await;
    let page = home.store.audit(Some(4), 2).await.unwrap();
    assert_eq!(
        page.iter().map(|e| (e.number, e.subject.as_str())).collect::<Vec<_>>(),
        [(3, "Клиент 3"), (2, "Клиент 2")]
    );
    let check = home.store.verify_audit().await.unwrap();
    assert_eq!((check.entries, check.broken_at), (5, None));
}

#[tokio::test]
async fn a_changed_chain_is_noticed_where_it_was_changed() {
    for (change, broken_at) in [
        ("UPDATE audit_log SET subject = 'other' WHERE number = 3", 3),
        ("UPDATE audit_log SET at = at + 1 WHERE number = 1", 1),
        ("UPDATE audit_log SET actor = 'annac', action = 'lient_created' WHERE number = 2", 2),
        ("UPDATE audit_log SET hash = zeroblob(32) WHERE number = 4", 4),
        ("DELETE FROM audit_log WHERE number = 2", 2),
        ("DELETE FROM audit_log WHERE number = 5", 5),
        ("DELETE FROM audit_log", 1),
        ("DELETE FROM audit_head", 6),
        ("INSERT INTO audit_log SELECT 6, at, actor, action, subject, hash, hash FROM audit_log WHERE number = 5", 6),
        ("UPDATE audit_log SET number = number + 1 WHERE number = 5", 5),
    ] {
        let home = Home::new().await;
        for number in 1..=5 {
            home.store.append_audit(noon(), "anna", "client_created", &number.to_string()).await.unwrap();
        }
        let mut raw = home.raw().await;
        sqlx::query(change).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
        assert_eq!(home.store.verify_audit().await.unwrap().broken_at, Some(broken_at), "{change}");
    }
}
