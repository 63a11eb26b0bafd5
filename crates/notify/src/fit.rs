//! Makes a message as short as a service demands: items are left out from the end, where the least urgent are, and the last line says how
//! many. What is left out is in the program; nothing is cut in the middle of a sentence.

use crate::{
    format::Format,
    message::{Group, Message},
    words::ALERTS,
};
use chrono::DateTime;
use model::channel::Language;

/// The message with as many of its items as `fits` allows.
pub(crate) fn shortened(message: &Message, fits: impl Fn(&Message) -> bool) -> Message {
    if fits(message) {
        return message.clone();
    }
    // `least` items fit (or nothing does), `most` do not.
    let (mut least, mut most) = (0, message.len());
    while most - least > 1 {
        let middle = least.midpoint(most);
        if fits(&first(message, middle)) {
            least = middle;
        } else {
            most = middle;
        }
    }
    first(message, least)
}

/// The first items, and a last line about the rest.
fn first(message: &Message, items: usize) -> Message {
    let mut left = items;
    let mut groups: Vec<Group> = Vec::new();
    for group in &message.groups {
        let take = group.items.len().min(left);
        if take == 0 {
            break;
        }
        left -= take;
        groups.push(Group { heading: group.heading.clone(), items: group.items[..take].to_vec() });
    }
    let rest = i64::try_from(message.len() - (items - left)).unwrap_or(i64::MAX);
    let format = Format::new(message.language, "UTC", DateTime::UNIX_EPOCH);
    let counted = format.counted(rest, ALERTS);
    let foot = match format.language {
        Language::Ru => format!("И ещё {counted} в Syncdeck."),
        Language::En => format!("And {counted} more in Syncdeck."),
    };
    Message { groups, foot: Some(foot), ..message.clone() }
}
