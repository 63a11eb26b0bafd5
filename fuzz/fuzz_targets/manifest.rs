//! Any text as a manifest: it is loaded, or refused with a reason. What was loaded can be asked for everything a screen shows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest::connector::Connector;

fuzz_target!(|text: &str| {
    match Connector::load(text) {
        Ok(connector) => {
            // Plain once more is plain: what was loaded is a document again.
            let _ = connector.document().to_string();
            let _ = connector.form();
            let _ = connector.check_names();
            let _ = connector.veil().computed();
            for declared in connector.declared() {
                if let Err(fault) = &declared.stream {
                    assert!(!fault.to_string().is_empty());
                }
            }
        }
        Err(error) => assert!(!error.message.is_empty()),
    }
});
